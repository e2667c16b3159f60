/**
 * Model predictive control in the manner of RobustMPC (Yin et al., SIGCOMM 2015): the harmonic mean of the last five
 * download rates, divided by one plus the largest error that such forecasts have had of late, is taken for the next
 * five segments. All sequences of rungs over them are played through, and the first step of the best is taken. A live
 * segment cannot be fetched before it is whole, which the sequences know.
 */
import type { ClientView, Download, SegmentRule } from "./client-session.ts";

const HORIZON = 5;
const SAMPLES = 5;
/** Worth of a segment is its bit rate, of the best; a change costs its height, a second of stall so many segments. */
const STALL_COST = 4.3;

export class PredictiveRule implements SegmentRule {
	readonly #ratesBps: number[] = [];
	readonly #errors: number[] = [];
	#forecastBps: number | undefined;

	choose(view: ClientView): number {
		const rate = this.#robustRate();
		if (rate === undefined) return 0;
		const { rung, bufferMs, now, wholeAt } = view;
		let best = { rung: 0, worth: Number.NEGATIVE_INFINITY };
		for (let first = 0; first < view.bitratesBps.length; first++) {
			const worth = worthOf(view, rate, { depth: 0, rung, bufferMs, now, wholeAt }, first);
			if (worth > best.worth) best = { rung: first, worth };
		}
		return best.rung;
	}

	downloaded({ bytes, wholeMs }: Download): void {
		const rate = (bytes * 8000) / wholeMs;
		if (this.#forecastBps !== undefined) keep(this.#errors, Math.abs(this.#forecastBps - rate) / rate);
		keep(this.#ratesBps, rate);
		const inverse = this.#ratesBps.reduce((sum, bps) => sum + 1 / bps, 0);
		this.#forecastBps = this.#ratesBps.length / inverse;
	}

	#robustRate(): number | undefined {
		return this.#forecastBps === undefined ? undefined : this.#forecastBps / (1 + Math.max(0, ...this.#errors));
	}
}

function keep(values: number[], value: number): void {
	values.push(value);
	if (values.length > SAMPLES) values.shift();
}

/** Before the fetch of a segment. */
interface Step {
	readonly depth: number;
	/** Of the segment before. */
	readonly rung: number;
	readonly bufferMs: number;
	readonly now: number;
	readonly wholeAt: number;
}

/** Of fetching the next segment in `rung` and going on as well as possible. */
function worthOf(view: ClientView, rateBps: number, step: Step, rung: number): number {
	const { bitratesBps, unitMs } = view;
	const best = bitratesBps.at(-1)!;
	const bps = bitratesBps[rung]!;
	const doneAt = Math.max(step.now, step.wholeAt) + (bps / rateBps) * unitMs;
	const tookMs = doneAt - step.now;
	const stallMs = Math.max(0, tookMs - step.bufferMs);
	const change = Math.abs(bps - bitratesBps[step.rung]!) / best;
	const worth = bps / best - change - (STALL_COST * stallMs) / 1000;
	if (step.depth === HORIZON - 1) return worth;
	const bufferMs = Math.max(0, step.bufferMs - tookMs) + unitMs;
	const next = { depth: step.depth + 1, rung, bufferMs, now: doneAt, wholeAt: step.wholeAt + unitMs };
	let rest = Number.NEGATIVE_INFINITY;
	for (let choice = 0; choice < bitratesBps.length; choice++) {
		rest = Math.max(rest, worthOf(view, rateBps, next, choice));
	}
	return worth + rest;
}
