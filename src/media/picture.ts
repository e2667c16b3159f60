/**
 * One coded picture as containers hold it (a sample of MP4, a tag of FLV): what of it is picture, and what is decode
 * information. Delimiters and parameter sets that say nothing new go; the rest moves together in the memory in which
 * it came, so that one picture costs one allocation.
 */
import { BitReader } from "../base/bits.ts";
import { sameBytes, writeUint32 } from "../base/bytes.ts";
import { PenstockError } from "../base/errors.ts";
import type { VideoConfig } from "./access-unit.ts";
import {
	type Av1Config,
	av1Config,
	isReducedStillPicture,
	isShownKeyFrame,
	OBU_SEQUENCE_HEADER,
	OBU_TEMPORAL_DELIMITER,
	splitObus,
	withObuSize,
} from "./av1.ts";
import {
	h264Config,
	joinLengthPrefixed,
	NAL_AUD,
	NAL_IDR,
	NAL_PPS,
	NAL_SPS,
	nalType,
	splitLengthPrefixed,
} from "./h264.ts";
import {
	HEVC_NAL_AUD,
	HEVC_NAL_PPS,
	HEVC_NAL_SPS,
	HEVC_NAL_VPS,
	hevcConfig,
	hevcNalType,
	hevcSetId,
	isHevcIdr,
} from "./hevc.ts";

export type VideoCodec = VideoConfig["codec"];

export interface CodedPicture {
	/** As in an access unit; a view on the payload given, or a copy. Empty when there was no picture in it. */
	readonly data: Uint8Array;
	/** There is a slice of an IDR picture, or (AV1) a key frame that is shown. */
	readonly key: boolean;
	/** Set when a key picture, or a payload of parameter sets alone, brought sets that differ from what was known. */
	readonly config?: VideoConfig;
}

/** More parameter sets than all that H.264 can tell apart, or more bytes in those that hold at a time, are garbage. */
const MOST_SETS = 32 + 256;
export const MOST_SET_BYTES = 65_536;

/**
 * Takes a payload apart. It writes into `payload`.
 * Parameter sets that change at a picture that is *not* a key picture stay in `data`: the decoder must see them there,
 * and no unit starts there that could carry them.
 * @param known the configuration so far; the codec alone before there is one
 * @throws PenstockError STREAM_UNSUPPORTED when a length runs past the end, or parameter sets make no sense
 */
export function takePicture(payload: Uint8Array, known: VideoConfig | VideoCodec): CodedPicture {
	const config = typeof known === "string" ? undefined : known;
	const codec = typeof known === "string" ? known : known.codec;
	if (codec === "av1") return takeTemporalUnit(payload, config?.codec === "av1" ? config : undefined);
	return takeNals(payload, NAL_CODECS[codec], config);
}

/** What a packaging puts in front of a key picture: each set once, in the order in which a decoder wants them. */
export function parameterSetsOf(config: VideoConfig): readonly Uint8Array[] {
	switch (config.codec) {
		case "h264":
			return [...config.sps, ...config.pps];
		case "hevc":
			return [...config.vps, ...config.sps, ...config.pps];
		case "av1":
			return [config.sequenceHeader];
	}
}

/** The same as access units hold such things: NAL units behind four-byte lengths, or the OBU. Empty without video. */
export function inBandSets(config: VideoConfig | undefined): Uint8Array {
	if (config === undefined) return new Uint8Array(0);
	return config.codec === "av1" ? config.sequenceHeader : joinLengthPrefixed(parameterSetsOf(config));
}

/** Whether a decoder that knows one runs on with the other; no video is the same as none. */
export function sameVideo(one: VideoConfig | undefined, other: VideoConfig | undefined): boolean {
	if (one === other) return true;
	if (one === undefined || one.codec !== other?.codec) return false;
	const [mine, theirs] = [parameterSetsOf(one), parameterSetsOf(other)];
	return mine.length === theirs.length && mine.every((set, i) => sameBytes(set, theirs[i]!));
}

/** What H.264 and HEVC say in different ways. */
interface NalSyntax {
	readonly isKey: (nal: Uint8Array) => boolean;
	readonly isDelimiter: (nal: Uint8Array) => boolean;
	/** A number for each kind and id of parameter set: a set takes the place of the one with its slot. */
	readonly slotOf: (set: Uint8Array) => number | undefined;
	readonly isSet: (nal: Uint8Array) => boolean;
	/** @returns undefined where a kind is missing */
	readonly build: (sets: readonly Uint8Array[]) => VideoConfig | undefined;
}

const H264_CODEC: NalSyntax = {
	isKey: (nal) => nalType(nal) === NAL_IDR,
	isDelimiter: (nal) => nalType(nal) === NAL_AUD,
	isSet: (nal) => nalType(nal) === NAL_SPS || nalType(nal) === NAL_PPS,
	slotOf: (set) => {
		const isSps = nalType(set) === NAL_SPS;
		// seq_parameter_set_id and pic_parameter_set_id (ITU-T H.264 clauses 7.3.2.1.1 and 7.3.2.2).
		const id = new BitReader(set.subarray(isSps ? 4 : 1, 16)).unsignedExpGolomb();
		return slot(isSps ? 0 : 1, id, isSps ? 32 : 256);
	},
	build: (sets) => {
		const [sps, pps] = [NAL_SPS, NAL_PPS].map((type) => sets.filter((set) => nalType(set) === type));
		return sps!.length > 0 && pps!.length > 0 ? h264Config(sps!, pps!) : undefined;
	},
};

const HEVC_SETS: readonly number[] = [HEVC_NAL_VPS, HEVC_NAL_SPS, HEVC_NAL_PPS];

const HEVC_CODEC: NalSyntax = {
	isKey: isHevcIdr,
	isDelimiter: (nal) => hevcNalType(nal) === HEVC_NAL_AUD,
	isSet: (nal) => HEVC_SETS.includes(hevcNalType(nal)),
	slotOf: (set) => {
		const kind = HEVC_SETS.indexOf(hevcNalType(set));
		return slot(kind, hevcSetId(set), kind === 2 ? 64 : 16);
	},
	build: (sets) => {
		const [vps, sps, pps] = HEVC_SETS.map((type) => sets.filter((set) => hevcNalType(set) === type));
		const isWhole = vps!.length > 0 && sps!.length > 0 && pps!.length > 0;
		return isWhole ? hevcConfig(vps!, sps!, pps!) : undefined;
	},
};

const NAL_CODECS = { h264: H264_CODEC, hevc: HEVC_CODEC } as const;

const slot = (kind: number, id: number, ids: number): number | undefined => (id < ids ? kind * 256 + id : undefined);

function takeNals(payload: Uint8Array, codec: NalSyntax, config: VideoConfig | undefined): CodedPicture {
	const nals = splitLengthPrefixed(payload);
	const key = nals.some(codec.isKey);
	const sets = nals.filter(codec.isSet);
	checkSets(sets);
	const old = config === undefined || sets.length === 0 ? [] : parameterSetsOf(config);
	const fresh = new Set(sets.filter((set) => !old.some((one) => sameBytes(one, set))));
	const kept = nals.filter((nal) => (codec.isSet(nal) ? !key && fresh.has(nal) : !codec.isDelimiter(nal)));
	const hasPicture = !kept.every(codec.isSet);
	// Copied before the bytes move.
	const next = fresh.size > 0 && (key || !hasPicture) ? codec.build(merge(codec, old, sets)) : undefined;
	const data = hasPicture ? compactNals(payload, kept) : payload.subarray(0, 0);
	return next === undefined ? { data, key } : { data, key, config: next };
}

/** The new sets first (the first SPS tells the size), then those of the old that no new one replaces. */
function merge(codec: NalSyntax, old: readonly Uint8Array[], sets: readonly Uint8Array[]): Uint8Array[] {
	const bySlot = new Map<number, Uint8Array>();
	for (const set of sets) {
		const at = codec.slotOf(set);
		if (at === undefined) throw broken("a parameter set has an id beyond all that there are");
		bySlot.set(at, new Uint8Array(set));
	}
	for (const set of old) {
		const at = codec.slotOf(set)!;
		if (!bySlot.has(at)) bySlot.set(at, set);
	}
	const merged = [...bySlot.values()];
	checkSets(merged);
	return merged;
}

/** Bounds what is kept, and what comparing costs. */
function checkSets(sets: readonly Uint8Array[]): void {
	const byteLength = sets.reduce((sum, set) => sum + set.length, 0);
	if (sets.length <= MOST_SETS && byteLength <= MOST_SET_BYTES) return;
	throw broken(`${sets.length} parameter sets of ${byteLength} bytes in all are too many`);
}

/** Moves the NAL units, views on `payload` in their order, to its start. */
function compactNals(payload: Uint8Array, nals: readonly Uint8Array[]): Uint8Array {
	let at = 0;
	for (const nal of nals) {
		const from = nal.byteOffset - payload.byteOffset;
		payload.copyWithin(at + 4, from, from + nal.length);
		writeUint32(payload, at, nal.length);
		at += 4 + nal.length;
	}
	return payload.subarray(0, at);
}

function takeTemporalUnit(payload: Uint8Array, config: Av1Config | undefined): CodedPicture {
	const obus = splitObus(payload).filter(({ type }) => type !== OBU_TEMPORAL_DELIMITER);
	const header = obus.findLast(({ type }) => type === OBU_SEQUENCE_HEADER);
	const said = header === undefined ? undefined : withObuSize(header);
	if (said !== undefined) checkSets([said]);
	const isNew = said !== undefined && (config === undefined || !sameBytes(said, config.sequenceHeader));
	const sequence = said ?? config?.sequenceHeader;
	const isReduced = sequence !== undefined && isReducedStillPicture(sequence);
	const key = obus.some((obu) => isShownKeyFrame(obu, isReduced));
	const kept = obus.filter((obu) => obu.type !== OBU_SEQUENCE_HEADER || (!key && isNew));
	const hasPicture = kept.some(({ type }) => type !== OBU_SEQUENCE_HEADER);
	// Copied before the bytes move.
	const next = isNew && (key || !hasPicture) ? av1Config(said) : undefined;
	const data = hasPicture ? compactObus(payload, kept.map(withObuSize)) : payload.subarray(0, 0);
	return next === undefined ? { data, key } : { data, key, config: next };
}

/** Moves the OBUs to the start of `payload`; to memory of their own where the last one had no size and got one. */
function compactObus(payload: Uint8Array, obus: readonly Uint8Array[]): Uint8Array {
	const length = obus.reduce((sum, obu) => sum + obu.length, 0);
	const isCopied = obus.at(-1)?.buffer !== payload.buffer;
	const out = isCopied ? new Uint8Array(length) : payload;
	let at = 0;
	for (const obu of obus) {
		out.set(obu, at); // set() moves as if through a copy where the two overlap
		at += obu.length;
	}
	return out.subarray(0, at);
}

const broken = (why: string): PenstockError =>
	new PenstockError("STREAM_UNSUPPORTED", `${why}; the source's video cannot be carried.`);
