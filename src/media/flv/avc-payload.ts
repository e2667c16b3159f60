/**
 * The payload of an AVC tag: what of it is picture, and what is decode information.
 * Access unit delimiters and parameter sets that say nothing new go; the rest moves together in the memory in which
 * it came, so that one tag costs one allocation.
 */
import { BitReader } from "../../base/bits.ts";
import {
	type H264Config,
	h264Config,
	NAL_AUD,
	NAL_IDR,
	NAL_PPS,
	NAL_SPS,
	nalType,
	splitLengthPrefixed,
} from "../h264.ts";

export interface AvcPayload {
	/** NAL units behind four-byte lengths; a view on the payload given. Empty when there was no picture in it. */
	readonly data: Uint8Array;
	/** There is a slice of an IDR picture (NAL unit type 5). */
	readonly key: boolean;
	/** Set when a key picture, or a tag of parameter sets alone, brought sets that differ from the configuration. */
	readonly config?: H264Config;
}

/**
 * Takes a payload apart. It writes into `payload`.
 * Parameter sets that change at a picture that is *not* an IDR stay in `data`: the decoder must see them there, and no
 * unit starts there that could carry them.
 * @throws PenstockError STREAM_UNSUPPORTED when a NAL unit's length runs past the end
 */
export function takeAccessUnit(payload: Uint8Array, config: H264Config): AvcPayload {
	const nals = splitLengthPrefixed(payload);
	const key = nals.some((nal) => nalType(nal) === NAL_IDR);
	const isNew = (nal: Uint8Array): boolean => isParameterSet(nal) && !knows(config, nal);
	const changed = nals.some(isNew);
	const kept = nals.filter((nal) => {
		if (isParameterSet(nal)) return !key && isNew(nal);
		return nalType(nal) !== NAL_AUD;
	});
	const hasPicture = !kept.every(isParameterSet);
	// Copied before the bytes move.
	const next = changed && (key || !hasPicture) ? merge(config, nals.filter(isParameterSet)) : undefined;
	const data = hasPicture ? compact(payload, kept) : payload.subarray(0, 0);
	return next === undefined ? { data, key } : { data, key, config: next };
}

/** Moves the NAL units, views on `payload` in their order, to its start. */
function compact(payload: Uint8Array, nals: readonly Uint8Array[]): Uint8Array {
	let at = 0;
	for (const nal of nals) {
		const from = nal.byteOffset - payload.byteOffset;
		const length = nal.length;
		payload.copyWithin(at + 4, from, from + length);
		payload[at] = length >>> 24;
		payload[at + 1] = length >>> 16;
		payload[at + 2] = length >>> 8;
		payload[at + 3] = length;
		at += 4 + length;
	}
	return payload.subarray(0, at);
}

const isParameterSet = (nal: Uint8Array): boolean => nalType(nal) === NAL_SPS || nalType(nal) === NAL_PPS;

const setsLike = (config: H264Config, nal: Uint8Array): readonly Uint8Array[] =>
	nalType(nal) === NAL_SPS ? config.sps : config.pps;

const knows = (config: H264Config, nal: Uint8Array): boolean =>
	setsLike(config, nal).some((set) => set.length === nal.length && set.every((byte, i) => byte === nal[i]));

/** The new sets first (the first SPS tells the size), then those of the old that no new one replaces. */
function merge(config: H264Config, sets: readonly Uint8Array[]): H264Config {
	const combine = (type: number, old: readonly Uint8Array[]): Uint8Array[] => {
		const byId = new Map<number, Uint8Array>();
		for (const set of sets) if (nalType(set) === type) byId.set(setId(set), set.slice());
		for (const set of old) if (!byId.has(setId(set))) byId.set(setId(set), set);
		return [...byId.values()];
	};
	return h264Config(combine(NAL_SPS, config.sps), combine(NAL_PPS, config.pps));
}

/** seq_parameter_set_id or pic_parameter_set_id (ITU-T H.264 clauses 7.3.2.1.1 and 7.3.2.2). */
function setId(set: Uint8Array): number {
	const reader = new BitReader(set.subarray(nalType(set) === NAL_SPS ? 4 : 1, 16));
	return reader.unsignedExpGolomb();
}
