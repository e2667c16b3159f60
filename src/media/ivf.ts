/**
 * IVF, read as it comes: what FFmpeg writes AV1 to a pipe with, one temporal unit a frame, whole as soon as it is there.
 * The format has no specification but libvpx's ivfdec.c: a header of 32 bytes ("DKIF", version, header's length, FourCC,
 * width, height, time base as denominator and numerator), then frames behind 12 bytes each (length, 64 bits of time
 * stamp), all with the least significant byte first.
 * Bounded: one frame, at most 16 MiB. There is nothing by which a broken stream could be taken up again: what writes to
 * a pipe is in order, and a byte out of place ends the stream with one fault.
 */
import { PenstockError } from "../base/errors.ts";
import { ticks90k } from "../base/units.ts";
import type { VideoConfig } from "./access-unit.ts";
import { takePicture } from "./picture.ts";
import type { StreamReader, StreamSink } from "./stream-reader.ts";

export const IVF_MAX_FRAME_BYTES = 16 * 1024 * 1024;

const FILE_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 12;

type Part = "file-header" | "frame-header" | "frame" | "broken";

export class IvfReader implements StreamReader {
	readonly #sink: StreamSink;
	#part: Part = "file-header";
	/** Where the bytes of the part being read are gathered, and how many there are already. */
	#buffer = new Uint8Array(FILE_HEADER_BYTES);
	#filled = 0;
	/** Bytes of whole parts, from the start of the stream. */
	#offset = 0;
	/** 90 kHz ticks in one step of the time stamps. */
	#ticksPerStep = 0;
	#stamp = 0;
	#config: VideoConfig | undefined;
	#faults = 0;

	constructor(sink: StreamSink) {
		this.#sink = sink;
	}

	get heldBytes(): number {
		return this.#filled;
	}

	get faults(): number {
		return this.#faults;
	}

	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length && this.#part !== "broken"; ) {
			const count = Math.min(this.#buffer.length - this.#filled, bytes.length - at);
			this.#buffer.set(bytes.subarray(at, at + count), this.#filled);
			this.#filled += count;
			at += count;
			if (this.#filled === this.#buffer.length) this.#endPart(this.#buffer);
		}
	}

	end(): void {
		if (this.#part !== "broken" && this.#filled > 0) this.#break(`ends after ${this.#filled} bytes of a ${this.#part}`);
	}

	#endPart(bytes: Uint8Array): void {
		switch (this.#part) {
			case "file-header":
				this.#fileHeader(bytes);
				break;
			case "frame-header":
				this.#frameHeader(bytes);
				break;
			case "frame":
				this.#frame(bytes);
				this.#begin("frame-header", FRAME_HEADER_BYTES);
				break;
			case "broken":
				break;
		}
	}

	/** A frame's memory is handed on with the access unit, so every part gets memory of its own. */
	#begin(part: Part, byteLength: number): void {
		this.#offset += this.#filled;
		this.#part = part;
		this.#buffer = new Uint8Array(byteLength);
		this.#filled = 0;
	}

	#fileHeader(bytes: Uint8Array): void {
		const view = new DataView(bytes.buffer);
		const text = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
		const [denominator, numerator] = [view.getUint32(16, true), view.getUint32(20, true)];
		if (text(0) !== "DKIF" || view.getUint16(6, true) !== FILE_HEADER_BYTES) this.#break('does not begin with "DKIF"');
		else if (text(8) !== "AV01") this.#break(`carries ${JSON.stringify(text(8))}, and only AV01 is taken`);
		else if (denominator === 0 || numerator === 0) this.#break(`has the time base ${numerator}/${denominator}`);
		else {
			this.#ticksPerStep = (90_000 * numerator) / denominator;
			this.#begin("frame-header", FRAME_HEADER_BYTES);
		}
	}

	#frameHeader(bytes: Uint8Array): void {
		const view = new DataView(bytes.buffer);
		const byteLength = view.getUint32(0, true);
		this.#stamp = view.getInt32(8, true) * 2 ** 32 + view.getUint32(4, true);
		if (byteLength === 0 || byteLength > IVF_MAX_FRAME_BYTES) {
			this.#break(`has a frame of ${byteLength} bytes; from 1 to ${IVF_MAX_FRAME_BYTES} are taken`);
		} else this.#begin("frame", byteLength);
	}

	#frame(bytes: Uint8Array): void {
		try {
			const { data, key, config } = takePicture(bytes, this.#config ?? "av1");
			if (config !== undefined) {
				this.#config = config;
				this.#sink.decodeInformation?.({ video: config });
			}
			if (data.length === 0 || this.#config === undefined) return;
			const time = ticks90k(Math.round(this.#stamp * this.#ticksPerStep));
			if (key) this.#sink.unitStart?.({ time });
			this.#sink.accessUnit({ track: "video", pts: time, dts: time, key, data });
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			this.#tell(thrown);
		}
	}

	#break(what: string): void {
		this.#part = "broken";
		this.#buffer = new Uint8Array(0);
		this.#filled = 0;
		const message = `the IVF stream at byte ${this.#offset} ${what}; it is not read further.`;
		this.#tell(new PenstockError("STREAM_UNSUPPORTED", message));
	}

	#tell(error: PenstockError): void {
		this.#faults++;
		this.#sink.fault?.(error);
	}
}
