/** Networks in CIDR form: where receivers may be. */
import { bytesOfAddress } from "../wire/distributor-address.ts";

export interface Network {
	/** As it was written. */
	readonly text: string;
	/** 4 or 16 numbers. */
	readonly bytes: readonly number[];
	readonly prefixBits: number;
}

/** `10.0.0.0/8`, `fd00::/8`, or one address; undefined where it is none, or has bits behind its prefix. */
export function parseNetwork(text: string): Network | undefined {
	const [address = "", prefix, ...rest] = text.split("/");
	const bytes = bytesOfAddress(address);
	if (bytes === undefined || rest.length > 0) return undefined;
	const most = bytes.length * 8;
	if (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
	const prefixBits = prefix === undefined ? most : Number(prefix);
	if (prefixBits > most) return undefined;
	const tail = bytes.some((byte, index) => (byte & ~maskOf(prefixBits, index) & 0xff) !== 0);
	return tail ? undefined : { text, bytes, prefixBits };
}

/** @param address 4 or 16 numbers; never in a network of the other family */
export function inNetwork({ bytes, prefixBits }: Network, address: readonly number[]): boolean {
	if (address.length !== bytes.length) return false;
	return bytes.every((byte, index) => (address[index]! & maskOf(prefixBits, index)) === byte);
}

/** The part of byte `index` that the prefix covers. */
function maskOf(prefixBits: number, index: number): number {
	const bits = Math.min(8, Math.max(0, prefixBits - 8 * index));
	return (0xff << (8 - bits)) & 0xff;
}
