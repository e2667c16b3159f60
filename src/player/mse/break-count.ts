/** Notices that beginning anew does not help. */
import type { Milliseconds } from "../../base/units.ts";

const MOST = 4;
const WITHIN_MS = 30_000;

export class BreakCount {
	#at: readonly Milliseconds[] = [];

	/** @returns whether it broke too often of late */
	add(now: Milliseconds): boolean {
		this.#at = [...this.#at, now].filter((at) => now - at < WITHIN_MS);
		return this.#at.length >= MOST;
	}
}
