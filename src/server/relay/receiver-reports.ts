/**
 * Our reports to whoever brings a stream (RFC 3550, clause 6.4.2): every few seconds he is told of each medium how it
 * comes, and where its packets do not come to this process at least that we are there; cameras and encoders end or slow
 * down without it.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type { ReportBlock } from "../../media/rtp/rtcp.ts";
import { averageRtcpBytes, rtcpIntervalMs } from "../../media/rtp/rtcp-interval.ts";
import { receiverCompound } from "../../media/rtp/rtcp-writer.ts";
import type { SdpMedia } from "../../wire/sdp.ts";
import { payloadsOf } from "../../wire/sdp-payloads.ts";
import { CNAME } from "./good-bye.ts";
import type { ReportRule } from "./report-rule.ts";

/** To one who sends a medium. */
export interface ReportPath {
	/** @param compound not kept */
	send(compound: Uint8Array): void;
	close(): void;
}

/** A medium as it comes. */
export interface ReportedFlow {
	/** How it has come since it was asked last; undefined where nobody here can tell. */
	takeBlock(): ReportBlock | undefined;
}

export interface ReceiverReportsParts {
	readonly clock: Clock;
	/** From 0 to below 1. */
	readonly random: () => number;
	/** By medium. */
	readonly flows: ReadonlyMap<number, ReportedFlow>;
	/** Of those media that reports go back for. */
	readonly paths: ReadonlyMap<number, () => ReportPath>;
}

/** RTCP's share of the thinnest medium that there is, 5 % of 64 kbit/s: more than two reports in five seconds need. */
const RTCP_BPS = 3200;
const PICTURES_CLOCK_HZ = 90_000;
/** UDP's and IP's. */
const HEADER_BYTES = 28;

export class ReceiverReports {
	readonly #parts: ReceiverReportsParts;
	readonly #paths: ReadonlyMap<number, ReportPath>;
	/** Ours. */
	readonly #ssrc = randomBytes(4).readUInt32BE(0);
	#averageBytes: number;
	#timer: Timer;

	constructor(parts: ReceiverReportsParts) {
		this.#parts = parts;
		this.#paths = new Map([...parts.paths].map(([medium, open]) => [medium, open()]));
		this.#averageBytes = receiverCompound(this.#ssrc, [], CNAME).length + HEADER_BYTES;
		this.#timer = this.#nextReport(true);
	}

	end(): void {
		this.#timer.cancel();
		for (const path of this.#paths.values()) path.close();
	}

	#nextReport(isFirst: boolean): Timer {
		const { clock, random } = this.#parts;
		const situation = { members: 2, senders: 1, isSender: false, rtcpBps: RTCP_BPS, averageBytes: this.#averageBytes };
		return clock.after(rtcpIntervalMs({ ...situation, isFirst }, random()), () => {
			this.#report();
			this.#timer = this.#nextReport(false);
		});
	}

	#report(): void {
		for (const [medium, path] of this.#paths) {
			const block = this.#parts.flows.get(medium)?.takeBlock();
			const compound = receiverCompound(this.#ssrc, block === undefined ? [] : [block], CNAME);
			this.#averageBytes = averageRtcpBytes(this.#averageBytes, compound.length + HEADER_BYTES);
			path.send(compound);
		}
	}
}

/** For a medium as its sender has described it; by the clock of pictures where nothing can be read from that. */
export const meterFor = (clock: Clock, medium: SdpMedia): ReceptionMeter =>
	new ReceptionMeter(clock, payloadsOf(medium)[0]?.clockRateHz ?? PICTURES_CLOCK_HZ);

/** What is sent before the rule is at work is lost. @param onFault why it does not come about */
export function pathByRule(
	opening: Promise<ReportRule | PenstockError>,
	onFault: (error: PenstockError) => void,
): ReportPath {
	let rule: ReportRule | undefined;
	let closed = false;
	void opening.then((opened) => {
		if (opened instanceof PenstockError) onFault(opened);
		else if (closed) opened.close();
		else rule = opened;
	});
	return {
		send: (compound) => rule?.send(compound),
		close: () => {
			closed = true;
			rule?.close();
			rule = undefined;
		},
	};
}
