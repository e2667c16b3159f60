/**
 * From RTP payloads of RFC 3640 (mpeg4-generic) to AAC frames: mode AAC-hbr, AAC-lbr, or any with headers of a size and
 * an index. Several frames in a packet, or one in several packets. Interleaved frames are not carried.
 */
import { BitReader } from "../../base/bits.ts";
import { AAC_FRAME_SAMPLES, type AacConfig } from "../aac.ts";
import type { Depacketizer, FrameSink } from "./depacketizer.ts";
import { FragmentBuffer, MOST_SOUND_BYTES } from "./fragment-buffer.ts";

/** Widths of the fields of an AU-header, in bits (RFC 3640, clause 3.2.1.1). */
export interface AuHeaderForm {
	/** Not 0. */
	readonly sizeBits: number;
	readonly indexBits: number;
	readonly indexDeltaBits: number;
	readonly ctsDeltaBits: number;
	readonly dtsDeltaBits: number;
	/** One bit each, where it is there. */
	readonly randomAccessBits: number;
	readonly streamStateBits: number;
	/** Of the length of what stands behind the AU-headers; 0 where nothing does. */
	readonly auxiliarySizeBits: number;
}

/** A frame in fewer bytes than these is none; so many frames fit a packet. */
const MOST_FRAMES = 512;

interface AuHeader {
	readonly byteLength: number;
	readonly indexDelta: number;
}

export class AacDepacketizer implements Depacketizer {
	readonly track = "audio";
	readonly config: AacConfig;
	readonly #form: AuHeaderForm;
	readonly #unitsPerFrame: number;
	readonly #sink: FrameSink;
	readonly #fragments = new FragmentBuffer();

	/** @param clockRateHz of the timestamps: that of the samples, or of those with SBR */
	constructor(config: AacConfig, clockRateHz: number, form: AuHeaderForm, sink: FrameSink) {
		this.config = config;
		this.#form = form;
		this.#unitsPerFrame = (AAC_FRAME_SAMPLES * clockRateHz) / config.sampleRateHz;
		this.#sink = sink;
	}

	get heldBytes(): number {
		return this.#fragments.length;
	}

	push(payload: Uint8Array, marker: boolean, timestamp: number, afterLoss: boolean): void {
		const isCutShort = this.#fragments.isOpen && (afterLoss || timestamp !== this.#fragments.timestamp);
		if (isCutShort) this.#drop();
		if (payload.length === 0) return;
		const parsed = this.#readHeaders(payload);
		if (typeof parsed === "string") {
			if (this.#fragments.isOpen) this.#fragments.clear();
			this.#sink.flaw(parsed);
			return;
		}
		const { headers, start } = parsed;
		const [first] = headers;
		const isFragment = headers.length === 1 && first!.byteLength > payload.length - start;
		if (isFragment || this.#fragments.isOpen) {
			this.#fragment(payload.subarray(start), first!.byteLength, marker, timestamp, afterLoss);
			return;
		}
		this.#frames(payload, start, headers, timestamp);
	}

	end(): void {
		if (this.#fragments.isOpen) this.#drop();
	}

	#frames(payload: Uint8Array, start: number, headers: readonly AuHeader[], timestamp: number): void {
		let at = start;
		for (const [index, { byteLength, indexDelta }] of headers.entries()) {
			if (indexDelta !== 0 || at + byteLength > payload.length || byteLength === 0) {
				this.#sink.flaw(indexDelta === 0 ? "AU-headers say more than there is" : "its frames are interleaved");
				return;
			}
			this.#give(payload.slice(at, at + byteLength), timestamp + index * this.#unitsPerFrame);
			at += byteLength;
		}
	}

	/** Each fragment's header says the size of the whole frame; the marker is on the last. */
	#fragment(piece: Uint8Array, byteLength: number, marker: boolean, timestamp: number, afterLoss: boolean): void {
		const { isOpen } = this.#fragments;
		if (byteLength > MOST_SOUND_BYTES || (isOpen && byteLength !== this.#fragments.wanted)) {
			this.#fragments.clear();
			this.#sink.flaw("a fragment says another size than the one before it");
			return;
		}
		// A fragment behind a hole is the middle or the end of something that nobody has.
		if (!isOpen && afterLoss) {
			this.#sink.dropped();
			return;
		}
		if (!isOpen) this.#fragments.open(byteLength, timestamp);
		this.#fragments.push(piece);
		const whole = this.#fragments.takeWhole();
		if (whole !== undefined) this.#give(whole, timestamp);
		else if (marker || this.#fragments.isTooLong) {
			this.#fragments.clear();
			this.#sink.flaw("the fragments of a frame are not of its size");
		}
	}

	#give(data: Uint8Array, timestamp: number): void {
		this.#sink.frame({ timestamp, key: true, data, config: this.config });
	}

	#drop(): void {
		this.#fragments.clear();
		this.#sink.dropped();
	}

	/** @returns the headers and where the frames start; or what is wrong */
	#readHeaders(payload: Uint8Array): { headers: AuHeader[]; start: number } | string {
		const form = this.#form;
		const headerBits = (payload[0]! << 8) | (payload[1] ?? 0);
		const headersEnd = 2 + Math.ceil(headerBits / 8);
		if (payload.length < 2 || headersEnd > payload.length) return "AU-headers run past the end of the payload";
		const reader = new BitReader(payload.subarray(2, headersEnd));
		const unused = reader.bitsLeft - headerBits;
		const headers: AuHeader[] = [];
		while (reader.bitsLeft > unused) {
			const isFirst = headers.length === 0;
			const byteLength = reader.bits(form.sizeBits);
			const indexDelta = reader.bits(isFirst ? form.indexBits : form.indexDeltaBits);
			if (form.ctsDeltaBits > 0 && reader.bit()) reader.skip(form.ctsDeltaBits);
			if (form.dtsDeltaBits > 0 && reader.bit()) reader.skip(form.dtsDeltaBits);
			reader.skip(form.randomAccessBits + form.streamStateBits);
			if (reader.bitsLeft < unused) return "AU-headers are cut short";
			// The first one's is a number that nobody needs (clause 3.2.1.1: 0 without interleaving).
			headers.push({ byteLength, indexDelta: isFirst ? 0 : indexDelta });
			if (headers.length > MOST_FRAMES) return `it has more than ${MOST_FRAMES} frames`;
		}
		if (headers.length === 0) return "it has no AU-header";
		const auxiliary = new BitReader(payload.subarray(headersEnd, headersEnd + 4)).bits(form.auxiliarySizeBits);
		const start = headersEnd + Math.ceil((form.auxiliarySizeBits + (form.auxiliarySizeBits ? auxiliary : 0)) / 8);
		return start > payload.length ? "its auxiliary section runs past its end" : { headers, start };
	}
}
