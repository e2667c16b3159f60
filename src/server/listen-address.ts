/**
 * Addresses to listen on, as they stand in a configuration: `127.0.0.1:9998`, `[::1]:9998`, `example.net:8080`,
 * a bare port; and what it means when the system refuses one.
 */
import { isIPv4, isIPv6 } from "node:net";
import { messageOf, PenstockError } from "../base/errors.ts";

export interface ListenAddress {
	/** A host name or an IP address, IPv6 without brackets. */
	readonly host: string;
	/** 0: the system chooses a free one. */
	readonly port: number;
}

const HOST_NAME =
	/^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
/** Four numbers are an address or nothing: 300.1.1.1 is no name. */
const DOTTED_NUMBERS = /^[0-9.]+$/;

/**
 * @param bareHost the host of a bare port (`9998` or `:9998`)
 * @returns undefined where the text is no address
 */
export function parseListenAddress(text: string, bareHost: string): ListenAddress | undefined {
	const match = /^(?:(?:\[([^\]]*)\]|([^:]*)):)?([0-9]{1,5})$/.exec(text);
	if (match === null) return undefined;
	const [, bracketed, plain, digits] = match;
	const port = Number(digits);
	if (port > 65535) return undefined;
	if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : undefined;
	if (plain === undefined || plain === "") return { host: bareHost, port };
	if (isIPv4(plain) || (HOST_NAME.test(plain) && !DOTTED_NUMBERS.test(plain))) return { host: plain, port };
	return undefined;
}

/** As in a URL: IPv6 in brackets. */
export const hostInUrl = (host: string): string => (isIPv6(host) ? `[${host}]` : host);

/**
 * The host of a Host header, lower case, without brackets, and its port if there is one; undefined where it is none.
 */
export function hostOf(header: string | undefined): { readonly name: string; readonly port?: number } | undefined {
	const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/.exec(header ?? "");
	const name = (match?.[1] ?? match?.[2])?.toLowerCase();
	if (name === undefined) return undefined;
	const port = match?.[3];
	return { name, ...(port !== undefined && { port: Number(port) }) };
}

export const formatListenAddress = ({ host, port }: ListenAddress): string => `${hostInUrl(host)}:${port}`;

export const isWildcard = (host: string): boolean => host === "0.0.0.0" || /^[0:]*$/.test(host);

export const isLoopback = (host: string): boolean =>
	host === "localhost" || (isIPv4(host) && host.startsWith("127.")) || host === "::1";

/**
 * What to tell when an address cannot be had.
 * @param key of the configuration, for example `http.listen`
 */
export function listenError(thrown: unknown, key: string, address: ListenAddress): PenstockError {
	const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
	const { port, host } = address;
	const detail = `${key} ${formatListenAddress(address)}`;
	return new PenstockError("LISTEN_ADDRESS", `${detail} ${reasonOf(code, host, port) ?? messageOf(thrown)}.`, {
		cause: thrown,
	});
}

function reasonOf(code: string, host: string, port: number): string | undefined {
	switch (code) {
		case "EADDRINUSE":
			return `is taken by another program; find it with "ss -ltnp 'sport = :${port}'", stop it or choose another port`;
		case "EACCES":
			return `is not permitted to this user; ports below 1024 need a capability, choose a higher port`;
		case "EADDRNOTAVAIL":
			return `is not an address of this machine; "ip address" lists those, 0.0.0.0 means all of them`;
		case "EAI_AGAIN":
		case "ENOTFOUND":
			return `cannot be used, the name "${host}" has no address; write an IP address`;
		case "EAFNOSUPPORT":
			return `cannot be used, this machine has no IPv${isIPv6(host) ? 6 : 4}; write another address`;
		default:
			return undefined;
	}
}
