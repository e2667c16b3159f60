/**
 * Keeps web pages of other sites away from the API. On the loopback it asks for no password, and elsewhere a browser
 * sends the one that it was given, so a page in a browser could use it: under a name of its own that it has pointed to
 * 127.0.0.1 (DNS rebinding), which the Host header shows, or by a request that changes something, which the Origin header
 * shows.
 */
import { isIP } from "node:net";
import { PenstockError } from "../base/errors.ts";
import { hostOf, isLoopback, isWildcard } from "./listen-address.ts";

export interface GuardSettings {
	/** Where the API listens. */
	readonly listenHost: string;
	/** Lower case. */
	readonly allowedHosts: readonly string[];
}

export interface GuardedRequest {
	readonly method: string;
	readonly host: string | undefined;
	readonly origin: string | undefined;
}

const READING = ["GET", "HEAD", "OPTIONS"];

/** @throws PenstockError API_HOST, API_ORIGIN */
export function guardRequest({ method, host, origin }: GuardedRequest, settings: GuardSettings): void {
	const name = hostOf(host)?.name;
	if (name === undefined || !isAllowedHost(name, settings)) {
		const asked = JSON.stringify((host ?? "").slice(0, 100));
		throw new PenstockError(
			"API_HOST",
			`the Host header ${asked} names neither this machine nor a host of api.allowedHosts; ask by address, or add the name there.`,
		);
	}
	if (origin === undefined || READING.includes(method) || origin.toLowerCase() === `http://${host?.toLowerCase()}`)
		return;
	throw new PenstockError(
		"API_ORIGIN",
		`a page of ${JSON.stringify(origin.slice(0, 100))} may not ${method} here; send the request without an Origin header, from a program.`,
	);
}

function isAllowedHost(name: string, { listenHost, allowedHosts }: GuardSettings): boolean {
	if (isLoopback(name) || name === listenHost.toLowerCase() || allowedHosts.includes(name)) return true;
	// Who listens on all addresses is asked by any of them. Rebinding needs a name.
	return isWildcard(listenHost) && isIP(name) !== 0;
}
