/**
 * The handshake with digests, on which some clients insist: HMAC-SHA256 under keys that everybody knows, so that it
 * proves nothing but who made the client. Adobe never published it; what is here follows the description that free
 * servers and clients share. C1 and S1 then have a version in bytes 4 to 7, and two blocks of 764 bytes, of which one
 * hides 32 bytes of digest at an offset that its first four bytes say.
 */
import { createHmac } from "node:crypto";
import { concatenate, sameBytes } from "../../base/bytes.ts";

export const HANDSHAKE_BYTES = 1536;

/** So many bytes by chance. */
export type RandomBytes = (count: number) => Uint8Array;

const DIGEST_BYTES = 32;
/** Where the offset stands that leads to the digest, in each of the two layouts. */
const OFFSETS_AT = [772, 8] as const;
/** A digest begins at most so far behind its offset. */
const OFFSET_MODULUS = 764 - 4 - DIGEST_BYTES;
/** Must not be 0; a version of the server that Adobe sold. */
const SERVER_VERSION = [4, 5, 0, 1];

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const CLIENT_NAME = ascii("Genuine Adobe Flash Player 001");
const SERVER_NAME = ascii("Genuine Adobe Flash Media Server 001");
const KEY_TAIL = Uint8Array.from(
	Buffer.from("f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae", "hex"),
);
const SERVER_KEY = concatenate(SERVER_NAME, KEY_TAIL);

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array => {
	const mac = createHmac("sha256", key);
	for (const part of parts) mac.update(part);
	return Uint8Array.from(mac.digest());
};

/** Where the digest lies. */
function digestAt(first: Uint8Array, offsetAt: number): number {
	const sum = first[offsetAt]! + first[offsetAt + 1]! + first[offsetAt + 2]! + first[offsetAt + 3]!;
	return offsetAt + 4 + (sum % OFFSET_MODULUS);
}

/** Of all but the digest itself. */
const digestOf = (key: Uint8Array, first: Uint8Array, at: number): Uint8Array =>
	hmac(key, first.subarray(0, at), first.subarray(at + DIGEST_BYTES));

/**
 * @param clientFirst C1
 * @param serverFirst S1 as it would be without a digest; not changed
 * @returns undefined where C1 bears no digest: then the simple form is meant
 */
export function digestAnswer(
	clientFirst: Uint8Array,
	serverFirst: Uint8Array,
	random: RandomBytes,
): { readonly serverFirst: Uint8Array; readonly serverSecond: Uint8Array } | undefined {
	if (clientFirst.subarray(4, 8).every((byte) => byte === 0)) return undefined;
	for (const offsetAt of OFFSETS_AT) {
		const at = digestAt(clientFirst, offsetAt);
		const digest = clientFirst.slice(at, at + DIGEST_BYTES);
		if (!sameBytes(digest, digestOf(CLIENT_NAME, clientFirst, at))) continue;
		const first = serverFirst.slice();
		first.set(SERVER_VERSION, 4);
		const ours = digestAt(first, offsetAt);
		first.set(digestOf(SERVER_NAME, first, ours), ours);
		const filling = random(HANDSHAKE_BYTES - DIGEST_BYTES);
		return { serverFirst: first, serverSecond: concatenate(filling, hmac(hmac(SERVER_KEY, digest), filling)) };
	}
	return undefined;
}
