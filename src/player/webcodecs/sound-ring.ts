/**
 * The sound that has been decoded and not yet played, in the audio worklet. Plays it without a gap, at the output's
 * rate, and holds as much as it is told to aim at: see correction.ts. Runs on the audio thread: `render` allocates
 * nothing.
 *
 * Samples lie one behind the other by number; the media time of the one that comes next to be written is known, and by
 * that of every other. A hole in the media is filled with silence, and what comes twice is left out, so that this
 * holds, and the picture can follow the sound.
 */
import { Corrector } from "./correction.ts";
import type { SoundBlock, SoundReport } from "./messages.ts";

/** The ring's size; twice the target and this much where a page asks for a long one. What is older goes. */
const LEAST_MS = 3000;
const SPARE_MS = 2000;
/** Time stamps that are off by less are rounded, and no hole (FLV's are whole milliseconds). */
const ROUNDING_MS = 10;
/** A step of the media's time beyond this is another time base. */
const JUMP_MS = 500;
/** Of a time stamp that is off a little, this share is believed at once: an encoder's clock may drift. */
const DRIFT_SHARE = 0.05;
/** The time over which what is held is averaged, since sound comes and goes in lumps. */
const MEAN_SECONDS = 0.5;
/** What an interpolation looks at on both sides. */
const BEFORE = 1;
const BEHIND = 2;

export class SoundRing {
	readonly #outputRateHz: number;
	readonly #corrector = new Corrector();
	/** Of `#capacity` samples each, as many as the output has channels. */
	#tracks: Float32Array[];
	#capacity = 0;
	#inputRateHz = 0;
	/** Numbers of samples: what is written next; what is played next, with a fraction where rates differ. */
	#written = 0;
	#read = 0;
	#writtenPtsMs: number | undefined;
	#playing = false;
	#ended = false;
	#rate = 1;
	#meanMs = 0;
	#targetMs: number;
	#underruns = 0;
	/** The next samples come in softly: they do not follow what was before. */
	#fadesIn = false;

	constructor(outputRateHz: number, channels: number, targetMs: number) {
		this.#outputRateHz = outputRateHz;
		this.#tracks = Array.from({ length: channels }, () => new Float32Array(0));
		this.#targetMs = targetMs;
	}

	set targetMs(ms: number) {
		this.#targetMs = ms;
	}

	get report(): SoundReport {
		const positionMs = this.#writtenPtsMs === undefined ? undefined : this.#writtenPtsMs - this.#heldMs;
		return {
			...{ playing: this.#playing, positionMs, heldMs: this.#heldMs, rate: this.#rate },
			underruns: this.#underruns,
		};
	}

	get #heldMs(): number {
		return this.#inputRateHz === 0 ? 0 : ((this.#written - this.#read) * 1000) / this.#inputRateHz;
	}

	/** What comes next has nothing to do with what was before. */
	begin(): void {
		this.#written = 0;
		this.#read = 0;
		this.#writtenPtsMs = undefined;
		this.#playing = false;
		this.#ended = false;
	}

	/** Nothing more comes. */
	end(): void {
		this.#ended = true;
	}

	/** Leaves out what is beyond the target. */
	cut(): void {
		const kept = (this.#targetMs * this.#inputRateHz) / 1000;
		if (this.#written - this.#read <= kept) return;
		this.#read = Math.floor(this.#written - kept);
		this.#meanMs = this.#targetMs;
		this.#fadesIn = true;
	}

	write({ ptsMs, sampleRateHz, channels }: SoundBlock): void {
		const length = channels[0]?.length ?? 0;
		if (length === 0) return;
		const wantedMs = Math.max(LEAST_MS, 2 * this.#targetMs + SPARE_MS);
		const capacity = Math.ceil((wantedMs * sampleRateHz) / 1000);
		if (sampleRateHz !== this.#inputRateHz || capacity > this.#capacity) this.#resize(sampleRateHz, capacity);
		const off = this.#writtenPtsMs === undefined ? 0 : ptsMs - this.#writtenPtsMs;
		if (Math.abs(off) > JUMP_MS) this.begin();
		this.#ended = false;
		this.#writtenPtsMs ??= ptsMs;
		let from = 0;
		if (Math.abs(off) <= ROUNDING_MS) this.#writtenPtsMs += off * DRIFT_SHARE;
		else if (off > 0 && off <= JUMP_MS) this.#append(undefined, 0, Math.round((off * sampleRateHz) / 1000));
		else if (off < 0 && off >= -JUMP_MS) from = Math.min(length, Math.round((-off * sampleRateHz) / 1000));
		this.#append(channels, from, length);
	}

	/** @param outputs one array for each channel, all of one length: filled with sound, or silence */
	render(outputs: readonly Float32Array[]): void {
		const length = outputs[0]?.length ?? 0;
		if (!this.#playing && !this.#startsNow()) {
			silence(outputs, 0);
			return;
		}
		this.#hold(length);
		const step = (this.#inputRateHz / this.#outputRateHz) * this.#rate;
		const there = this.#written - this.#read - (step === 1 ? 0 : BEHIND);
		const count = Math.max(0, Math.min(length, Math.floor(there / step)));
		for (let channel = 0; channel < outputs.length; channel++) {
			const track = this.#tracks[channel] ?? this.#tracks[0];
			if (track !== undefined) this.#play(track, outputs[channel]!, count, step);
		}
		this.#read += count * step;
		if (this.#fadesIn) fadeIn(outputs, count);
		this.#fadesIn = false;
		if (count === length) return;
		if (count > 0) fadeOut(outputs, count);
		silence(outputs, count);
		this.#playing = false;
		if (!this.#ended) this.#underruns++;
	}

	/** Enough is there to begin, or as much as there will ever be. */
	#startsNow(): boolean {
		if (this.#inputRateHz === 0 || this.#written === this.#read) return false;
		if (this.#heldMs < this.#targetMs && !this.#ended) return false;
		this.cut();
		this.#playing = true;
		this.#fadesIn = true;
		this.#meanMs = this.#heldMs;
		return true;
	}

	/** Keeps what is held at the target. */
	#hold(length: number): void {
		this.#meanMs += (this.#heldMs - this.#meanMs) * Math.min(1, length / this.#outputRateHz / MEAN_SECONDS);
		const correction = this.#corrector.correct(this.#meanMs - this.#targetMs, this.#targetMs);
		this.#rate = correction.kind === "rate" && !this.#ended ? correction.rate : 1;
		if (correction.kind === "cut") this.cut();
	}

	#play(track: Float32Array, output: Float32Array, count: number, step: number): void {
		const capacity = this.#capacity;
		if (step === 1 && Number.isInteger(this.#read)) {
			for (let i = 0; i < count; i++) output[i] = track[(this.#read + i) % capacity]!;
			return;
		}
		for (let i = 0; i < count; i++) {
			const place = this.#read + i * step;
			const at = Math.floor(place);
			const x = place - at;
			// A cubic through four samples (Catmull and Rom's).
			const a = track[(at - BEFORE + capacity) % capacity]!;
			const b = track[at % capacity]!;
			const c = track[(at + 1) % capacity]!;
			const d = track[(at + 2) % capacity]!;
			output[i] = b + 0.5 * x * (c - a + x * (2 * a - 5 * b + 4 * c - d + x * (3 * (b - c) + d - a)));
		}
	}

	/** @param channels silence where it is left out */
	#append(channels: SoundBlock["channels"] | undefined, from: number, to: number): void {
		for (const [channel, track] of this.#tracks.entries()) {
			const source = channels?.[channel] ?? channels?.[0];
			for (let i = from; i < to; i++) track[(this.#written + i - from) % this.#capacity] = source?.[i] ?? 0;
		}
		this.#written += to - from;
		this.#writtenPtsMs = this.#writtenPtsMs! + ((to - from) * 1000) / this.#inputRateHz;
		// One sample is left alone, at which an interpolation may still look.
		const oldest = this.#written - this.#capacity + BEFORE + 1;
		if (this.#read < oldest) this.#read = oldest;
	}

	#resize(sampleRateHz: number, capacity: number): void {
		this.#inputRateHz = sampleRateHz;
		this.#capacity = capacity;
		this.#tracks = this.#tracks.map(() => new Float32Array(this.#capacity));
		this.begin();
	}
}

function silence(outputs: readonly Float32Array[], from: number): void {
	for (const output of outputs) output.fill(0, from);
}

function fadeIn(outputs: readonly Float32Array[], count: number): void {
	for (const output of outputs) for (let i = 0; i < count; i++) output[i]! *= i / count;
}

function fadeOut(outputs: readonly Float32Array[], count: number): void {
	for (const output of outputs) for (let i = 0; i < count; i++) output[i]! *= 1 - i / count;
}
