/** What became of reports, by server: the counters behind `penstock_reports_total`. */
import type { ReportOutcome } from "../wire/report-message.ts";
import type { ReportServer } from "../wire/viewer-report.ts";

/** A metric label, so the set is closed. */
export type ReportResult =
	| "accepted"
	/** The media server cannot be reached just now. */
	| "kept"
	/** Applied, for less bandwidth than claimed. */
	| "implausible"
	| "malformed"
	| "rate-limited"
	| "stale"
	/** The body did not come in time, or not whole. */
	| "timeout"
	| "too-large"
	| "unknown-session"
	| "unsupported";

const RESULTS: Readonly<Record<ReportOutcome["kind"], ReportResult>> = {
	applied: "accepted",
	implausible: "implausible",
	kept: "kept",
	stale: "stale",
	unknown: "unknown-session",
};

export class ReportCounts {
	readonly server: ReportServer;
	readonly #counts = new Map<ReportResult, number>();

	constructor(server: ReportServer) {
		this.server = server;
	}

	add(result: ReportResult): void {
		this.#counts.set(result, (this.#counts.get(result) ?? 0) + 1);
	}

	addOutcome({ kind }: ReportOutcome): void {
		this.add(RESULTS[kind]);
	}

	*all(): Iterable<{ readonly server: ReportServer; readonly result: ReportResult; readonly count: number }> {
		for (const [result, count] of this.#counts) yield { server: this.server, result, count };
	}
}
