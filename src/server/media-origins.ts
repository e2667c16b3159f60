/**
 * Where the listeners for viewers are, in the words of whoever asks: a machine has many names and addresses, and only the
 * one that was asked by is known to lead here.
 */
import { isIPv4, isIPv6 } from "node:net";
import { hostInUrl, isLoopback, isWildcard, type ListenAddress } from "./listen-address.ts";

/** How somebody came. */
export interface AskedBy {
	/** The name or address in the Host field; IPv6 without brackets. */
	readonly name: string;
	/** What the listener that it came to listens on. */
	readonly address: ListenAddress;
}

/** Of all listeners for viewers, each with the name asked by where that leads there as well. */
export function mediaOrigins(listeners: readonly ListenAddress[], { name, address }: AskedBy): string[] {
	return listeners.map(({ host, port }) => {
		const reached = isWildcard(host) ? nameFor(host, name) : host === address.host ? name : host;
		return `http://${hostInUrl(reached)}${port === 80 ? "" : `:${port}`}`;
	});
}

/** Who listens on all addresses of IPv4 has none of IPv6. */
const nameFor = (wildcard: string, name: string): string =>
	isIPv4(wildcard) && isIPv6(name) && isLoopback(name) ? "127.0.0.1" : name;
