/**
 * From RTP payloads of RFC 6416 (MP4A-LATM) to AAC frames, where the description holds the StreamMuxConfig (cpresent
 * of 0). A packet holds AudioMuxElements; one of them may be cut over several packets, the last of which has the marker.
 */
import { AAC_FRAME_SAMPLES, type AacConfig } from "../aac.ts";
import type { Depacketizer, FrameSink } from "./depacketizer.ts";
import { FragmentBuffer, MOST_SOUND_BYTES } from "./fragment-buffer.ts";
import type { LatmForm } from "./latm-config.ts";

export class LatmDepacketizer implements Depacketizer {
	readonly track = "audio";
	readonly config: AacConfig;
	readonly #framesPerElement: number;
	readonly #unitsPerFrame: number;
	readonly #sink: FrameSink;
	readonly #fragments = new FragmentBuffer();
	/** A packet is missing before the next: if it begins in the middle of an element, nobody can tell. */
	#isUnsure = false;

	constructor({ config, framesPerElement }: LatmForm, clockRateHz: number, sink: FrameSink) {
		this.config = config;
		this.#framesPerElement = framesPerElement;
		this.#unitsPerFrame = (AAC_FRAME_SAMPLES * clockRateHz) / config.sampleRateHz;
		this.#sink = sink;
	}

	get heldBytes(): number {
		return this.#fragments.length;
	}

	push(payload: Uint8Array, marker: boolean, timestamp: number, afterLoss: boolean): void {
		if (this.#fragments.isOpen && (afterLoss || timestamp !== this.#fragments.timestamp)) this.end();
		if (afterLoss) this.#isUnsure = true;
		if (payload.length === 0) return;
		if (this.#isUnsure && !this.#isWhole(payload, marker)) {
			this.#sink.dropped();
			this.#isUnsure = !marker;
			return;
		}
		this.#isUnsure = false;
		if (marker && !this.#fragments.isOpen) {
			this.#elements(payload, timestamp);
			return;
		}
		if (!this.#fragments.isOpen) this.#fragments.open(Number.POSITIVE_INFINITY, timestamp);
		this.#fragments.push(payload);
		if (this.#fragments.length > MOST_SOUND_BYTES) {
			this.#fragments.clear();
			this.#sink.flaw("an AudioMuxElement is too large");
		} else if (marker) this.#elements(this.#fragments.take(), timestamp);
	}

	end(): void {
		if (!this.#fragments.isOpen) return;
		this.#fragments.clear();
		this.#sink.dropped();
	}

	/** Whether the lengths in a payload add up to just what it is. */
	#isWhole(payload: Uint8Array, marker: boolean): boolean {
		let at = 0;
		while (at < payload.length) {
			const frame = frameAt(payload, at);
			if (frame === undefined) return false;
			at = frame.end;
		}
		return marker;
	}

	/** PayloadLengthInfo() and PayloadMux() of each (clauses 1.7.3.1 and 1.7.3.2), which begin at whole bytes. */
	#elements(data: Uint8Array, timestamp: number): void {
		let frames = 0;
		for (let at = 0; at < data.length; ) {
			const frame = frameAt(data, at);
			if (frame === undefined) {
				this.#sink.flaw("an AudioMuxElement runs past its end");
				return;
			}
			// A length of 0 is a frame that is not there.
			if (frame.end > frame.start) {
				const time = timestamp + frames * this.#unitsPerFrame;
				const slice = data.slice(frame.start, frame.end);
				this.#sink.frame({ timestamp: time, key: true, data: slice, config: this.config });
			}
			frames++;
			at = frame.end;
		}
		if (frames % this.#framesPerElement !== 0) this.#sink.flaw("an AudioMuxElement has too few frames");
	}
}

/** A length in bytes of 255 and one below, and what it is the length of. */
function frameAt(data: Uint8Array, at: number): { readonly start: number; readonly end: number } | undefined {
	let start = at;
	let length = 0;
	for (let byte = 255; byte === 255; start++) {
		if (start >= data.length) return undefined;
		byte = data[start]!;
		length += byte;
	}
	return start + length > data.length ? undefined : { start, end: start + length };
}
