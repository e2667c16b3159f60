/** The machine's monotonic clock, by which processes of one machine can compare their times. */

/**
 * What is to be added to `performance.now()`. The two clocks cannot be read at once, and a first call takes
 * milliseconds: so the closest of several readings is taken.
 */
export function monotonicOffset(): number {
	let offset = Number.NEGATIVE_INFINITY;
	for (let attempt = 0; attempt < 10; attempt++)
		offset = Math.max(offset, Number(process.hrtime.bigint()) / 1e6 - performance.now());
	return offset;
}
