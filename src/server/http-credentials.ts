/** What an HTTP request brings to show who it is of, in the words of the gate; never logged. */
import type { IncomingMessage } from "node:http";
import type { Name } from "../base/name.ts";
import { splitTarget } from "../delivery/request-checks.ts";
import type { AccessRequest, Verb } from "../wire/access.ts";

export function accessRequestOf(request: IncomingMessage, verb: Verb, app: Name, stream: Name): AccessRequest {
	const { query } = splitTarget(request.url ?? "/");
	const address = plainAddress(request.socket.remoteAddress);
	return { verb, app, stream, protocol: "http", address, credentials: { query, ...authorizationOf(request) } };
}

/** IPv4 as people write it, also where it came over a socket of IPv6. */
const plainAddress = (address = "unknown"): string => address.replace(/^::ffff:(?=[\d.]+$)/i, "");

function authorizationOf({ headers }: IncomingMessage): AccessRequest["credentials"] {
	const match = /^(Basic|Bearer) +([A-Za-z0-9._~+/=-]+)$/i.exec(headers.authorization ?? "");
	if (match === null) return {};
	const token = match[2]!;
	if (match[1]!.toLowerCase() === "bearer") return { bearer: token };
	const text = Buffer.from(token, "base64").toString();
	const colon = text.indexOf(":");
	return colon < 0 ? {} : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
