/**
 * From a PES packet's payload to a picture: H.264 or HEVC as a byte stream (annex B of either). Parameter sets go into
 * the configuration, delimiters go away, and what is broken is counted, never thrown.
 */
import type { VideoConfig } from "../access-unit.ts";
import { joinLengthPrefixed, NAL_IDR, NAL_PPS, NAL_SLICE, NAL_SPS, nalType, splitAnnexB } from "../h264.ts";
import { HEVC_NAL_FIRST_NON_VCL, HEVC_NAL_PPS, HEVC_NAL_SPS, HEVC_NAL_VPS, hevcNalType, isHevcIdr } from "../hevc.ts";
import { type CodedPicture, MOST_SET_BYTES, sameVideo, takePicture } from "../picture.ts";

/** The codecs whose pictures are NAL units. */
export type NalCodec = "h264" | "hevc";

/** More NAL units in one picture are garbage; reading them would cost memory. */
const MOST_NALS = 16_384;
/** The kinds of parameter sets, all of which a decoder needs. */
const SETS: Record<NalCodec, readonly number[]> = {
	h264: [NAL_SPS, NAL_PPS],
	hevc: [HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS],
};

/** One video stream: keeps its parameter sets. */
export class VideoPayloads {
	readonly codec: NalCodec;
	readonly #onBroken: (what: string) => void;
	#config: VideoConfig | undefined;

	/** @param onBroken told of each payload without a picture, and of parameter sets that make no sense */
	constructor(codec: NalCodec, onBroken: (what: string) => void) {
		this.codec = codec;
		this.#onBroken = onBroken;
	}

	/** The latest; a new object when, and only when, a parameter set has changed. */
	get config(): VideoConfig | undefined {
		return this.#config;
	}

	/**
	 * @returns undefined where the payload holds no picture, or no parameter sets have come yet; its `data` is memory of
	 * its own
	 */
	read(payload: Uint8Array): CodedPicture | undefined {
		if (payload.length > MOST_NALS && startCodes(payload) > MOST_NALS) {
			this.#onBroken(`a picture has more than ${MOST_NALS} NAL units`);
			return undefined;
		}
		const nals = splitAnnexB(payload);
		const hasSlice = nals.some((nal) => this.#isSlice(nal));
		if (!hasSlice) this.#onBroken("a PES packet of video has no picture");
		try {
			this.#learn(nals);
			if (!hasSlice || this.#config === undefined) return undefined;
			const picture = takePicture(joinLengthPrefixed(nals), this.#config);
			if (picture.config) this.#config = picture.config;
			return picture;
		} catch {
			this.#onBroken("parameter sets make no sense");
			return undefined;
		}
	}

	/** Sets that are complete in themselves, at a key picture, replace all that were known: it is another rendition. */
	#learn(nals: readonly Uint8Array[]): void {
		const sets = nals.filter((nal) => SETS[this.codec].includes(this.#typeOf(nal)));
		if (sets.reduce((sum, { length }) => sum + length, 0) > MOST_SET_BYTES) throw new RangeError("too large");
		const isWhole = SETS[this.codec].every((type) => sets.some((set) => this.#typeOf(set) === type));
		const isKey = nals.some((nal) => this.#isKey(nal));
		if (!isWhole || (this.#config !== undefined && !isKey)) return;
		const { config } = takePicture(joinLengthPrefixed(sets), this.codec);
		if (config && !sameVideo(this.#config, config)) this.#config = config;
	}

	#typeOf(nal: Uint8Array): number {
		return this.codec === "h264" ? nalType(nal) : hevcNalType(nal);
	}

	#isSlice(nal: Uint8Array): boolean {
		const type = this.#typeOf(nal);
		return this.codec === "h264" ? type >= NAL_SLICE && type <= NAL_IDR : type < HEVC_NAL_FIRST_NON_VCL;
	}

	#isKey(nal: Uint8Array): boolean {
		return this.codec === "h264" ? nalType(nal) === NAL_IDR : isHevcIdr(nal);
	}
}

/** Start codes in a byte stream. */
function startCodes(data: Uint8Array): number {
	let count = 0;
	for (let at = data.indexOf(1, 2); at >= 0; at = data.indexOf(1, at + 1)) {
		if (data[at - 1] === 0 && data[at - 2] === 0) count++;
	}
	return count;
}
