/**
 * From the payloads of PES packets to audio frames: AAC with ADTS headers, Opus with control headers.
 * What is broken is told, never thrown.
 */
import { AAC_FRAME_SAMPLES, type AacConfig, ADTS_HEADER_BYTES, splitAdts } from "../aac.ts";
import type { AudioConfig } from "../access-unit.ts";
import { type OpusConfig, opusPacketSamples } from "../opus.ts";
import { readOpusPacket } from "./opus-mapping.ts";

export interface AudioFrame {
	/** A new object when, and only when, the configuration has changed. */
	readonly config: AudioConfig;
	/** Of the clock of the time stamps given; frames after a payload's first are counted on from it. */
	readonly pts: number;
	/** A copy. */
	readonly data: Uint8Array;
}

/** One audio stream. */
export interface AudioPayloads {
	/**
	 * @param pts of the first frame that begins in this payload (clause 2.4.3.7); undefined where the header had none
	 * @param sink gets frames as they are found: a payload may be nothing but small ones
	 */
	read(payload: Uint8Array, pts: number | undefined, sink: (frame: AudioFrame) => void): void;
	/** Forgets a frame begun: its rest was lost. */
	reset(): void;
}

/** AAC: a frame may run from one PES packet into the next. */
export class AdtsPayloads implements AudioPayloads {
	readonly #onBroken: (what: string) => void;
	#carry = new Uint8Array(0);
	#nextPts: number | undefined;
	#config: AacConfig | undefined;

	/** @param onBroken told of each place where no frame can be read */
	constructor(onBroken: (what: string) => void) {
		this.#onBroken = onBroken;
	}

	reset(): void {
		this.#carry = new Uint8Array(0);
		this.#nextPts = undefined;
	}

	read(payload: Uint8Array, pts: number | undefined, sink: (frame: AudioFrame) => void): void {
		const data = new Uint8Array(this.#carry.length + payload.length);
		data.set(this.#carry);
		data.set(payload, this.#carry.length);
		const begun = this.#carry.length;
		let stamped = pts === undefined;
		let at = 0;
		for (;;) {
			const bytes = adtsFrameBytes(data, at);
			if (bytes === "cut") break;
			if (bytes === "broken") {
				this.#onBroken("an ADTS frame has a broken header");
				at = nextSync(data, at + 1);
				continue;
			}
			if (!stamped && at >= begun) {
				this.#nextPts = pts;
				stamped = true;
			}
			this.#frame(data.subarray(at, at + bytes), sink);
			at += bytes;
		}
		this.#carry = data.slice(at);
		// A frame that begins here and ends in the next payload has this payload's time stamp if it is its first.
		if (!stamped && at >= begun && at < data.length) this.#nextPts = pts;
	}

	#frame(data: Uint8Array, sink: (frame: AudioFrame) => void): void {
		const pts = this.#nextPts;
		const frame = readAdts(data);
		if (frame === undefined) this.#onBroken("an ADTS frame says what AAC has not");
		if (frame === undefined || pts === undefined) return;
		if (this.#config === undefined || !sameAac(this.#config, frame.config)) this.#config = frame.config;
		this.#nextPts = pts + (AAC_FRAME_SAMPLES * 90_000) / frame.config.sampleRateHz;
		sink({ config: this.#config, pts: Math.round(pts), data: frame.raw.slice() });
	}
}

/** Opus: whole packets, each behind its control header. */
export class OpusPayloads implements AudioPayloads {
	readonly config: OpusConfig;
	readonly #onBroken: (what: string) => void;
	#nextPts: number | undefined;

	/** @param onBroken told of each payload whose rest cannot be read */
	constructor(config: OpusConfig, onBroken: (what: string) => void) {
		this.config = config;
		this.#onBroken = onBroken;
	}

	reset(): void {
		this.#nextPts = undefined;
	}

	read(payload: Uint8Array, pts: number | undefined, sink: (frame: AudioFrame) => void): void {
		this.#nextPts = pts ?? this.#nextPts;
		for (let at = 0; at < payload.length; ) {
			const packet = readOpusPacket(payload, at);
			const data = packet && payload.slice(packet.start, packet.end);
			const samples = data === undefined ? 0 : opusPacketSamples(data);
			if (packet === undefined || data === undefined || samples === 0) {
				this.#onBroken("an Opus packet is broken or cut short");
				this.reset();
				return;
			}
			const time = this.#nextPts;
			if (time !== undefined) {
				this.#nextPts = time + (samples * 90_000) / this.config.sampleRateHz;
				sink({ config: this.config, pts: Math.round(time), data });
			}
			at = packet.end;
		}
	}
}

/** aac_frame_length of the ADTS frame at `at`; "cut" where the data ends before the frame does. */
function adtsFrameBytes(data: Uint8Array, at: number): number | "cut" | "broken" {
	if (at + 2 > data.length) return at < data.length && data[at] !== 0xff ? "broken" : "cut";
	if (data[at] !== 0xff || (data[at + 1]! & 0xf6) !== 0xf0) return "broken";
	if (at + ADTS_HEADER_BYTES > data.length) return "cut";
	const bytes = ((data[at + 3]! & 3) << 11) | (data[at + 4]! << 3) | (data[at + 5]! >> 5);
	const severalBlocks = (data[at + 6]! & 3) !== 0; // number_of_raw_data_blocks_in_frame: not carried
	if (bytes <= ADTS_HEADER_BYTES || severalBlocks) return "broken";
	return at + bytes > data.length ? "cut" : bytes;
}

/** The one frame that `data` is. */
function readAdts(data: Uint8Array): { config: AacConfig; raw: Uint8Array } | undefined {
	try {
		return splitAdts(data)[0];
	} catch {
		return undefined;
	}
}

function nextSync(data: Uint8Array, from: number): number {
	let at = from;
	while (at < data.length && !(data[at] === 0xff && (at + 1 === data.length || (data[at + 1]! & 0xf6) === 0xf0))) at++;
	return at;
}

const sameAac = (one: AacConfig, other: AacConfig): boolean =>
	one.objectType === other.objectType &&
	one.sampleRateHz === other.sampleRateHz &&
	one.channelCount === other.channelCount;
