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
	target.write(process.hrtime.bigint().toString().padStart(DIGITS, "0").slice(-DIGITS), at + 3 + ID.length, "latin1");
	target[at + STAMP_NAL_BYTES - 1] = 0x80;
}

/** Nanoseconds of the first stamp in `bytes` at or after `from`, or undefined. */
export function findStamp(bytes: Buffer, from = 0): number | undefined {
	const at = bytes.indexOf(ID, from);
	if (at < 0 || at + ID.length + DIGITS > bytes.length) return undefined;
	return Number(bytes.toString("latin1", at + ID.length, at + ID.length + DIGITS));
}

/** Now, in the stamp's terms. */
export const stampNow = (): number => Number(process.hrtime.bigint() % 10n ** BigInt(DIGITS));
