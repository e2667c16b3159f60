/**
 * A time stamp inside a coded picture: an SEI message of user data (ITU-T H.264 clause D.1.7) that says when the
 * picture was written to the pipe. Every packaging carries it untouched, so one reader serves them all. The clock is
 * CLOCK_MONOTONIC, the same in all processes of a machine.
 */

const ID = Buffer.from("70656e73746f636b2d64656c61792d31", "hex");
const DIGITS = 16;
/** NAL header, payload type and size, id, digits, trailing bits. */
export const STAMP_NAL_BYTES = 3 + ID.length + DIGITS + 1;

/** Writes the NAL unit (without length or start code) into `target` at `at`, with the time of now. */
export function writeStampNal(target: Buffer, at: number): void {
	target[at] = 6; // SEI
	target[at + 1] = 5; // user_data_unregistered
	target[at + 2] = ID.length + DIGITS;
	ID.copy(target, at + 3);
	target.write(Math.round(stampNow()).toString().padStart(DIGITS, "0"), at + 3 + ID.length, "latin1");
	target[at + STAMP_NAL_BYTES - 1] = 0x80;
}

/**
 * The stamp stands before the slices: behind packet headers, delimiter and parameter sets, and in MP4 behind a unit's
 * `emsg` and `moov`. It is found by its bytes, which lie together in every packaging: in a TS packet, too, whose
 * payload holds all that stands before the first slice.
 */
const SEARCHED_BYTES = 4096;

/** Nanoseconds of the stamp in a message that begins with the picture's first byte, or undefined. */
export function findStamp(message: Buffer): number | undefined {
	const at = message.subarray(0, SEARCHED_BYTES).indexOf(ID);
	if (at < 0 || at + ID.length + DIGITS > message.length) return undefined;
	return Number(message.toString("latin1", at + ID.length, at + ID.length + DIGITS));
}

/**
 * From `performance.now()` to CLOCK_MONOTONIC, in nanoseconds: cheaper to read than a bigint each time. Of many pairs
 * of readings the closest: the first ones of a process lie up to a millisecond apart.
 */
const ORIGIN_NS = ((): number => {
	let closest = Number.POSITIVE_INFINITY;
	let origin = 0;
	for (let i = 0; i < 100; i++) {
		const before = performance.now();
		const monotonic = Number(process.hrtime.bigint() % 10n ** BigInt(DIGITS));
		const after = performance.now();
		if (after - before >= closest) continue;
		closest = after - before;
		origin = monotonic - ((before + after) / 2) * 1e6;
	}
	return origin;
})();

/** Now, in the stamp's terms. */
export const stampNow = (): number => ORIGIN_NS + performance.now() * 1e6;
