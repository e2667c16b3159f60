/**
 * One RTP stream on its way in: datagrams to access units. Judges each packet, follows its source, puts packets in
 * order, takes frames out of their payloads, gives them the session's times. What is broken or missing is counted, told
 * and left out, never thrown.
 * Not here: sockets, reports to the sender (`reception-meter.ts`), the other streams (`session.ts`).
 */
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import { ticks90k } from "../../base/units.ts";
import type { AccessUnit, DecodeInformation, VideoConfig } from "../access-unit.ts";
import { DecodeTimes } from "./decode-times.ts";
import type { Depacketizer, Frame } from "./depacketizer.ts";
import { parseRtp, type RtpPacket } from "./header.ts";
import { JitterBuffer, type JitterCounts, type JitterLimits, USUAL_JITTER_LIMITS } from "./jitter-buffer.ts";
import type { PayloadDescription } from "./payload-description.ts";
import type { Container, FormatSettings, OpenedFormat } from "./payload-formats.ts";
import type { Reception } from "./reception.ts";
import { reorderDepthOf } from "./reorder-depth.ts";
import type { RtcpPacket, SenderReport } from "./rtcp.ts";
import { type SessionClock, StreamClock } from "./session-clock.ts";
import { type SourceCounts, SourceTracker } from "./source-tracker.ts";

const MALFORMED_TOLD_MS = 1000;

export interface RtpStreamSettings extends Partial<FormatSettings> {
	/** `IN_ORDER` where packets come through a connection. */
	readonly jitter?: JitterLimits;
	/** Where signalling has said it: no other source is taken. */
	readonly ssrc?: number;
}

/** Running totals. */
export interface RtpStreamCounts extends JitterCounts, SourceCounts {
	/** Of all RTP packets of the stream's payload type, their headers included. */
	readonly bytes: number;
	/** Datagrams that were no RTP packets. */
	readonly malformed: number;
	/** Packets of another payload type: comfort noise, or what was never agreed. */
	readonly otherTypes: number;
	/** Access units given; those of a transport or program stream as well. */
	readonly accessUnits: number;
	/** Access units left out: a part of them, or what they refer to, was lost, or no parameter sets have come yet. */
	readonly dropped: number;
	/** Payloads and frames that did not follow their format. */
	readonly badPayloads: number;
	/** Places at which timestamps jumped. */
	readonly leaps: number;
}

/** What a stream gives its session. */
export interface RtpStreamSink {
	accessUnit(accessUnit: AccessUnit): void;
	/** The stream's own tracks. */
	decodeInformation(decode: DecodeInformation): void;
	fault(error: PenstockError): void;
}

export class RtpStream {
	readonly description: PayloadDescription;
	readonly #clock: Clock;
	readonly #sink: RtpStreamSink;
	readonly #times: StreamClock;
	readonly #decodeTimes = new DecodeTimes();
	readonly #tracker: SourceTracker;
	readonly #jitter: JitterBuffer;
	readonly #frames: Depacketizer | undefined;
	readonly #container: Container | undefined;
	#config: Frame["config"] | undefined;
	#lastSoundTime = Number.NEGATIVE_INFINITY;
	/** The next packet is the first of its source: nobody knows whether a frame begins with it. */
	#isFresh = true;
	/** The last report of a source that is not heard: some senders' comes before their first packet. */
	#early: SenderReport | undefined;
	#faults = 0;
	#bytes = 0;
	#malformed = 0;
	#malformedToldMs = Number.NEGATIVE_INFINITY;
	#otherTypes = 0;
	#accessUnits = 0;
	#dropped = 0;
	#badPayloads = 0;

	/** Use `RtpSession.add`. */
	constructor(
		clock: Clock,
		session: SessionClock,
		description: PayloadDescription,
		format: OpenedFormat,
		settings: RtpStreamSettings,
		sink: RtpStreamSink,
	) {
		this.description = description;
		this.#clock = clock;
		this.#sink = sink;
		this.#times = new StreamClock(session, description.clockRateHz);
		this.#jitter = new JitterBuffer(clock, settings.jitter ?? USUAL_JITTER_LIMITS, (packet, lost, arrivalMs) =>
			this.#packet(packet, lost, arrivalMs),
		);
		this.#tracker = new SourceTracker(description.clockRateHz, settings.ssrc, {
			packet: (packet, number, arrivalMs) => this.#jitter.push(packet, number, arrivalMs),
			restart: () => this.#restart(),
		});
		if (format.kind === "frames") {
			const { waitForKey = false } = settings;
			const flaw = (what: string): void => this.#badPayload(what);
			const dropped = (): void => void this.#dropped++;
			this.#frames = format.open({ frame: (frame) => this.#frame(frame), flaw, dropped }, { waitForKey });
			this.#tell(this.#frames.config);
		} else {
			this.#container = format.open({
				accessUnit: (accessUnit) => {
					this.#accessUnits++;
					sink.accessUnit(accessUnit);
				},
				decodeInformation: (decode) => sink.decodeInformation(decode),
				fault: (error) => this.#fault(error),
			});
		}
	}

	/** Bytes kept of packets that wait and of frames that have begun. */
	get heldBytes(): number {
		const begun = (this.#frames ?? this.#container)!.heldBytes;
		return this.#tracker.heldBytes + this.#jitter.heldBytes + begun;
	}

	/** Faults so far. */
	get faults(): number {
		return this.#faults;
	}

	get counts(): RtpStreamCounts {
		return {
			...this.#jitter.counts,
			...this.#tracker.counts,
			bytes: this.#bytes,
			malformed: this.#malformed,
			otherTypes: this.#otherTypes,
			accessUnits: this.#accessUnits,
			dropped: this.#dropped,
			badPayloads: this.#badPayloads,
			leaps: this.#times.leaps,
		};
	}

	/** What RFC 3550 has a receiver count; undefined before the first packet. */
	get reception(): Reception | undefined {
		return this.#tracker.reception;
	}

	/** Whether the sender's reports have put this stream on one clock with the others. */
	get isSynchronized(): boolean {
		return this.#times.isSynchronized;
	}

	/** @param datagram an RTP packet, as it came; a view is enough */
	rtp(datagram: Uint8Array): void {
		const packet = parseRtp(datagram);
		if (typeof packet === "string") {
			this.#tellMalformed(`a datagram of ${datagram.length} bytes is no RTP packet: it is ${packet}.`);
		} else if (packet.payloadType !== this.description.payloadType) this.#otherTypes++;
		else {
			this.#bytes += datagram.length;
			this.#tracker.push(packet, this.#clock.now());
		}
	}

	/** @param packet of a compound that came for this stream */
	rtcp(packet: RtcpPacket): void {
		const reception = this.#tracker.reception;
		if (packet.kind === "goodbye") for (const ssrc of packet.ssrcs) this.#tracker.bye(ssrc);
		if (packet.kind !== "senderReport") return;
		if (packet.ssrc === reception?.ssrc) this.#takeReport(packet);
		else this.#early = packet;
	}

	/** A datagram that was to be RTCP is none. */
	malformedRtcp(why: string): void {
		this.#tellMalformed(`a datagram is no RTCP: it is ${why}.`);
	}

	/** Nothing more comes: what is whole comes out. */
	end(): void {
		this.#jitter.flush();
		(this.#frames ?? this.#container)!.end();
	}

	#restart(): void {
		this.#jitter.restart();
		if (this.#container) this.#container.lost();
		else this.#frames!.end();
		this.#times.restart();
		this.#decodeTimes.restart();
		this.#isFresh = true;
	}

	#takeReport({ ntp, rtpTimestamp }: SenderReport): void {
		this.#times.senderReport(ntp, rtpTimestamp);
	}

	#packet({ payload, marker, timestamp, number }: RtpPacket, lost: number, arrivalMs: number): void {
		if (this.#isFresh && this.#early?.ssrc === this.#tracker.reception?.ssrc) this.#takeReport(this.#early!);
		const time = this.#times.take(timestamp, arrivalMs);
		const afterLoss = lost > 0 || this.#isFresh;
		this.#isFresh = false;
		if (lost > 0) {
			const what = `${lost} packets before number ${number} are missing; what they belonged to was dropped.`;
			this.#tellFault("RTP_LOST", what);
		}
		if (this.#frames) {
			this.#frames.push(payload, marker, time, afterLoss);
			return;
		}
		const container = this.#container!;
		if (lost > 0) container.lost();
		container.push(payload);
		if (marker) container.endOfFrame();
	}

	#frame(frame: Frame): void {
		this.#accessUnits++;
		this.#tell(frame.config);
		const pts = Math.round(this.#times.ticks(frame.timestamp));
		const { key, data } = frame;
		if (this.#frames!.track === "video") {
			const times = this.#decodeTimes.next(pts);
			this.#sink.accessUnit({ track: "video", pts: ticks90k(times.pts), dts: ticks90k(times.dts), key, data });
			return;
		}
		this.#lastSoundTime = Math.max(pts, this.#lastSoundTime + 1);
		const time = ticks90k(this.#lastSoundTime);
		this.#sink.accessUnit({ track: "audio", pts: time, dts: time, key, data });
	}

	#tell(config: Frame["config"] | undefined): void {
		if (config === this.#config || config === undefined) return;
		this.#config = config;
		if (!isVideo(config)) {
			this.#sink.decodeInformation({ audio: config });
			return;
		}
		this.#decodeTimes.expect(reorderDepthOf(config));
		this.#sink.decodeInformation({ video: config });
	}

	/** Anybody may send to a port: each is counted, one a second is told. */
	#tellMalformed(what: string): void {
		this.#malformed++;
		const now = this.#clock.now();
		if (now - this.#malformedToldMs < MALFORMED_TOLD_MS) return;
		this.#malformedToldMs = now;
		this.#tellFault("RTP_DATAGRAM", what);
	}

	#badPayload(what: string): void {
		this.#badPayloads++;
		this.#tellFault("RTP_PAYLOAD", `${what}; it was left out.`);
	}

	#tellFault(code: "RTP_DATAGRAM" | "RTP_LOST" | "RTP_PAYLOAD", what: string): void {
		const { payloadType, encodingName } = this.description;
		this.#fault(new PenstockError(code, `RTP stream of payload type ${payloadType} (${encodingName}): ${what}`));
	}

	#fault(error: PenstockError): void {
		this.#faults++;
		this.#sink.fault(error);
	}
}

const isVideo = (config: Frame["config"]): config is VideoConfig => config.codec !== "aac" && config.codec !== "opus";
