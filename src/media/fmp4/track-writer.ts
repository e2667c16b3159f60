/**
 * Writes one track alone as fragmented MP4, for players that want each track apart (Media Source Extensions): an
 * initialization segment where the track's configuration begins or changes, and a `moof` with its `mdat` for each access
 * unit. Times are on the house's clock, moved by what the caller says.
 */
import { concatenate } from "../../base/bytes.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { type FragmentHead, fragmentHeadBytes, writeFragmentHead } from "./fragment-writer.ts";
import { FLAGS_DEPENDENT, FLAGS_KEY, fileType, movie, TRACK_ID } from "./movie-writer.ts";

/** @param decode of this one track; @throws PenstockError STREAM_UNSUPPORTED when it makes no sense */
export const initializationSegment = (decode: DecodeInformation): Uint8Array<ArrayBuffer> =>
	new Uint8Array(concatenate(fileType(), movie(decode)));

/** Where an access unit goes on the clock of what is written, in ticks of 90 kHz. */
export interface FragmentTimes {
	/** Not below zero. */
	readonly decodeTime: number;
	readonly compositionOffset: number;
	readonly duration: number;
}

export class TrackWriter {
	#fragments = 0;

	fragment({ track, key, data }: AccessUnit, times: FragmentTimes): Uint8Array<ArrayBuffer> {
		const head: FragmentHead = {
			...times,
			sequenceNumber: ++this.#fragments,
			trackId: TRACK_ID[track],
			flags: track === "video" ? (key ? FLAGS_KEY : FLAGS_DEPENDENT) : undefined,
			dataBytes: data.length,
		};
		const dataAt = fragmentHeadBytes(head);
		const out = new Uint8Array(dataAt + data.length);
		writeFragmentHead(out, 0, head);
		out.set(data, dataAt);
		return out;
	}
}
