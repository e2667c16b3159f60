/**
 * The channel: frames in real time, the same content in every rung. Each unit is a closed group of pictures whose IDR
 * weighs six to eight other frames; the sizes of units and frames are log-normal, and each rung's mean rate over the
 * run is exactly its nominal one.
 */
import type { Ladder } from "./model.ts";
import type { Random } from "./random.ts";

export const FRAMES_PER_S = 30;
export const FRAME_MS = 1000 / FRAMES_PER_S;
const IDR_WEIGHT = { from: 6, to: 8 } as const;
const FRAME_DEVIATION = 0.25;
const UNIT_DEVIATION = 0.12;

export class Media {
	readonly ladder: Ladder;
	readonly unitMs: number;
	readonly framesPerUnit: number;
	readonly frameCount: number;
	/** For each rung, the bytes before each frame. */
	readonly #before: readonly Float64Array[];

	/** @param lengthMs is rounded up to whole units */
	constructor(ladder: Ladder, unitMs: number, lengthMs: number, random: Random) {
		this.ladder = ladder;
		this.unitMs = unitMs;
		this.framesPerUnit = Math.round(unitMs / FRAME_MS);
		if (Math.abs(this.framesPerUnit * FRAME_MS - unitMs) > 1e-6) {
			throw new Error(`A unit of ${unitMs} ms is no whole number of frames at ${FRAMES_PER_S} a second.`);
		}
		const units = Math.ceil(lengthMs / unitMs);
		this.frameCount = units * this.framesPerUnit;
		const weights = frameWeights(units, this.framesPerUnit, random);
		this.#before = ladder.rungs.map(({ bitrateBps }) => {
			const meanBytes = (bitrateBps / 8000) * FRAME_MS;
			return weights.map((weight) => Math.round(weight * meanBytes));
		});
	}

	/** When the encoder gives the frame: with its own media time. */
	frameAt(frame: number): number {
		return frame * FRAME_MS;
	}

	/** Frames that are there at `at`: those before the index that is returned. */
	framesBy(at: number): number {
		return Math.min(Math.floor(at / FRAME_MS + 1e-9) + 1, this.frameCount);
	}

	/** Of frames `from` to before `to`. */
	bytes(rung: number, from: number, to: number): number {
		const before = this.#before[rung]!;
		return before[to]! - before[from]!;
	}

	unitBytes(rung: number, unit: number): number {
		return this.bytes(rung, unit * this.framesPerUnit, (unit + 1) * this.framesPerUnit);
	}

	get unitCount(): number {
		return this.frameCount / this.framesPerUnit;
	}
}

/** Sum of the weights before each frame; the mean weight is exactly 1. */
function frameWeights(units: number, framesPerUnit: number, random: Random): Float64Array {
	const sums = new Float64Array(units * framesPerUnit + 1);
	const group = new Float64Array(framesPerUnit);
	let sum = 0;
	for (let unit = 0; unit < units; unit++) {
		let total = 0;
		for (let frame = 0; frame < framesPerUnit; frame++) {
			const weight = frame === 0 ? random.between(IDR_WEIGHT.from, IDR_WEIGHT.to) : random.logNormal(FRAME_DEVIATION);
			group[frame] = weight;
			total += weight;
		}
		const scale = (random.logNormal(UNIT_DEVIATION) * framesPerUnit) / total;
		for (let frame = 0; frame < framesPerUnit; frame++) {
			sum += group[frame]! * scale;
			sums[unit * framesPerUnit + frame + 1] = sum;
		}
	}
	const mean = sum / (units * framesPerUnit);
	return sums.map((value) => value / mean);
}
