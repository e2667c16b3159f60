/**
 * Hands reports on to the media server that has the session, over a bus between machines (cluster/ has it). The newest
 * figures are never lost: while the bus is away, or nobody answers, what a session reported is kept, newer reports are
 * put over it figure by figure, and all of it goes out as soon as it can, with its age.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { decodeOutcome, encodeReport, type ReportOutcome, reportSubject } from "../wire/report-message.ts";
import { merged, type ViewerReport } from "../wire/viewer-report.ts";
import type { ReportTaker } from "./report-server.ts";

export type BusReply =
	| { readonly kind: "reply"; readonly payload: string }
	/** Nobody listens to the subject. */
	| { readonly kind: "nobody" }
	/** Somebody listens and has not answered in time. */
	| { readonly kind: "silent" }
	/** There is no connection. */
	| { readonly kind: "away" };

export interface ReportBus {
	readonly connected: boolean;
	/** Never rejects. */
	request(subject: string, payload: string, timeoutMs: number): Promise<BusReply>;
	/** Calls back at each connection, the first included. */
	onConnect(callback: () => void): void;
}

export interface ForwarderOptions {
	readonly bus: ReportBus;
	readonly clock: Clock;
	/** Sessions whose figures are kept; the one that reported longest ago goes first. */
	readonly maxKept?: number;
}

const ANSWER_TIMEOUT_MS = 250;
/** A viewer may report before its media server's subscription has come through. */
const SECOND_TRY_MS = 100;
/** After a connection, media servers are given so long to come back before a session counts as unknown. */
const GRACE_MS = 10_000;
const RETRY_MS = 500;
/** What nobody wanted for so long is no news to anybody. */
const LONGEST_KEPT_MS = 10 * 60_000;
const AT_ONCE = 64;

interface Kept {
	readonly report: ViewerReport;
	readonly at: Milliseconds;
}

export class Forwarder implements ReportTaker {
	readonly #options: ForwarderOptions;
	readonly #maxKept: number;
	/** By subject, in the order of their last report. */
	readonly #kept = new Map<string, Kept>();
	#connectedAt: Milliseconds | undefined;
	#timer: Timer | undefined;
	#flushing = false;

	constructor(options: ForwarderOptions) {
		this.#options = options;
		this.#maxKept = options.maxKept ?? 10_000;
		options.bus.onConnect(() => {
			this.#connectedAt = options.clock.now();
			void this.#flush();
		});
	}

	get keptSessions(): number {
		return this.#kept.size;
	}

	async take(report: ViewerReport): Promise<ReportOutcome> {
		const { clock, bus } = this.#options;
		const subject = reportSubject(report);
		const before = this.#kept.get(subject);
		const kept: Kept = { report: before === undefined ? report : merged(before.report, report), at: clock.now() };
		if (!bus.connected) return this.#keep(subject, kept);
		if (before !== undefined) this.#keep(subject, kept);
		return await this.#send(subject, kept);
	}

	close(): void {
		this.#timer?.cancel();
		this.#kept.clear();
	}

	async #send(subject: string, kept: Kept): Promise<ReportOutcome> {
		let reply = await this.#ask(subject, kept);
		if (reply.kind === "nobody" && !this.#mayComeBack()) {
			await new Promise<void>((resolve) => void this.#options.clock.after(SECOND_TRY_MS, resolve));
			reply = await this.#ask(subject, kept);
		}
		const outcome = reply.kind === "reply" ? decodeOutcome(reply.payload) : undefined;
		if (outcome !== undefined) {
			this.#forget(subject, kept);
			return outcome;
		}
		if (reply.kind === "nobody" && !this.#mayComeBack()) {
			this.#forget(subject, kept);
			return { kind: "unknown" };
		}
		return this.#keep(subject, kept);
	}

	#ask(subject: string, { report, at }: Kept): Promise<BusReply> {
		const ageMs = report.ageMs + Math.max(0, this.#options.clock.now() - at);
		return this.#options.bus.request(subject, encodeReport({ ...report, ageMs }), ANSWER_TIMEOUT_MS);
	}

	#mayComeBack(): boolean {
		return this.#connectedAt === undefined || this.#options.clock.now() - this.#connectedAt < GRACE_MS;
	}

	#keep(subject: string, kept: Kept): ReportOutcome {
		const before = this.#kept.get(subject);
		// While this one was on its way, a newer one may have been put over it.
		if (before === undefined || before.at <= kept.at) {
			this.#kept.delete(subject);
			this.#kept.set(subject, kept);
			if (this.#kept.size > this.#maxKept) this.#kept.delete(this.#kept.keys().next().value!);
		}
		this.#arm();
		return { kind: "kept" };
	}

	#forget(subject: string, sent: Kept): void {
		const kept = this.#kept.get(subject);
		if (kept !== undefined && kept.at <= sent.at) this.#kept.delete(subject);
	}

	#arm(): void {
		if (this.#timer !== undefined || this.#flushing || !this.#options.bus.connected) return;
		this.#timer = this.#options.clock.after(RETRY_MS, () => {
			this.#timer = undefined;
			void this.#flush();
		});
	}

	/** Sends what is kept, some at once; what is not wanted yet is tried again a little later. */
	async #flush(): Promise<void> {
		if (this.#flushing) return;
		this.#flushing = true;
		const { bus, clock } = this.#options;
		const waiting = [...this.#kept.keys()];
		while (waiting.length > 0 && bus.connected) {
			const some = waiting.splice(0, AT_ONCE).flatMap((subject) => {
				const kept = this.#kept.get(subject);
				if (kept === undefined) return [];
				if (clock.now() - kept.at <= milliseconds(LONGEST_KEPT_MS)) return [this.#send(subject, kept)];
				this.#kept.delete(subject);
				return [];
			});
			await Promise.all(some);
		}
		this.#flushing = false;
		if (this.#kept.size > 0) this.#arm();
	}
}
