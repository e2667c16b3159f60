/**
 * From coded sound to samples, by one `AudioDecoder` that runs on over all renditions: only sound of another
 * configuration gets a new one. Knows where the sound has holes, whatever the decoder makes of its time stamps.
 */
import { type Ticks90k, ticksToMs } from "../../base/units.ts";
import type { AudioConfig } from "../../media/access-unit.ts";
import { sameAudio } from "../../media/audio.ts";
import { audioDecoderConfig } from "./decoder-config.ts";
import type { SoundBlock } from "./messages.ts";

export interface SoundDecoderEvents {
	block(block: SoundBlock): void;
	failed(reason: string): void;
	unsupported(config: AudioConfig): void;
}

/** Time stamps that are off by less are rounded, and no hole. */
const ROUNDING_MS = 10;
/** Inside the decoder at most; it is never behind by so much but where it hangs. */
const MOST_INSIDE = 200;
const HOLES_KEPT = 50;

export class SoundDecoder {
	readonly #events: SoundDecoderEvents;
	#decoder: AudioDecoder | undefined;
	#config: AudioConfig | undefined;
	#state: "asked" | "ready" | "unsupported" | undefined;
	/** PTS of what is inside, in order: decoders count samples from the first time stamp on and hear of no hole. */
	#inside: number[] = [];
	/** The first block tells with which of them the decoder began. */
	#aligned = false;
	#nextMs: number | undefined;
	readonly #holes: { readonly atMs: number; readonly samples: number }[] = [];

	constructor(events: SoundDecoderEvents) {
		this.#events = events;
	}

	push(config: AudioConfig, pts: Ticks90k, data: Uint8Array): void {
		if (!sameAudio(config, this.#config)) this.#configure(config);
		if (this.#state !== "ready" || this.#inside.length >= MOST_INSIDE) return;
		const ptsMs = ticksToMs(pts);
		try {
			this.#decoder ??= this.#createDecoder(config);
			this.#inside.push(ptsMs);
			this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: Math.round(ptsMs * 1000), data }));
		} catch (error) {
			this.#failed(error);
		}
	}

	/** Times begin anew. */
	restart(): void {
		this.#nextMs = undefined;
	}

	/** Samples that were missing (below 0: too many) around this time. */
	holeNear(ptsMs: number, withinMs: number): number {
		const near = this.#holes.filter(({ atMs }) => Math.abs(atMs - ptsMs) <= withinMs);
		return near.reduce((sum, { samples }) => sum + samples, 0);
	}

	close(): void {
		if (this.#decoder !== undefined && this.#decoder.state !== "closed") this.#decoder.close();
		this.#decoder = undefined;
		this.#inside = [];
		this.#aligned = false;
	}

	#configure(config: AudioConfig): void {
		this.close();
		this.#config = config;
		this.#state = "asked";
		const answered = (supported: boolean): void => {
			if (config !== this.#config) return;
			this.#state = supported ? "ready" : "unsupported";
			if (!supported) this.#events.unsupported(config);
		};
		if (globalThis.AudioDecoder === undefined) {
			answered(false);
			return;
		}
		AudioDecoder.isConfigSupported(audioDecoderConfig(config)).then(
			({ supported }) => answered(supported === true),
			() => answered(false),
		);
	}

	#createDecoder(config: AudioConfig): AudioDecoder {
		const decoder: AudioDecoder = new AudioDecoder({
			output: (data) => {
				if (decoder === this.#decoder) this.#output(data);
				data.close();
			},
			error: (error) => {
				if (decoder === this.#decoder) this.#failed(error);
			},
		});
		decoder.configure(audioDecoderConfig(config));
		return decoder;
	}

	#output(data: AudioData): void {
		const { numberOfFrames, numberOfChannels, sampleRate, timestamp } = data;
		const durationMs = (numberOfFrames * 1000) / sampleRate;
		while (!this.#aligned && this.#inside.length > 1 && this.#inside[0]! < timestamp / 1000 - durationMs / 2) {
			this.#inside.shift();
		}
		this.#aligned = true;
		const ptsMs = this.#inside.shift() ?? timestamp / 1000;
		const off = ptsMs - (this.#nextMs ?? ptsMs);
		const isHole = Math.abs(off) >= ROUNDING_MS;
		if (isHole) {
			this.#holes.push({ atMs: ptsMs, samples: Math.round((off * sampleRate) / 1000) });
			if (this.#holes.length > HOLES_KEPT) this.#holes.shift();
		}
		this.#nextMs = (isHole || this.#nextMs === undefined ? ptsMs : this.#nextMs + off / 20) + durationMs;
		const channels = Array.from({ length: numberOfChannels }, (_, planeIndex) => {
			const samples = new Float32Array(numberOfFrames);
			data.copyTo(samples, { planeIndex, format: "f32-planar" });
			return samples;
		});
		this.#events.block({ ptsMs, sampleRateHz: sampleRate, channels });
	}

	/** The next access unit gets a new decoder. */
	#failed(error: unknown): void {
		this.close();
		this.#events.failed(error instanceof Error ? error.message : String(error));
	}
}
