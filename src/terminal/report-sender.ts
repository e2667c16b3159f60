/**
 * Takes a player's figures to the network server and to the status server (S10): CMCD version 2 events, once a second
 * and at each switch. Reporting never disturbs watching: a server that is slow or away misses reports, and what is told
 * next is newer anyway.
 */
import { CMCD_MIME_TYPE, encodeCmcd } from "@svta/cml-cmcd";
import type { Clock } from "../base/clock.ts";
import { cmcdOfFigures, SWITCH_ACK } from "../wire/cmcd-report.ts";
import { figuresFor, type ReportedFigures, type ReportServer } from "../wire/viewer-report.ts";
import type { FiguresSink, PlayerFigures, SwitchTold } from "./figures.ts";

/** The machine that plays. */
export interface MachineShares {
	/** Idle share of its CPU, 0 to 1; undefined where nobody knows. */
	readonly cpuIdle: number | undefined;
	/** Used share of its memory. */
	readonly memoryUsed: number | undefined;
}

export interface ReportSenderOptions {
	/** Where to POST: absent where that server is not reported to. */
	readonly targets: Readonly<Partial<Record<ReportServer, URL>>>;
	readonly clock: Clock;
	/** Asked once for each report. */
	readonly machine: () => MachineShares;
}

const SERVERS: readonly ReportServer[] = ["network", "status"];
/** An answer that takes longer is nobody's; until then nothing else is sent there. */
const TIMEOUT_MS = 3000;

export class ReportSender implements FiguresSink {
	readonly #options: ReportSenderOptions;
	readonly #busy = new Set<ReportServer>();
	#sequence = 0;
	/** Answers, and what there was instead. */
	readonly counts = { taken: 0, refused: 0, failed: 0 };

	constructor(options: ReportSenderOptions) {
		this.#options = options;
	}

	figures(session: string | undefined, figures: PlayerFigures): void {
		if (session !== undefined) this.#report(session, figures, { e: "t" });
	}

	switched(session: string | undefined, { to, unit }: SwitchTold, figures: PlayerFigures): void {
		if (session === undefined) return;
		const acknowledged: ReportedFigures = {
			...(unit !== undefined && { acknowledgedUnit: unit }),
			...(to !== undefined && { renditionShown: to }),
		};
		this.#report(session, figures, { e: "ce", cen: SWITCH_ACK }, acknowledged);
	}

	#report(session: string, figures: PlayerFigures, event: object, more: ReportedFigures = {}): void {
		const { targets, clock, machine } = this.#options;
		const reported: ReportedFigures = { ...reportedFigures(figures, machine()), ...more };
		const common = { v: 2, sid: session, sn: this.#sequence++, ts: Math.round(clock.wall()), ...event } as const;
		for (const server of SERVERS) {
			const target = targets[server];
			if (target === undefined || this.#busy.has(server)) continue;
			const values = { ...common, ...cmcdOfFigures(figuresFor(server, reported)) };
			const line = encodeCmcd(values, { version: 2, reportingMode: "event" });
			void this.#post(server, target, `${line}\n`);
		}
	}

	async #post(server: ReportServer, target: URL, body: string): Promise<void> {
		this.#busy.add(server);
		try {
			const headers = { "Content-Type": CMCD_MIME_TYPE };
			const signal = AbortSignal.timeout(TIMEOUT_MS);
			const { ok } = await fetch(target, { method: "POST", headers, body, signal });
			this.counts[ok ? "taken" : "refused"]++;
		} catch {
			this.counts.failed++;
		} finally {
			this.#busy.delete(server);
		}
	}
}

function reportedFigures(figures: PlayerFigures, { cpuIdle, memoryUsed }: MachineShares): ReportedFigures {
	const { throughputBps, framesLost, framesDecoded, bufferMs, stalls, stalledMs, ptsMs, rendition } = figures;
	return {
		...(throughputBps !== undefined && { bandwidthBps: throughputBps }),
		...(cpuIdle !== undefined && { cpuIdle: thousandths(cpuIdle) }),
		...(memoryUsed !== undefined && { memoryUsed: thousandths(memoryUsed) }),
		...{ droppedFrames: framesLost, shownFrames: framesDecoded, bufferMs, stalls, stalledMs },
		// Only the test signal's clock tells how old a picture is; the other measure begins at zero.
		...(figures.delayBy === "clock" && figures.delayMs !== undefined && { delayMs: Math.max(0, figures.delayMs) }),
		...(ptsMs !== undefined && ptsMs >= 0 && { playheadMs: Math.round(ptsMs) }),
		...(rendition !== undefined && { renditionShown: rendition }),
	};
}

const thousandths = (share: number): number => Math.round(share * 1000) / 1000;
