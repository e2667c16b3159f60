/**
 * From pictures to RTP payloads of H.264 (RFC 6184, non-interleaved) or HEVC (RFC 7798): NAL units that fit together
 * share a payload (STAP-A, AP), one that does not fit is cut (FU-A, FU), the marker is on a picture's last payload. The
 * parameter sets lead each key picture, so that a player may begin there whatever the description said.
 */
import type { AccessUnit, VideoConfig } from "../access-unit.ts";
import { splitLengthPrefixed } from "../h264.ts";
import { parameterSetsOf } from "../picture.ts";
import type { NalFormat } from "./nal-format.ts";
import type { Packetizer, PayloadRoom } from "./packetizer.ts";

/** In front of each NAL unit of an aggregate. */
const LENGTH_BYTES = 2;

export class NalPacketizer implements Packetizer {
	readonly #format: NalFormat;
	#sets: readonly Uint8Array[];

	constructor(format: NalFormat, config: VideoConfig) {
		this.#format = format;
		this.#sets = parameterSetsOf(config);
	}

	/** What follows has this decode information. */
	set config(config: VideoConfig) {
		this.#sets = parameterSetsOf(config);
	}

	write({ key, data }: AccessUnit, room: PayloadRoom): void {
		const own = splitLengthPrefixed(data);
		const nals = key ? [...this.#sets, ...own] : own;
		for (let at = 0; at < nals.length; ) {
			const count = this.#fitting(nals, at, room.mostBytes);
			const isLast = at + Math.max(count, 1) === nals.length;
			if (count === 0) this.#fragments(nals[at]!, isLast, room);
			else if (count === 1) room.open(nals[at]!.length, isLast).set(nals[at]!);
			else this.#aggregate(nals.slice(at, at + count), isLast, room);
			at += Math.max(count, 1);
		}
	}

	/** How many NAL units from here on go into one payload; 0 where not even one does. */
	#fitting(nals: readonly Uint8Array[], from: number, mostBytes: number): number {
		if (nals[from]!.length > mostBytes) return 0;
		let byteLength = this.#format.headBytes;
		let to = from;
		while (to < nals.length) {
			byteLength += LENGTH_BYTES + nals[to]!.length;
			if (byteLength > mostBytes) break;
			to++;
		}
		return Math.max(1, to - from);
	}

	#aggregate(nals: readonly Uint8Array[], isLast: boolean, room: PayloadRoom): void {
		const { headBytes, writeAggregateHead } = this.#format;
		const out = room.open(
			nals.reduce((sum, { length }) => sum + LENGTH_BYTES + length, headBytes),
			isLast,
		);
		writeAggregateHead(out, nals);
		let at = headBytes;
		for (const nal of nals) {
			out[at] = nal.length >> 8;
			out[at + 1] = nal.length & 0xff;
			out.set(nal, at + LENGTH_BYTES);
			at += LENGTH_BYTES + nal.length;
		}
	}

	/** The NAL unit's header goes into each fragment's head; fragments are of about one size. */
	#fragments(nal: Uint8Array, isLast: boolean, room: PayloadRoom): void {
		const { headBytes, fragmentHeadBytes, writeFragmentHead } = this.#format;
		const most = room.mostBytes - fragmentHeadBytes;
		const count = Math.ceil((nal.length - headBytes) / most);
		const share = Math.ceil((nal.length - headBytes) / count);
		for (let at = headBytes; at < nal.length; at += share) {
			const end = Math.min(at + share, nal.length);
			const ends = end === nal.length;
			const out = room.open(fragmentHeadBytes + end - at, isLast && ends);
			writeFragmentHead(out, nal, at === headBytes, ends);
			out.set(nal.subarray(at, end), fragmentHeadBytes);
		}
	}
}
