/**
 * The network between server and viewer as a service curve: how many bytes it has taken up to a time, in steps of
 * 100 ms. A trace is scaled so that its own mean is a given share of the best rung, looped, and each step multiplied
 * by a log-normal factor (correlation 0.5 from one to the next), since recorded traces are means of a second.
 * What the network could have taken while there was nothing to take is lost, so a queue asks for `served` anew when
 * it has been empty.
 */
import type { Trace } from "./model.ts";
import type { Random } from "./random.ts";

export const STEP_MS = 100;
const CORRELATION = 0.5;
/** Round trip: the trace's, and so much for the viewer's and the server's access; within bounds. */
const EXTRA_LATENCY_MS = 20;
const MIN_ROUND_TRIP_MS = 40;
const MAX_ROUND_TRIP_MS = 120;
/** The last step goes on for ever, with at least this much, so that every byte arrives some time. */
const LAST_BYTES_PER_MS = 1;

export interface LinkOptions {
	/** What the trace's own mean is scaled to; undefined leaves it as it is. */
	readonly meanBps?: number;
	/** Standard deviation of the log-normal factor. */
	readonly jitter: number;
	readonly lengthMs: number;
}

export class Link {
	/** Bytes per millisecond in each step. */
	readonly #rates: Float64Array;
	/** Bytes served before each step. */
	readonly #served: Float64Array;
	readonly #roundTrips: Float64Array;

	constructor(trace: Trace, options: LinkOptions, random: Random) {
		const { meanBps, jitter, lengthMs } = options;
		const steps = Math.ceil(lengthMs / STEP_MS) + 1;
		const mean = meanOf(trace);
		if (!(mean > 0)) throw new Error(`trace "${trace.id}" has a mean of ${mean} bit/s; it must be above 0.`);
		const factor = meanBps === undefined ? 1 : meanBps / mean;
		const { rates, roundTrips } = looped(trace, steps);
		const served = new Float64Array(steps + 1);
		let state = random.normal();
		for (let step = 0; step < steps; step++) {
			rates[step]! *= (factor / 8000) * Math.exp(jitter * state - jitter ** 2 / 2);
			served[step + 1] = served[step]! + rates[step]! * STEP_MS;
			state = CORRELATION * state + Math.sqrt(1 - CORRELATION ** 2) * random.normal();
		}
		rates[steps - 1] = Math.max(rates[steps - 1]!, LAST_BYTES_PER_MS);
		this.#rates = rates;
		this.#served = served;
		this.#roundTrips = roundTrips;
	}

	/** Bytes that the network can have taken from 0 to `at`. */
	served(at: number): number {
		const step = this.#step(at);
		return this.#served[step]! + this.#rates[step]! * (at - step * STEP_MS);
	}

	/**
	 * When it has taken `bytes`, counted from 0: the inverse of `served`.
	 * @param hint a step to start the search from, not after the answer's: see `stepOf`
	 */
	timeOf(bytes: number, hint = 0): number {
		const last = this.#rates.length - 1;
		let step = hint;
		while (step < last && this.#served[step + 1]! < bytes) step++;
		return step * STEP_MS + (bytes - this.#served[step]!) / this.#rates[step]!;
	}

	/** The step that `at` lies in, as a hint for `timeOf`. */
	stepOf(at: number): number {
		return this.#step(at);
	}

	bytesPerMs(at: number): number {
		return this.#rates[this.#step(at)]!;
	}

	/** Without any queue, in milliseconds. */
	roundTrip(at: number): number {
		return this.#roundTrips[this.#step(at)]!;
	}

	#step(at: number): number {
		return Math.min((at / STEP_MS) | 0, this.#rates.length - 1);
	}
}

/** Time-weighted, in bits per second. */
export function meanOf(trace: Trace): number {
	let bits = 0;
	let time = 0;
	for (const { durationMs, bandwidthBps } of trace.slots) {
		bits += durationMs * bandwidthBps;
		time += durationMs;
	}
	return bits / time;
}

export const lengthOf = (trace: Trace): number => trace.slots.reduce((sum, { durationMs }) => sum + durationMs, 0);

/** The trace again and again, as means over steps of the simulation, in bits per second. */
function looped(trace: Trace, steps: number): { rates: Float64Array; roundTrips: Float64Array } {
	const rates = new Float64Array(steps);
	const roundTrips = new Float64Array(steps);
	let index = 0;
	let left = trace.slots[0]!.durationMs;
	for (let step = 0; step < steps; step++) {
		const latency = trace.slots[index]!.latencyMs + EXTRA_LATENCY_MS;
		roundTrips[step] = Math.min(Math.max(latency, MIN_ROUND_TRIP_MS), MAX_ROUND_TRIP_MS);
		for (let need = STEP_MS; need > 1e-9; ) {
			const part = Math.min(need, left);
			rates[step]! += (part / STEP_MS) * trace.slots[index]!.bandwidthBps;
			need -= part;
			left -= part;
			if (left > 1e-9) continue;
			index = (index + 1) % trace.slots.length;
			left = trace.slots[index]!.durationMs;
		}
	}
	return { rates, roundTrips };
}
