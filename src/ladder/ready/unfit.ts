/** Why a ready-made rendition is none just now: which, at which time of its own, and what to set at the encoder. */
import { PenstockError } from "../../base/errors.ts";
import type { Name } from "../../base/name.ts";
import { type Milliseconds, TICKS_PER_MS, type Ticks90k } from "../../base/units.ts";
import type { LadderConfig } from "../ladder-config.ts";
import type { AlignedInput } from "./aligned-input.ts";
import type { Skew } from "./lines.ts";

/** A rendition of another codec than its channel's. @param sent in FFmpeg's words */
export function codecUnfit(
	{ channel, codec = "h264" }: Pick<LadderConfig, "channel" | "codec">,
	rendition: Name,
	sent: string,
): PenstockError | undefined {
	if (sent === codec) return undefined;
	const why = `is ${sent} while the channel's codec is ${codec}; send ${codec}, or set the channel's codec to ${sent} if all of them are`;
	return new PenstockError("LADDER_INPUT_UNFIT", `channel ${channel}, rendition "${rendition}": it ${why}.`);
}

/** Sentences about the inputs of one channel. */
export class Unfit {
	readonly #channel: string;
	readonly #unit: Milliseconds;

	/** @param channel `app/stream` */
	constructor(channel: string, unit: Milliseconds) {
		this.#channel = channel;
		this.#unit = unit;
	}

	reorders(input: AlignedInput, pts: Ticks90k, dts: Ticks90k): PenstockError {
		const why = `reorders pictures (B-frames: a picture decoded at ${dts} is shown at ${pts})`;
		return this.#told(input, why, "switch B-frames off at the encoder");
	}

	keylessFor(input: AlignedInput, ticks: number): PenstockError {
		const why = `has had no IDR picture for ${toMs(ticks)} ms while the unit has ${this.#unit} ms`;
		return this.#told(input, why, `${this.#sameEncoder}, or set a longer unitMs`);
	}

	/** @param other that begins its units there */
	offTheLines(input: AlignedInput, other: Name | undefined): PenstockError {
		const gap = input.keyGap === undefined ? "" : ` (its own come every ${toMs(input.keyGap)} ms)`;
		const why = `has no key picture where "${other}" begins its units${gap}`;
		return this.#told(input, why, this.#sameEncoder);
	}

	elsewhere(input: AlignedInput, { ms, mostMs }: Skew, other: Name): PenstockError {
		const where = `${Math.abs(Math.round(ms))} ms ${ms > 0 ? "behind" : "before"} those of "${other}"`;
		const why = `has its key pictures ${where} (${Math.round(mostMs)} ms at most)`;
		return this.#told(input, why, this.#sameEncoder);
	}

	clockSetAnew({ name }: AlignedInput, from: Ticks90k, to: Ticks90k): PenstockError {
		const text = `its time stamps went from ${toMs(from)} ms to ${toMs(to)} ms at once; it joins anew`;
		return new PenstockError("SOURCE_TIMESTAMPS", `${this.#of(name)}: ${text}.`);
	}

	absent({ name, phase }: AlignedInput): PenstockError {
		const why = phase === "away" ? "nothing comes of it" : "no key picture of it lies where the others have theirs";
		return new PenstockError("SOURCE_UNREACHABLE", `${this.#of(name)}: ${why}; the others go on without it.`);
	}

	#told({ name, lastCome }: AlignedInput, why: string, remedy: string): PenstockError {
		const at = lastCome === undefined ? "" : `at ${(toMs(lastCome) / 1000).toFixed(3)} s of its own time `;
		return new PenstockError("LADDER_INPUT_UNFIT", `${this.#of(name)}: ${at}it ${why}; ${remedy}.`);
	}

	#of(rendition: Name): string {
		return `channel ${this.#channel}, rendition "${rendition}"`;
	}

	get #sameEncoder(): string {
		const keyint = Math.round((this.#unit * 30) / 1000);
		return `let one encoder make all renditions, with a key picture every ${this.#unit} ms in each (at 30 pictures a second keyint=${keyint}, scenecut=0), closed GOPs, and begun at the same time`;
	}
}

const toMs = (ticks: number): number => Math.round(ticks / TICKS_PER_MS);
