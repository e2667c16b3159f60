/**
 * A set of public keys (RFC 7517) as an issuer publishes it, of bounded size. Only what one algorithm can be checked
 * with is taken: a shared secret, a private key or a key for something else is not.
 */
import { type CryptoKey, importJWK, type JWK } from "jose";
import { isRecord, parseStrictJson } from "./strict-json.ts";

export const MOST_SET_BYTES = 64 * 1024;
const MOST_KEYS = 32;
const KID = /^[A-Za-z0-9._=-]{1,128}$/;
/** Base64url of 2048 and of 8192 bits. */
const RSA_CHARACTERS = { least: 342, most: 1366 };
const CURVES: Readonly<Record<string, string>> = { ES256: "P-256", ES384: "P-384", ES512: "P-521", EdDSA: "Ed25519" };

/** By their ids; a key without one has the id "". */
export type KeySet = ReadonlyMap<string, CryptoKey>;

export type ReadKeySet =
	| { readonly kind: "read"; readonly keys: KeySet }
	| { readonly kind: "unfit"; readonly why: string };

export async function readKeySet(text: string, algorithm: string): Promise<ReadKeySet> {
	if (Buffer.byteLength(text) > MOST_SET_BYTES) return unfit(`it has more than ${MOST_SET_BYTES} bytes`);
	const json = parseStrictJson(text);
	if (json.kind === "malformed") return unfit(json.why);
	const list = isRecord(json.value) ? json.value["keys"] : undefined;
	if (!Array.isArray(list)) return unfit('it has no list "keys"');
	if (list.length > MOST_KEYS) return unfit(`it has more than ${MOST_KEYS} keys`);
	const keys = new Map<string, CryptoKey>();
	for (const entry of list as unknown[]) {
		const jwk = publicPart(entry, algorithm);
		if (jwk === undefined) continue;
		const kid = jwk.kid ?? "";
		if (keys.has(kid)) return unfit("two of its keys have the same id");
		const key = await imported(jwk, algorithm);
		if (key !== undefined) keys.set(kid, key);
	}
	return keys.size === 0 ? unfit(`it has no public key for ${algorithm}`) : { kind: "read", keys };
}

const unfit = (why: string): ReadKeySet => ({ kind: "unfit", why });

/** What is needed to check, and nothing else of it. Undefined where it is no public key for the algorithm. */
function publicPart(entry: unknown, algorithm: string): JWK | undefined {
	if (!isRecord(entry)) return undefined;
	const { kty, use, alg, kid = "", n, e, crv, x, y } = entry;
	if ("d" in entry || "k" in entry || (use ?? "sig") !== "sig" || (alg ?? algorithm) !== algorithm) return undefined;
	if (typeof kid !== "string" || (kid !== "" && !KID.test(kid))) return undefined;
	if (/^(RS|PS)/.test(algorithm)) {
		if (kty !== "RSA" || typeof n !== "string" || typeof e !== "string" || e.length > 8) return undefined;
		const isLong = n.length >= RSA_CHARACTERS.least && n.length <= RSA_CHARACTERS.most;
		return isLong ? { kid, kty, n, e } : undefined;
	}
	const curve = CURVES[algorithm];
	if (curve === undefined || crv !== curve || typeof x !== "string" || x.length > 128) return undefined;
	if (algorithm === "EdDSA") return kty === "OKP" ? { kid, kty, crv: curve, x } : undefined;
	if (kty !== "EC" || typeof y !== "string" || y.length > 128) return undefined;
	return { kid, kty, crv: curve, x, y };
}

async function imported(jwk: JWK, algorithm: string): Promise<CryptoKey | undefined> {
	try {
		const key = await importJWK(jwk, algorithm);
		return key instanceof Uint8Array ? undefined : key;
	} catch {
		return undefined;
	}
}
