/**
 * Digest (RFC 7616, and RFC 2617 and 2069 as cameras and players still speak it): what a client must answer to a
 * challenge. The same for those who ask and those who judge.
 */
import { createHash, timingSafeEqual } from "node:crypto";

export type DigestAlgorithm = "MD5" | "SHA-256";

const HASHES: Readonly<Record<DigestAlgorithm, string>> = { MD5: "md5", "SHA-256": "sha256" };

/** As it stands in a field, whatever its case; MD5 where it is left out. */
export function digestAlgorithm(text: string | undefined): DigestAlgorithm | undefined {
	const upper = (text ?? "MD5").toUpperCase();
	return upper === "MD5" || upper === "SHA-256" ? upper : undefined;
}

export interface DigestInput {
	readonly algorithm: DigestAlgorithm;
	readonly user: string;
	readonly password: string;
	readonly realm: string;
	readonly nonce: string;
	readonly method: string;
	readonly uri: string;
	/** With `qop=auth`; without it the answer is RFC 2069's. */
	readonly counted?: { readonly nc: string; readonly cnonce: string };
}

/** The `response` of a client that knows the password. */
export function digestResponse(input: DigestInput): string {
	const { algorithm, user, password, realm, nonce, method, uri, counted } = input;
	const hash = (...parts: readonly string[]): string =>
		createHash(HASHES[algorithm]).update(parts.join(":")).digest("hex");
	const [secret, asked] = [hash(user, realm, password), hash(method, uri)];
	return counted === undefined
		? hash(secret, nonce, asked)
		: hash(secret, nonce, counted.nc, counted.cnonce, "auth", asked);
}

/** In a time that does not tell how far they agree. */
export function sameSecret(one: string, other: string): boolean {
	const digestOf = (text: string): Buffer => createHash("sha256").update(text).digest();
	return timingSafeEqual(digestOf(one), digestOf(other));
}
