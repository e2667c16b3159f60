/**
 * The RTP streams of one publisher or camera: pictures here, sound there, on one clock and into one sink. Takes
 * datagrams and a clock, gives access units; sockets, signalling and the sending of reports are somebody else's.
 */
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { DecodeInformation, TrackKind } from "../access-unit.ts";
import { sameAudio } from "../audio.ts";
import { sameVideo } from "../picture.ts";
import type { StreamSink } from "../stream-reader.ts";
import { isRtcp } from "./header.ts";
import type { PayloadDescription } from "./payload-description.ts";
import { formatOf } from "./payload-formats.ts";
import { parseRtcp } from "./rtcp.ts";
import { SessionClock } from "./session-clock.ts";
import { RtpStream, type RtpStreamSettings } from "./stream.ts";

export class RtpSession {
	readonly #clock: Clock;
	readonly #sink: StreamSink;
	readonly #times = new SessionClock();
	readonly #streams: RtpStream[] = [];
	/** What each stream has said of its tracks. */
	readonly #decodes: DecodeInformation[] = [];
	readonly #kinds = new Set<TrackKind>();
	#told: DecodeInformation = {};

	constructor(clock: Clock, sink: StreamSink) {
		this.#clock = clock;
		this.#sink = sink;
	}

	get streams(): readonly RtpStream[] {
		return this.#streams;
	}

	get heldBytes(): number {
		return this.#streams.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
	}

	get faults(): number {
		return this.#streams.reduce((sum, { faults }) => sum + faults, 0);
	}

	/**
	 * One stream of each kind; a transport or program stream comes alone.
	 * @returns the stream, to which its datagrams are given; or STREAM_UNSUPPORTED with the reason
	 */
	add(description: PayloadDescription, settings: RtpStreamSettings = {}): RtpStream | PenstockError {
		const format = formatOf(description);
		if (format instanceof PenstockError) return format;
		const kinds = format.kind === "frames" ? [format.track] : (["video", "audio"] as const);
		if (kinds.some((kind) => this.#kinds.has(kind))) {
			const { payloadType, encodingName } = description;
			const why = "there is a stream of this kind already; give each publisher's picture and sound one stream each";
			return new PenstockError("STREAM_UNSUPPORTED", `payload type ${payloadType} (${encodingName}): ${why}.`);
		}
		for (const kind of kinds) this.#kinds.add(kind);
		const index = this.#decodes.push({}) - 1;
		const stream = new RtpStream(this.#clock, this.#times, description, format, settings, {
			accessUnit: (accessUnit) => {
				this.#tell();
				this.#sink.accessUnit(accessUnit);
			},
			decodeInformation: (decode) => {
				this.#decodes[index] = decode;
			},
			fault: (error) => this.#sink.fault?.(error),
		});
		this.#streams.push(stream);
		return stream;
	}

	/**
	 * A datagram, or an interleaved packet, that came for a stream: RTP or RTCP, also where both come on one port.
	 * @param datagram a view is enough
	 */
	push(stream: RtpStream, datagram: Uint8Array): void {
		if (!isRtcp(datagram)) {
			stream.rtp(datagram);
			return;
		}
		const packets = parseRtcp(datagram);
		if (typeof packets === "string") stream.malformedRtcp(packets);
		else for (const packet of packets) stream.rtcp(packet);
	}

	/** No more comes: what is whole comes out. */
	end(): void {
		for (const stream of this.#streams) stream.end();
	}

	/** Says the decode information of all streams if it is not what was said last. */
	#tell(): void {
		const video = this.#decodes.find((decode) => decode.video)?.video;
		const audio = this.#decodes.find((decode) => decode.audio)?.audio;
		const { video: toldVideo, audio: toldAudio } = this.#told;
		if (video === toldVideo && audio === toldAudio) return;
		this.#told = { ...(video && { video }), ...(audio && { audio }) };
		if (sameVideo(video, toldVideo) && sameAudio(audio, toldAudio)) return;
		this.#sink.decodeInformation?.(this.#told);
	}
}
