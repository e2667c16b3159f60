/**
 * Boxes (ISO/IEC 14496-12, clause 4.2): a size in bytes, header included, a type of four letters, a payload. Building
 * here is for what is made once a unit; what is made for every access unit is written in place (`fragment-writer.ts`).
 */
import { readUint32, writeUint32 } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";

export const BOX_HEADER_BYTES = 8;

/** A type's four letters as the number that they are in the file. */
export const boxType = (letters: string): number =>
	((letters.charCodeAt(0) << 24) |
		(letters.charCodeAt(1) << 16) |
		(letters.charCodeAt(2) << 8) |
		letters.charCodeAt(3)) >>>
	0;

/** The letters of a type, for messages. */
export const boxName = (type: number): string =>
	String.fromCharCode(type >>> 24, (type >>> 16) & 0xff, (type >>> 8) & 0xff, type & 0xff).replaceAll(/[^ -~]/g, "?");

/** @param value 0 to 2⁵³ − 1 */
export function putUint64(out: Uint8Array, at: number, value: number): void {
	writeUint32(out, at, Math.floor(value / 2 ** 32));
	writeUint32(out, at + 4, value >>> 0);
}

export const readUint16 = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!;

/** Signed. */
export const readInt32 = (bytes: Uint8Array, at: number): number => readUint32(bytes, at) | 0;

/** Rounded above 2⁵³. */
export const readUint64 = (bytes: Uint8Array, at: number): number =>
	readUint32(bytes, at) * 2 ** 32 + readUint32(bytes, at + 4);

export const uint16 = (value: number): readonly number[] => [(value >> 8) & 0xff, value & 0xff];

export const uint32 = (value: number): readonly number[] => [
	value >>> 24,
	(value >>> 16) & 0xff,
	(value >>> 8) & 0xff,
	value & 0xff,
];

export type BoxPart = Uint8Array | readonly number[];

/** A box of these parts. */
export function box(letters: string, ...parts: readonly BoxPart[]): Uint8Array {
	const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, BOX_HEADER_BYTES));
	writeUint32(out, 0, out.length);
	writeUint32(out, 4, boxType(letters));
	let at = BOX_HEADER_BYTES;
	for (const part of parts) {
		out.set(part, at);
		at += part.length;
	}
	return out;
}

/** A box with a version and flags in front (clause 4.2.2). */
export const fullBox = (letters: string, version: number, flags: number, ...parts: readonly BoxPart[]): Uint8Array =>
	box(letters, uint32((version * 2 ** 24 + flags) >>> 0), ...parts);

/** A box inside another one. */
export interface ChildBox {
	readonly type: number;
	/** Without the header. */
	readonly payload: Uint8Array;
}

/** More boxes in one box than any that means well has: garbage. */
const MOST_CHILDREN = 16_384;

/**
 * The boxes of which `bytes` consists.
 * @throws PenstockError FMP4_SYNTAX when they do not fill it
 */
export function splitBoxes(bytes: Uint8Array, inside: number): ChildBox[] {
	const children: ChildBox[] = [];
	for (let at = 0; at < bytes.length; ) {
		const left = bytes.length - at;
		// QuickTime ends a list with a size of 0 and no more.
		if (left === 4 && readUint32(bytes, at) === 0) break;
		const size = left >= BOX_HEADER_BYTES ? readUint32(bytes, at) : 0;
		if (size < BOX_HEADER_BYTES || size > left || children.length === MOST_CHILDREN) {
			throw syntax(`a box in ${boxName(inside)}, ${at} bytes behind its header, claims ${size} of ${left} bytes`);
		}
		children.push({
			type: readUint32(bytes, at + 4),
			payload: bytes.subarray(at + BOX_HEADER_BYTES, at + size),
		});
		at += size;
	}
	return children;
}

/**
 * The payload of the first box of a type, at least so many bytes.
 * @throws PenstockError FMP4_SYNTAX when there is none, or it is cut
 */
export function childOf(children: readonly ChildBox[], letters: string, leastBytes = 0): Uint8Array {
	const child = optionalChildOf(children, letters, leastBytes);
	if (child === undefined) throw syntax(`a box ${letters} is missing`);
	return child;
}

export function optionalChildOf(
	children: readonly ChildBox[],
	letters: string,
	leastBytes = 0,
): Uint8Array | undefined {
	const wanted = boxType(letters);
	const child = children.find(({ type }) => type === wanted);
	if (child !== undefined && child.payload.length < leastBytes) {
		throw syntax(`a box ${letters} has ${child.payload.length} bytes behind its header, ${leastBytes} are the least`);
	}
	return child?.payload;
}

/** An error without its place, which whoever catches it knows. */
export const syntax = (what: string): PenstockError => new PenstockError("FMP4_SYNTAX", what);
