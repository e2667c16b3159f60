/**
 * IP addresses and networks as bytes. An IPv4 address that stands in an IPv6 one (`::ffff:10.0.0.1`) is the IPv4
 * address: sockets give the one form or the other for the same peer.
 */
import { isIPv4, isIPv6 } from "node:net";

/** Four bytes or sixteen. */
export type IpBytes = Uint8Array;

export interface Network {
	readonly bytes: IpBytes;
	/** How many bits are the network's. */
	readonly prefix: number;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Undefined where the text is no address; one with a zone (`fe80::1%eth0`) is none here. */
export function parseIp(text: string): IpBytes | undefined {
	if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
	if (!isIPv6(text) || text.includes("%")) return undefined;
	const bytes = parseGroups(text);
	return MAPPED.every((byte, i) => bytes[i] === byte) ? bytes.subarray(12) : bytes;
}

/** @param text that `isIPv6` takes */
function parseGroups(text: string): Uint8Array {
	const lastColon = text.lastIndexOf(":");
	const tail = text.slice(lastColon + 1);
	const dotted = tail.includes(".") ? tail.split(".").map(Number) : undefined;
	const hex = dotted === undefined ? text : `${text.slice(0, lastColon + 1)}${hexOf(dotted)}`;
	const [before = "", after] = hex.split("::");
	const bytes = new Uint8Array(16);
	writeGroups(bytes, 0, groupsOf(before));
	const behind = groupsOf(after ?? "");
	writeGroups(bytes, 16 - 2 * behind.length, behind);
	return bytes;
}

const hexOf = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]): string =>
	`${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;

const groupsOf = (text: string): number[] =>
	text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));

function writeGroups(bytes: Uint8Array, at: number, groups: readonly number[]): void {
	for (const [index, group] of groups.entries()) {
		bytes[at + 2 * index] = group >>> 8;
		bytes[at + 2 * index + 1] = group;
	}
}

/** `10.0.0.0/8`, `fd00::/8`, or an address, which is a network of one; undefined where it is none. */
export function parseNetwork(text: string): Network | undefined {
	const match = /^([0-9A-Fa-f:.]+)(?:\/([0-9]{1,3}))?$/.exec(text);
	const bytes = parseIp(match?.[1] ?? "");
	if (bytes === undefined) return undefined;
	const bits = 8 * bytes.length;
	// Of an IPv4 network in IPv6's form the prefix would count the bytes that are gone.
	const prefix = match?.[2] === undefined ? bits : Number(match[2]);
	if (prefix > bits || (match?.[2] !== undefined && bits === 32 && text.includes(":"))) return undefined;
	return { bytes, prefix };
}

export function networkHas({ bytes, prefix }: Network, address: IpBytes): boolean {
	if (bytes.length !== address.length) return false;
	const whole = prefix >>> 3;
	for (let at = 0; at < whole; at++) if (bytes[at] !== address[at]) return false;
	const mask = 0xff00 >>> (prefix & 7);
	return whole === bytes.length || ((bytes[whole]! ^ address[whole]!) & mask & 0xff) === 0;
}

/**
 * Who counts as one: an IPv4 address; of IPv6 the first 64 bits, since one subscriber has all that is behind them.
 * @param address as a socket tells it; what is none stands for itself
 */
export function sourceOf(address: string): string {
	const bytes = parseIp(address);
	if (bytes === undefined) return address.slice(0, 64);
	return bytes.length === 4 ? bytes.join(".") : `${Buffer.from(bytes.subarray(0, 8)).toString("hex")}/64`;
}
