/**
 * A sender that holds back for a moment: BBR gives up its window for 200 ms, some ten seconds apart, to find the least
 * round trip. What is acknowledged then is what four segments a round trip make, and tells nothing of the link.
 */
import type { LinkReading } from "./link-reading.ts";

const PROBE_SEGMENTS = 4;
/** A link so slow that four segments are always enough is slow for longer. */
const LONGEST_PROBE_MS = 450;

/** Between looks at a sender that holds back: it may have ended so long before it is seen to have. */
const LOOK_MS = 50;

export class SenderProbe {
	#since: number | undefined;
	#lastAt = Number.NEGATIVE_INFINITY;

	/**
	 * In the round trip behind its end, what is acknowledged is still the probe's.
	 * @param outstandingBytes what has been written and is not delivered
	 */
	isSeenIn({ at, segmentBytes, windowSegments, minRoundTrip }: LinkReading, outstandingBytes: number): boolean {
		const isHeld =
			windowSegments !== undefined &&
			windowSegments <= PROBE_SEGMENTS &&
			outstandingBytes > windowSegments * segmentBytes;
		if (!isHeld) {
			this.#since = undefined;
			return at - this.#lastAt < minRoundTrip + LOOK_MS;
		}
		this.#since ??= at;
		if (at - this.#since >= LONGEST_PROBE_MS) return false;
		this.#lastAt = at;
		return true;
	}
}
