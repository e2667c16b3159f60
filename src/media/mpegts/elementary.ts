/**
 * From a PES packet's payload to access units: H.264 as a byte stream, AAC with ADTS headers.
 * Parameter sets go into the configuration, delimiters go away, and what is broken is counted, never thrown.
 */
import { BitReader } from "../../base/bits.ts";
import { AAC_FRAME_SAMPLES, type AacConfig, ADTS_HEADER_BYTES, splitAdts } from "../aac.ts";
import {
	type H264Config,
	h264Config,
	joinLengthPrefixed,
	NAL_AUD,
	NAL_IDR,
	NAL_PPS,
	NAL_SLICE,
	NAL_SPS,
	nalType,
	splitAnnexB,
} from "../h264.ts";

/** ITU-T H.264 allows 32 SPS and 256 PPS; more than that in one picture is garbage. */
const MOST_SETS = 32 + 256;

export interface Picture {
	readonly key: boolean;
	/** NAL units behind lengths of four bytes, without delimiters and parameter sets. */
	readonly data: Uint8Array;
}

/** One H.264 stream: keeps its parameter sets. */
export class H264Payloads {
	#config: H264Config | undefined;
	#broken = 0;

	/** The latest; a new object when, and only when, a parameter set has changed. */
	get config(): H264Config | undefined {
		return this.#config;
	}

	/** Payloads without a picture, and parameter sets that made no sense. */
	get broken(): number {
		return this.#broken;
	}

	/** @returns undefined where the payload holds no picture, or no parameter sets have come yet */
	read(payload: Uint8Array): Picture | undefined {
		const sps: Uint8Array[] = [];
		const pps: Uint8Array[] = [];
		const rest: Uint8Array[] = [];
		let key = false;
		let slices = 0;
		for (const nal of splitAnnexB(payload)) {
			const type = nalType(nal);
			if (type === NAL_SPS) sps.push(nal);
			else if (type === NAL_PPS) pps.push(nal);
			else if (type !== NAL_AUD) rest.push(nal);
			if (type === NAL_IDR) key = true;
			if (type >= NAL_SLICE && type <= NAL_IDR) slices++;
		}
		this.#learn(sps, pps);
		if (slices === 0) this.#broken++;
		if (slices === 0 || this.#config === undefined) return undefined;
		return { key, data: joinLengthPrefixed(rest) };
	}

	#learn(sps: Uint8Array[], pps: Uint8Array[]): void {
		if (sps.length + pps.length === 0) return;
		if (sps.length + pps.length > MOST_SETS) {
			this.#broken++;
			return;
		}
		const old = this.#config;
		const nextSps = sps.length > 0 ? distinct(sps) : (old?.sps ?? []);
		const nextPps = sps.length > 0 && pps.length > 0 ? distinct(pps) : mergePps(old?.pps ?? [], pps);
		if (old && sameSets(old.sps, nextSps) && sameSets(old.pps, nextPps)) return;
		try {
			this.#config = h264Config(copies(nextSps), copies(nextPps));
		} catch {
			this.#broken++;
		}
	}
}

export interface AudioFrame {
	readonly config: AacConfig;
	/** Of the clock of the time stamps given; frames after a payload's first are counted on from it. */
	readonly pts: number;
	/** The raw frame: a copy. */
	readonly raw: Uint8Array;
}

/** One AAC stream: a frame may run from one PES packet into the next. */
export class AdtsPayloads {
	#carry = new Uint8Array(0);
	#nextPts: number | undefined;
	#broken = 0;

	/** Places where no frame could be read. */
	get broken(): number {
		return this.#broken;
	}

	/** Forgets a frame begun: its rest was lost. */
	reset(): void {
		this.#carry = new Uint8Array(0);
		this.#nextPts = undefined;
	}

	/**
	 * @param pts of the first frame that begins in this payload (clause 2.4.3.7); undefined where the header had none
	 */
	read(payload: Uint8Array, pts: number | undefined): AudioFrame[] {
		const data = new Uint8Array(this.#carry.length + payload.length);
		data.set(this.#carry);
		data.set(payload, this.#carry.length);
		const begun = this.#carry.length;
		const frames: AudioFrame[] = [];
		let stamped = pts === undefined;
		let at = 0;
		for (;;) {
			const bytes = adtsFrameBytes(data, at);
			if (bytes === "cut") break;
			if (bytes === "broken") {
				const next = nextSync(data, at + 1);
				this.#broken++;
				at = next;
				continue;
			}
			if (!stamped && at >= begun) {
				this.#nextPts = pts;
				stamped = true;
			}
			const frame = this.#frame(data.subarray(at, at + bytes));
			if (frame) frames.push(frame);
			at += bytes;
		}
		this.#carry = data.slice(at);
		// A frame that begins here and ends in the next payload has this payload's time stamp if it is its first.
		if (!stamped && at >= begun && at < data.length) this.#nextPts = pts;
		return frames;
	}

	#frame(data: Uint8Array): AudioFrame | undefined {
		const pts = this.#nextPts;
		try {
			const { config, raw } = splitAdts(data)[0]!;
			if (pts === undefined) return undefined;
			this.#nextPts = pts + (AAC_FRAME_SAMPLES * 90_000) / config.sampleRateHz;
			return { config, pts: Math.round(pts), raw: raw.slice() };
		} catch {
			this.#broken++;
			return undefined;
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

function nextSync(data: Uint8Array, from: number): number {
	let at = from;
	while (at < data.length && !(data[at] === 0xff && (at + 1 === data.length || (data[at + 1]! & 0xf6) === 0xf0))) at++;
	return at;
}

const copies = (sets: readonly Uint8Array[]): Uint8Array[] => sets.map((set) => set.slice());

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
	one.length === other.length && one.every((byte, index) => byte === other[index]);

const sameSets = (one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean =>
	one.length === other.length && one.every((set, index) => sameBytes(set, other[index]!));

const distinct = (sets: readonly Uint8Array[]): Uint8Array[] =>
	sets.filter((set, index) => sets.findIndex((other) => sameBytes(set, other)) === index);

/** A PPS takes the place of the one with its pic_parameter_set_id, which is its first ue(v). */
function mergePps(old: readonly Uint8Array[], fresh: readonly Uint8Array[]): Uint8Array[] {
	const byId = new Map<number, Uint8Array>();
	for (const pps of [...old, ...fresh]) byId.set(new BitReader(pps.subarray(1)).unsignedExpGolomb(), pps);
	return [...byId.values()];
}
