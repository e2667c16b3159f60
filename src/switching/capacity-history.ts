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
/**
 * Every change that there can be, by its place among the steps and by how often it has been seen: the lists of all
 * viewers are made of these.
 */
const POSSIBLE: readonly (readonly CapacityChange[])[] = PRIOR.map((prior, place) =>
	Array.from({ length: CHANGES_KEPT + 1 }, (_, count) => ({
		ratio: Math.exp((LOWEST_STEP + place) * STEP),
		weight: prior + count,
	})),
);

export class CapacityHistory {
	/** Places of the last changes among the steps, a ring; and how many of them are at each place. */
	readonly #last = new Uint8Array(CHANGES_KEPT);
	readonly #counts = new Uint8Array(STEPS.length);
	#count = 0;
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
		const changes: CapacityChange[] = [];
		for (let place = 0; place < STEPS.length; place++) {
			const count = this.#counts[place]!;
			if (count > 0 || PRIOR[place]! > 0) changes.push(POSSIBLE[place]![count]!);
		}
		return changes;
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
		const newest = this.#count % CHANGES_KEPT;
		if (this.#count++ >= CHANGES_KEPT) this.#counts[this.#last[newest]!]!--;
		this.#last[newest] = step - LOWEST_STEP;
		this.#counts[step - LOWEST_STEP]!++;
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
