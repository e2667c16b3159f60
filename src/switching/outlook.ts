/**
 * What is to be expected of each rendition for the next unit: over the ways in which this viewer's network has changed
 * from one unit to the next so far (capacity-history.ts).
 */
import type { AdaptiveSettings, Case } from "./adaptive.ts";
import { mbit } from "./figure-text.ts";
import type { CapacityChange, RenditionFacts, SwitchingState } from "./state.ts";

/** Whoever is no later than this is at the live edge. */
export const LIVE_EDGE_MS = 50;
/** What a player is taken to be behind the live edge, at the least and at the most. */
const LEAST_DELAY_MS = 200;
const MOST_DELAY_MS = 5000;
const LEAST_CAPACITY_BPS = 1000;

export class Outlook {
	/** What the network is taken to pass, in bits per second. */
	readonly capacity: number;
	/** What is on its way or waits, as delay at the unit's end, in seconds. */
	readonly lag: number;
	readonly #there: readonly RenditionFacts[];
	readonly #settings: AdaptiveSettings;
	readonly #unit: number;
	readonly #changes: readonly CapacityChange[];
	/** By how much the viewer is behind the live edge, in seconds: that much may be late before it stalls. */
	readonly #delay: number;
	readonly #current: number;
	/** For each change: the delay that the lowest rendition would have. */
	readonly #lowLags: number[];

	constructor({ state, network, there, position: current, settings }: Case) {
		const { position } = state;
		this.#there = there;
		this.#settings = settings;
		this.#unit = position.unit / 1000;
		this.#changes = network.changes;
		this.#current = current;
		const discount = network.basis === "busy" ? 1 : Math.exp(-settings.variabilityDiscount * network.variability);
		this.capacity = Math.max(LEAST_CAPACITY_BPS, heardCapacity(state, network.capacity ?? 0) * discount);
		const coming = (there[current]!.streamBitrate * position.remaining) / 1000;
		const queued = (network.outstandingBytes + position.waitingBytes) * 8 + coming;
		const idle = network.overdue === 0 && position.lag < LIVE_EDGE_MS && position.remaining === 0;
		// Bytes that are merely on their way are no delay.
		this.lag = idle ? 0 : Math.max(0, queued / this.capacity - position.remaining / 1000) + position.lag / 1000;
		const buffer = state.viewer.buffer?.value ?? settings.buffer;
		const delay = buffer + network.outstandingMedia + position.lag;
		this.#delay = Math.min(Math.max(delay, LEAST_DELAY_MS), MOST_DELAY_MS) / 1000;
		this.#lowLags = this.#changes.map(({ ratio }) => this.#lagAfter(there.length - 1, ratio));
	}

	/** Quality of a bit rate, 0 for the lowest rendition's and 1 for the best one's: by its logarithm. */
	#quality(bitsPerSecond: number): number {
		const best = this.#there[0]!.streamBitrate;
		const lowest = this.#there.at(-1)!.streamBitrate;
		if (best <= lowest) return 1;
		const quality = Math.log(bitsPerSecond / lowest) / Math.log(best / lowest);
		return Math.min(1, Math.max(0, quality));
	}

	score(index: number): number {
		const { stallWeight, switchWeight, switchCost, lagWeight } = this.#settings;
		const quality = this.#quality(this.#there[index]!.streamBitrate);
		let penalty = 0;
		let weights = 0;
		for (let place = 0; place < this.#changes.length; place++) {
			const { ratio, weight } = this.#changes[place]!;
			const lag = this.#lagAfter(index, ratio);
			const lowLag = this.#lowLags[place]!;
			const stall = Math.max(0, lag - this.#delay) - Math.max(0, lowLag - this.#delay);
			const late = Math.min(lag, this.#delay) - Math.min(lowLag, this.#delay);
			penalty += weight * (stallWeight * stall + lagWeight * late);
			weights += weight;
		}
		const change = Math.abs(quality - this.#quality(this.#there[this.#current]!.streamBitrate));
		const cost = index === this.#current ? 0 : switchCost;
		return (quality - switchWeight * change) * this.#unit - cost - penalty / weights;
	}

	/** For people: what speaks for a rendition, with the figures. */
	text(index: number): string {
		const { name, streamBitrate } = this.#there[index]!;
		return `"${name}" of ${mbit(streamBitrate)} for a network of ${mbit(this.capacity)}, ${Math.round(this.lag * 1000)} ms behind`;
	}

	/** Seconds of delay by the end of the next unit and the time to react, if the capacity changes by `ratio`. */
	#lagAfter(index: number, ratio: number): number {
		const time = this.#unit + this.#settings.reaction / 1000;
		return Math.max(0, this.lag + time * (this.#there[index]!.streamBitrate / (this.capacity * ratio) - 1));
	}
}

/**
 * What the viewer says of its bandwidth is bounded by what it is sent, so it proves no more; but who gets less than it
 * is sent has a bottleneck that our side does not see (a proxy in between). What the operator says is a cap.
 */
export function heardCapacity({ viewer, renditions, current, history }: SwitchingState, seen: number): number {
	const { bandwidth } = viewer;
	if (bandwidth === undefined || bandwidth.source === "emulated") return seen;
	if (bandwidth.source === "api") return Math.min(seen, bandwidth.value);
	const since = history.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
	const sent = renditions.find(({ name }) => name === current)?.streamBitrate ?? 0;
	const isShort = bandwidth.at > since + MEASURED_OVER_MS && bandwidth.value < SHORT_OF_SENT * sent;
	return isShort ? Math.min(seen, bandwidth.value) : seen;
}

/** Of what a rendition has in the mean: a second of it may well have less. */
const SHORT_OF_SENT = 0.75;
/** A report says what came of what was sent in the time before, and not of what is sent since the last switch. */
const MEASURED_OVER_MS = 1500;
