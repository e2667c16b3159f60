/**
 * A session's secret: who has it may report for the viewer whose GET it came with (S10), and nobody else may. A client
 * brings its own (CMCD's `sid`, or `?sid=`) or is given one of 128 random bits; both are told in the answer's header.
 * It goes no further: inside, and between machines, a session is known by the secret's hash.
 */
import { createHash, randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Long enough not to be guessed, and of characters that mean nothing anywhere. */
const SECRET = /^[A-Za-z0-9._-]{16,64}$/;
/** The one key that matters here, in a CMCD dictionary (CTA-5004). */
const SID = /(?:^|,)\s*sid="([^"\\]*)"/;

/**
 * @param query of the request's target
 * @returns the client's own where it brings a good one, else a new one
 */
export function sessionSecret(headers: IncomingHttpHeaders, query: URLSearchParams): string {
	const field = headers["cmcd-session"];
	const offered = [
		SID.exec(typeof field === "string" ? field : "")?.[1],
		SID.exec(query.get("CMCD") ?? "")?.[1],
		query.get("sid"),
	];
	return offered.find((one) => one != null && SECRET.test(one)) ?? randomBytes(16).toString("hex");
}

export const sessionKeyOf = (secret: string): string => createHash("sha256").update(secret).digest("base64url");
