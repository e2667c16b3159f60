/**
 * IP addresses as text: read, judged and written in the one form of RFC 5952, without a look at the machine. An address
 * that means no single place or group (unspecified, broadcast, link-local IPv6, IPv4-mapped) is none here
 * (docs/wire/distributor.md, "Addresses").
 */

export interface IpAddress {
	readonly family: 4 | 6;
	/** 4 or 16 numbers. */
	readonly bytes: readonly number[];
	readonly multicast: boolean;
	/** RFC 5952. */
	readonly text: string;
}

/** @returns undefined where it is none, or none that a rule may have */
export function parseAddress(text: string): IpAddress | undefined {
	const bytes = bytesOfAddress(text);
	if (bytes === undefined) return undefined;
	return bytes.length === 4 ? fourOf(bytes) : sixOf(bytes);
}

/** Any address at all, as networks are written: 4 or 16 numbers. */
export function bytesOfAddress(text: string): readonly number[] | undefined {
	return text.includes(":") ? sixBytes(text) : fourBytes(text);
}

function fourOf(bytes: readonly number[]): IpAddress | undefined {
	const [first] = bytes;
	if (first === 0 || bytes.every((byte) => byte === 255)) return undefined;
	return { family: 4, bytes, multicast: first! >= 224 && first! < 240, text: bytes.join(".") };
}

function sixOf(bytes: readonly number[]): IpAddress | undefined {
	const zeros = bytes.findIndex((byte) => byte !== 0);
	const loopback = zeros === 15 && bytes[15] === 1;
	// ::/96 with the unspecified address, then ::ffff:0:0/96.
	if (!loopback && (zeros === -1 || zeros >= 12)) return undefined;
	if (zeros === 10 && bytes[10] === 0xff && bytes[11] === 0xff) return undefined;
	if (bytes[0] === 0xfe && bytes[1]! >> 6 === 2) return undefined;
	return { family: 6, bytes, multicast: bytes[0] === 0xff, text: sixText(bytes) };
}

function fourBytes(text: string): number[] | undefined {
	const parts = text.split(".");
	if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined;
	const bytes = parts.map(Number);
	return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function sixBytes(text: string): number[] | undefined {
	if (text.length > 45) return undefined;
	const halves = text.split("::");
	if (halves.length > 2) return undefined;
	const [head, tail] = halves.map((half, index) => groupsOf(half, index === halves.length - 1));
	if (head === undefined) return undefined;
	if (halves.length === 1) return head.length === 16 ? head : undefined;
	if (tail === undefined || head.length + tail.length > 14) return undefined;
	return [...head, ...Array<number>(16 - head.length - tail.length).fill(0), ...tail];
}

/** @param last only there the 32 low bits may be written as IPv4 */
function groupsOf(half: string, last: boolean): number[] | undefined {
	if (half === "") return [];
	const bytes: number[] = [];
	const groups = half.split(":");
	for (const [index, group] of groups.entries()) {
		if (last && index === groups.length - 1 && group.includes(".")) {
			const four = fourBytes(group);
			if (four === undefined) return undefined;
			bytes.push(...four);
		} else {
			if (!/^[0-9A-Fa-f]{1,4}$/.test(group)) return undefined;
			const value = Number.parseInt(group, 16);
			bytes.push(value >> 8, value & 0xff);
		}
	}
	return bytes;
}

function sixText(bytes: readonly number[]): string {
	const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index]! << 8) | bytes[2 * index + 1]!);
	let longest = { at: 0, length: 0 };
	for (let at = 0; at < 8; at++) {
		let length = 0;
		while (groups[at + length] === 0) length++;
		if (length > longest.length) longest = { at, length };
	}
	const hex = groups.map((group) => group.toString(16));
	if (longest.length < 2) return hex.join(":");
	return `${hex.slice(0, longest.at).join(":")}::${hex.slice(longest.at + longest.length).join(":")}`;
}
