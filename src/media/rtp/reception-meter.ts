/**
 * How one medium's packets are received, for the reports that its sender gets (RFC 3550, clause 6.4.2), wherever the
 * packets go on to: takes RTP and RTCP as they pass, keeps nothing of them.
 */
import type { Clock } from "../../base/clock.ts";
import type { Milliseconds } from "../../base/units.ts";
import { isRtcp, parseRtp } from "./header.ts";
import { ntpMiddle, parseRtcp, type ReportBlock } from "./rtcp.ts";
import { type SourceSink, SourceTracker } from "./source-tracker.ts";

/** A sender's report, as far as an answer refers to it. */
interface HeardReport {
	readonly ssrc: number;
	readonly middle: number;
	readonly arrivalMs: Milliseconds;
}

const NOWHERE: SourceSink = { packet: () => undefined, restart: () => undefined };

export class ReceptionMeter {
	readonly #clock: Clock;
	readonly #clockRateHz: number;
	#tracker: SourceTracker;
	/** Some senders' comes before their first packet. */
	#heard: HeardReport | undefined;

	/** @param clockRateHz of the packets' timestamps */
	constructor(clock: Clock, clockRateHz: number) {
		this.#clock = clock;
		this.#clockRateHz = clockRateHz;
		this.#tracker = new SourceTracker(clockRateHz, undefined, NOWHERE);
	}

	/** @param bytes a datagram, or an interleaved packet; a view is enough */
	push(bytes: Uint8Array): void {
		if (isRtcp(bytes)) {
			this.#reports(bytes);
			return;
		}
		const packet = parseRtp(bytes);
		if (typeof packet !== "string") this.#tracker.push(packet, this.#clock.now());
	}

	/** For a report that is sent now; undefined where no packet has come. */
	takeBlock(): ReportBlock | undefined {
		const { reception } = this.#tracker;
		if (reception === undefined) return undefined;
		const heard = this.#heard;
		if (heard?.ssrc === reception.ssrc) reception.noteSenderReport(heard.middle, heard.arrivalMs);
		return reception.takeBlock(this.#clock.now());
	}

	/** Packets do not pass here for a while: those between are not lost. */
	interrupt(): void {
		this.#tracker = new SourceTracker(this.#clockRateHz, undefined, NOWHERE);
	}

	#reports(bytes: Uint8Array): void {
		const packets = parseRtcp(bytes);
		if (typeof packets === "string") return;
		for (const packet of packets) {
			if (packet.kind === "goodbye") for (const ssrc of packet.ssrcs) this.#tracker.bye(ssrc);
			if (packet.kind !== "senderReport") continue;
			this.#heard = { ssrc: packet.ssrc, middle: ntpMiddle(packet.ntp), arrivalMs: this.#clock.now() };
		}
	}
}
