/**
 * A buffer rule in the manner of BBA (Huang et al., SIGCOMM 2014): the buffer alone says which bit rate may be fetched,
 * from the lowest while a reserve is not full to the best when the buffer is. The rung is left only when the permitted
 * bit rate reaches the next one. The idea comes from players with minutes of buffer; here it has a second.
 */
import type { ClientView, SegmentRule } from "./client-session.ts";

/**
 * Of the target, how much must be left when the segment begins to come: up to the first nothing but the lowest bit rate
 * is permitted, from the second on the best.
 */
const RESERVE = 0.3;
const FULL = 0.9;

export class BufferRule implements SegmentRule {
	choose({ bitratesBps, rung, bufferMs, targetBufferMs, now, wholeAt }: ClientView): number {
		const lowest = bitratesBps[0]!;
		const best = bitratesBps.at(-1)!;
		const left = bufferMs - Math.max(0, wholeAt - now);
		const filled = (left / targetBufferMs - RESERVE) / (FULL - RESERVE);
		const permitted = lowest + (best - lowest) * Math.min(1, Math.max(0, filled));
		const upper = bitratesBps[rung + 1];
		const lower = bitratesBps[rung - 1];
		if (upper !== undefined && permitted >= upper) return bitratesBps.findLastIndex((bps) => bps <= permitted);
		if (lower !== undefined && permitted <= lower) return bitratesBps.findIndex((bps) => bps >= permitted);
		return rung;
	}

	downloaded(): void {}
}
