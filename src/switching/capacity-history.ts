/**
 * How a viewer's network has behaved from unit to unit so far: what may come next is drawn from it. The last minute's
 * changes count, each as the quotient of two estimates, in steps of an eighth of its logarithm; and a prior with them,
 * for viewers of whom little is known yet.
 */
import type { CapacityChange } from "./state.ts";

const CHANGES_KEPT = 59;
const STEP = 1 / 8;
/** From a twentieth to the fourfold. */
const LOWEST_STEP = -24;
const HIGHEST_STEP = 11;
/** A log-normal change of standard deviation 0.16; worth so many observed ones. */
const PRIOR_DEVIATION = 0.16;
const PRIOR_WEIGHT = 3.4;
const VARIABILITY_WEIGHT = 0.1;
/** A rise tells less of the danger than a fall. */
const RISE_WEIGHT = 0.5;
/** Of the sums that tell noise from change: at first all is taken for change, and the old is forgotten so fast. */
const PRIOR_SQUARES = 0.5;
const MEMORY_LOSS = 0.04;
const MOST_NOISE = 0.85;
/** Estimates below this, in bits per second, are as good as nothing. */
const LEAST_CAPACITY_BPS = 1000;

const STEPS = Array.from({ length: HIGHEST_STEP - LOWEST_STEP + 1 }, (_, index) => LOWEST_STEP + index);
const PRIOR = ((): number[] => {
	const density = STEPS.map((step) => Math.exp(-0.5 * ((step * STEP) / PRIOR_DEVIATION) ** 2));
	const sum = density.reduce((total, value) => total + value, 0);
	return density.map((value) => (value > 1e-3 ? (PRIOR_WEIGHT * value) / sum : 0));
})();
const PRIOR_CHANGES = changesOf(PRIOR);

export class CapacityHistory {
	/** Steps of the last changes, a ring. */
	readonly #last = new Int8Array(CHANGES_KEPT);
	#count = 0;
	#changes = PRIOR_CHANGES;
	#variability = 0;
	#evidenceAt = Number.NEGATIVE_INFINITY;
	/** Logarithms: of the newest estimate, of its difference to the one before, and of what lies behind all of them. */
	#newest: number | undefined;
	#difference = 0;
	#level = 0;
	/** Sums over the differences, which tell noise from change. */
	#squares = PRIOR_SQUARES;
	#products = 0;

	/** What is expected of the next unit, in bits per second; undefined before the first estimate. */
	get expected(): number | undefined {
		return this.#newest === undefined ? undefined : Math.exp(this.#level);
	}

	/** What may happen to the capacity by the next unit, each once, with its weight. */
	get changes(): readonly CapacityChange[] {
		return this.#changes;
	}

	/** Mean of |ln quotient|, rises half. */
	get variability(): number {
		return this.#variability;
	}

	/** The estimate at a unit's end; counts where there is evidence that the unit before did not have. */
	add(capacity: number, evidenceAt: number): void {
		if (evidenceAt === this.#evidenceAt) return;
		this.#evidenceAt = evidenceAt;
		const newest = Math.log(Math.max(capacity, LEAST_CAPACITY_BPS));
		if (this.#newest === undefined) this.#level = newest;
		else this.#learn(newest, newest - this.#newest);
		this.#newest = newest;
	}

	#learn(newest: number, difference: number): void {
		this.#squares += MEMORY_LOSS * (PRIOR_SQUARES - this.#squares) + difference ** 2;
		this.#products += difference * this.#difference - MEMORY_LOSS * this.#products;
		this.#difference = difference;
		const noise = noiseShare(this.#products / this.#squares);
		const surprise = newest - this.#level;
		this.#level += (1 - noise) * surprise;
		this.#remember(surprise);
	}

	#remember(change: number): void {
		const step = Math.min(HIGHEST_STEP, Math.max(LOWEST_STEP, Math.round(change / STEP)));
		this.#last[this.#count++ % CHANGES_KEPT] = step;
		const weights = [...PRIOR];
		for (let index = 0; index < Math.min(this.#count, CHANGES_KEPT); index++) {
			weights[this.#last[index]! - LOWEST_STEP]!++;
		}
		this.#changes = changesOf(weights);
		const weighed = change < 0 ? -change : RISE_WEIGHT * change;
		this.#variability += VARIABILITY_WEIGHT * (weighed - this.#variability);
	}
}

/**
 * How much of an estimate's surprise is noise, by the correlation of successive differences: noise comes back at once,
 * so that a rise follows a fall; a true change stays. (Local level model: its differences are a moving average of first
 * order, whose parameter is the noise's share.)
 */
function noiseShare(correlation: number): number {
	const bounded = Math.max(-0.499, correlation);
	if (bounded >= 0) return 0;
	return Math.min(MOST_NOISE, (1 - Math.sqrt(1 - 4 * bounded ** 2)) / (-2 * bounded));
}

function changesOf(weights: readonly number[]): readonly CapacityChange[] {
	return weights.flatMap((weight, index) =>
		weight > 0 ? [{ ratio: Math.exp((LOWEST_STEP + index) * STEP), weight }] : [],
	);
}
