/**
 * What every container needs of bytes: whole numbers, most significant byte first; comparing; joining.
 * Hot: writers call these for each access unit, readers for each NAL unit and box. Nothing here allocates but
 * `concatenate`, and nothing checks bounds: what is read past the end counts as zeros, what is written there is lost.
 */

export const readUint24 = (bytes: Uint8Array, at: number): number =>
	(bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

export const readUint32 = (bytes: Uint8Array, at: number): number =>
	((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** @param value a whole number; its low 24 bits are written, those of two's complement below zero */
export function writeUint24(out: Uint8Array, at: number, value: number): void {
	out[at] = value >>> 16; // a Uint8Array keeps the low eight bits
	out[at + 1] = value >>> 8;
	out[at + 2] = value;
}

/** @param value a whole number; its low 32 bits are written, those of two's complement below zero */
export function writeUint32(out: Uint8Array, at: number, value: number): void {
	out[at] = value >>> 24;
	out[at + 1] = value >>> 16;
	out[at + 2] = value >>> 8;
	out[at + 3] = value;
}

export const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
	one.length === other.length && one.every((byte, i) => byte === other[i]);

/** The parts one behind the other, in memory of their own. */
export function concatenate(...parts: readonly Uint8Array[]): Uint8Array {
	const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
	let at = 0;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}
