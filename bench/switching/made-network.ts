/**
 * Networks that do not exist, with the ups and downs of ones that were recorded. Three things multiply: where the
 * receiver is (a Markov chain of states with a level each, one of them an outage), a drift over a minute or so, and what
 * changes from each sample to the next.
 *
 * The figures were fitted by hand to recordings of TCP throughput, cut into pieces of 300 s, so that a piece made here
 * has their quantiles (15 %, median, 85 %) of: coefficient of variation, autocorrelation after 1, 5 and 20 s, share of
 * the time below a fifth of the mean, number and length of the outages, largest value, median change from one second to
 * the next. test/house/switching-benchmark.test.ts holds them to it.
 */
import type { TraceSlot } from "./model.ts";
import type { Random } from "./random.ts";

interface NetworkState {
	/** Of the network's middle. */
	readonly level: number;
	/** Standard deviation of the level's logarithm from one visit to the next. */
	readonly spread: number;
	/** Mean length of a visit; exponential. */
	readonly staySeconds: number;
	/** How often the next visit goes here, against the others'. */
	readonly weight: number;
	/** Its level does not depend on the roughness, but how often it comes does. */
	readonly outage?: true;
}

export interface MadeNetwork {
	readonly middleBps: number;
	readonly latencyMs: readonly [least: number, most: number];
	readonly sampleSeconds: number;
	/** The first is where a trace begins. */
	readonly states: readonly NetworkState[];
	/** Standard deviation of the logarithm, of what changes from sample to sample; and its correlation with the last. */
	readonly noise: number;
	readonly noiseCorrelation: number;
	/** Standard deviation of the logarithm, of the drift; and after how long its correlation is 1/e. */
	readonly drift: number;
	readonly driftSeconds: number;
	/** The cell's or the line's limit, of the middle. */
	readonly most: number;
}

/** 3G, carried about in trams, buses, metros, trains, cars and on ferries: tunnels, and half of the change is slow. */
export const MOBILE_3G: MadeNetwork = {
	middleBps: 1.1e6,
	latencyMs: [60, 100],
	sampleSeconds: 1,
	states: [
		{ level: 1, spread: 0.2, staySeconds: 14, weight: 4 },
		{ level: 1.6, spread: 0.15, staySeconds: 16, weight: 3 },
		{ level: 0.5, spread: 0.3, staySeconds: 8, weight: 2 },
		{ level: 0.03, spread: 0, staySeconds: 4.5, weight: 0.8, outage: true },
	],
	noise: 0.18,
	noiseCorrelation: 0.3,
	drift: 0.45,
	driftSeconds: 70,
	most: 3,
};

/** LTE on foot, by bicycle, bus, tram, car, train and subway: more from second to second, outages often and short. */
export const LTE: MadeNetwork = {
	middleBps: 20e6,
	latencyMs: [20, 40],
	sampleSeconds: 1,
	states: [
		{ level: 1, spread: 0.2, staySeconds: 14, weight: 4 },
		{ level: 1.4, spread: 0.15, staySeconds: 16, weight: 3 },
		{ level: 0.5, spread: 0.3, staySeconds: 7, weight: 2 },
		{ level: 0.04, spread: 0, staySeconds: 1.8, weight: 1.1, outage: true },
	],
	noise: 0.21,
	noiseCorrelation: 0.3,
	drift: 0.5,
	driftSeconds: 45,
	most: 3,
};

/**
 * A fixed line, measured every 5 s: it holds its rate within a few per cent, but for moments in which somebody else
 * takes a part of it, and for about a minute in three at a tenth of it (the recordings have that minute in every trace).
 */
export const FIXED_LINE: MadeNetwork = {
	middleBps: 15e6,
	latencyMs: [20, 30],
	sampleSeconds: 5,
	states: [
		{ level: 1, spread: 0.03, staySeconds: 60, weight: 4 },
		{ level: 0.09, spread: 0.2, staySeconds: 60, weight: 1.3 },
		{ level: 0.4, spread: 0.4, staySeconds: 6, weight: 2 },
	],
	noise: 0.07,
	noiseCorrelation: 0,
	drift: 0.05,
	driftSeconds: 60,
	most: 1.3,
};

/** @param roughness 1 is the recordings' middle; the logarithms of the levels are as many times as far apart */
export function makeSlots(network: MadeNetwork, roughness: number, lengthS: number, random: Random): TraceSlot[] {
	const { sampleSeconds, middleBps, most } = network;
	const latencyMs = Math.round(random.between(...network.latencyMs));
	const visits = new Visits(network.states, roughness, random);
	const noise = new Wander(network.noiseCorrelation, random);
	const drift = new Wander(Math.exp(-sampleSeconds / network.driftSeconds), random);
	return Array.from({ length: Math.ceil(lengthS / sampleSeconds) }, () => {
		const level = visits.next(sampleSeconds);
		const factor = Math.exp(network.noise * noise.next() + network.drift * roughness * drift.next());
		const bandwidthBps = Math.round(middleBps * Math.min(most, level * factor));
		return { durationMs: sampleSeconds * 1000, bandwidthBps, latencyMs };
	});
}

/** The chain: which state, for how long, at what level. */
class Visits {
	readonly #states: readonly NetworkState[];
	readonly #roughness: number;
	readonly #random: Random;
	#state: NetworkState | undefined;
	#leftSeconds = 0;
	#level = 1;

	constructor(states: readonly NetworkState[], roughness: number, random: Random) {
		this.#states = states;
		this.#roughness = roughness;
		this.#random = random;
	}

	next(seconds: number): number {
		if (this.#leftSeconds <= 0) this.#move();
		this.#leftSeconds -= seconds;
		return this.#level;
	}

	#move(): void {
		const roughness = this.#roughness;
		const others = this.#states.filter((state) => state !== this.#state);
		const weights = others.map(({ weight, outage }) => (outage ? weight * roughness ** 2 : weight));
		let draw = this.#random.next() * weights.reduce((sum, weight) => sum + weight);
		const next =
			others.find((_, index) => {
				draw -= weights[index]!;
				return draw < 0;
			}) ?? others.at(-1)!;
		this.#state = next;
		this.#leftSeconds = -Math.log(1 - this.#random.next()) * next.staySeconds;
		const spread = Math.exp(next.spread * roughness * this.#random.normal());
		this.#level = next.outage ? next.level : next.level ** roughness * spread;
	}
}

/** Noise of deviation 1 that remembers its last value. */
class Wander {
	readonly #correlation: number;
	readonly #random: Random;
	#value: number;

	constructor(correlation: number, random: Random) {
		this.#correlation = correlation;
		this.#random = random;
		this.#value = random.normal();
	}

	next(): number {
		const fresh = Math.sqrt(1 - this.#correlation ** 2);
		this.#value = this.#correlation * this.#value + fresh * this.#random.normal();
		return this.#value;
	}
}
