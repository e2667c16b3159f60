/**
 * Whether the server bears what is asked of it (the design's fourth parameter), from samples of its own figures.
 *
 *   none ── 2 samples beyond a limit ──▶ freeze ── still so for `shedAfter`, or hardly any CPU left ──▶ shed
 *   none ◀──────────────────────────── freeze ◀────────────────────────────────────────────────────── shed
 *            all figures within their recovery bounds for `recoverAfter`, and `minStay` in the level left
 *
 * Between a limit and its recovery bound nothing changes, and a way back takes at least `minStay` a step: so it never
 * flaps, whatever the figures do. A figure that nobody has counts neither way.
 * What follows from a level is for `decide.ts`.
 */
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { ServerDuress, ServerFigures } from "./state.ts";

/** Bounds of the figures: as limits, of what is still borne; as recovery, of what is good again. */
export interface CapabilityBounds {
	/** Shares are from 0 to 1. */
	readonly minCpuIdle: number;
	readonly maxMemoryUsed: number;
	readonly maxEventLoopDelay: Milliseconds;
	/** Of the most that the server's network takes; without effect where that is not known. */
	readonly maxEgressShare: number;
	/** Of the slowest encoder; 1 is real time. */
	readonly minEncoderSpeed: number;
}

export interface ServerLoadSettings {
	/** The most that it asks of the viewers. */
	readonly most: ServerDuress["level"];
	readonly limits: CapabilityBounds;
	readonly recovery: CapabilityBounds;
	/** With less CPU than this idle, `shed` does not wait as long. */
	readonly shedCpuIdle: number;
	/** From `freeze` to `shed`. */
	readonly shedAfter: Milliseconds;
	/** From the first sample below `shedCpuIdle` to `shed`. */
	readonly shedCpuIdleAfter: Milliseconds;
	readonly recoverAfter: Milliseconds;
	readonly minStay: Milliseconds;
}

export const SERVER_LOAD_DEFAULTS: ServerLoadSettings = {
	most: "shed",
	limits: {
		minCpuIdle: 0.1,
		maxMemoryUsed: 0.92,
		maxEventLoopDelay: milliseconds(50),
		maxEgressShare: 0.9,
		minEncoderSpeed: 0.97,
	},
	recovery: {
		minCpuIdle: 0.2,
		maxMemoryUsed: 0.88,
		maxEventLoopDelay: milliseconds(30),
		maxEgressShare: 0.8,
		minEncoderSpeed: 0.98,
	},
	shedCpuIdle: 0.03,
	shedAfter: milliseconds(5000),
	shedCpuIdleAfter: milliseconds(3000),
	recoverAfter: milliseconds(5000),
	minStay: milliseconds(10_000),
};

/** One sample may be anything: a backup that starts, a page that is drawn. */
const SAMPLES_TO_FREEZE = 2;

export class ServerLoad {
	readonly #settings: ServerLoadSettings;
	#level: ServerDuress["level"] | undefined;
	/** Since when it is this level. */
	#since = milliseconds(0);
	#samplesBeyond = 0;
	#beyondSince: Milliseconds | undefined;
	#breathlessSince: Milliseconds | undefined;
	#goodSince: Milliseconds | undefined;
	/** What led to the level, in words. */
	#reason = "";

	constructor(settings: ServerLoadSettings = SERVER_LOAD_DEFAULTS) {
		this.#settings = settings;
	}

	/**
	 * To be called with each sample, about once a second.
	 * @returns what the server asks of its viewers from now on; undefined: nothing
	 */
	sample(now: Milliseconds, figures: ServerFigures): ServerDuress | undefined {
		const { limits, recovery, shedCpuIdle } = this.#settings;
		const beyond = whatIsBeyond(figures, limits);
		const breathless = figures.cpuIdle !== undefined && figures.cpuIdle < shedCpuIdle;
		if (beyond !== undefined) this.#reason = beyond;
		this.#samplesBeyond = beyond === undefined ? 0 : this.#samplesBeyond + 1;
		this.#beyondSince = since(this.#beyondSince, beyond !== undefined, now);
		this.#breathlessSince = since(this.#breathlessSince, breathless, now);
		this.#goodSince = since(this.#goodSince, whatIsBeyond(figures, recovery) === undefined, now);
		const next = this.#next(now);
		if (next !== this.#level) {
			this.#level = next;
			this.#since = now;
		}
		if (next === undefined) return undefined;
		return { level: next, text: beyond ?? `not yet recovered from: ${this.#reason}` };
	}

	#next(now: Milliseconds): ServerDuress["level"] | undefined {
		const { most, shedAfter, shedCpuIdleAfter, recoverAfter, minStay } = this.#settings;
		const mayGoBack =
			this.#goodSince !== undefined && now - this.#goodSince >= recoverAfter && now - this.#since >= minStay;
		switch (this.#level) {
			case undefined:
				return this.#samplesBeyond >= SAMPLES_TO_FREEZE ? "freeze" : undefined;
			case "freeze": {
				const isLong = this.#beyondSince !== undefined && now - Math.max(this.#beyondSince, this.#since) >= shedAfter;
				const isGrave = this.#breathlessSince !== undefined && now - this.#breathlessSince >= shedCpuIdleAfter;
				if (most === "shed" && (isLong || isGrave)) return "shed";
				return mayGoBack ? undefined : "freeze";
			}
			case "shed":
				return mayGoBack ? "freeze" : "shed";
		}
	}
}

const since = (before: Milliseconds | undefined, isSo: boolean, now: Milliseconds): Milliseconds | undefined =>
	isSo ? (before ?? now) : undefined;

/** The first figure beyond its bound, with its numbers. */
function whatIsBeyond(figures: ServerFigures, bounds: CapabilityBounds): string | undefined {
	const { cpuIdle, memoryUsed, eventLoopDelayMs, egress, egressLimit, encoderSpeed } = figures;
	const { minCpuIdle, maxMemoryUsed, maxEventLoopDelay, maxEgressShare, minEncoderSpeed } = bounds;
	if (cpuIdle !== undefined && cpuIdle < minCpuIdle) {
		return `the server's CPU is ${percent(cpuIdle)} idle, less than ${percent(minCpuIdle)}`;
	}
	if (encoderSpeed !== undefined && encoderSpeed < minEncoderSpeed) {
		return `an encoder runs at ${encoderSpeed.toFixed(2)} of real time, less than ${minEncoderSpeed}`;
	}
	if (egress !== undefined && egressLimit !== undefined && egress > maxEgressShare * egressLimit) {
		return `the server sends ${mbit(egress)}, more than ${percent(maxEgressShare)} of ${mbit(egressLimit)}`;
	}
	if (eventLoopDelayMs !== undefined && eventLoopDelayMs > maxEventLoopDelay) {
		return `the server's event loop is ${Math.round(eventLoopDelayMs)} ms late, more than ${maxEventLoopDelay} ms`;
	}
	if (memoryUsed !== undefined && memoryUsed > maxMemoryUsed) {
		return `the server's memory is ${percent(memoryUsed)} used, more than ${percent(maxMemoryUsed)}`;
	}
	return undefined;
}

const percent = (share: number): string => `${Number((share * 100).toFixed(1))} %`;
const mbit = (bitsPerSecond: number): string => `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
