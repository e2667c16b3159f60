/**
 * Signed URLs: `?kid=web&expires=1893456000&sign=…`, and `&once=…` for one that is good for one time. The signature is an
 * HMAC-SHA-256 over verb, stream, expiry and key, so that a URL for one of them is of no use for another.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Name } from "../base/name.ts";
import type { AccessRequest, Verb } from "../wire/access.ts";
import type { Proof } from "./proof.ts";
import type { Secret } from "./secret.ts";
import type { UsedOnce } from "./used-once.ts";

/** The parameters of a URL that carries a signature. */
export interface SignedParameters {
	readonly kid: string;
	readonly expires: string;
	readonly sign: string;
	readonly once?: string;
}

export interface SignRequest {
	readonly kid: Name;
	readonly key: Secret;
	readonly verb: Verb;
	readonly app: Name;
	readonly stream: Name;
	/** Wall clock, ms; rounded down to seconds. */
	readonly expires: number;
	/** Good for one time. @param now wall clock, ms */
	readonly once?: { readonly now: number };
}

/** Leads what is signed: a signature of another kind, or of a later form, never fits. */
const FORM = "penstock-url-1";
/** Seconds, written in one way only. */
const SECONDS = /^[1-9][0-9]{0,10}$/;
/** When it was made, and what makes it the only one. */
const ONCE = /^([1-9][0-9]{0,10})\.[A-Za-z0-9_-]{16,43}$/;
const SIGNATURE = /^[A-Za-z0-9_-]{43}$/;

/** What is added to the URL's query: `kid=…&expires=…&sign=…`. No character of it needs an escape. */
export function signUrl({ kid, key, verb, app, stream, expires, once }: SignRequest): string {
	const fields = {
		kid,
		expires: String(Math.floor(expires / 1000)),
		...(once && { once: `${Math.floor(once.now / 1000)}.${randomBytes(16).toString("base64url")}` }),
	};
	const sign = signatureOf(key, verb, app, stream, fields).toString("base64url");
	return Object.entries({ ...fields, sign })
		.map(([name, value]) => `${name}=${value}`)
		.join("&");
}

function signatureOf(
	key: Secret,
	verb: Verb,
	app: Name,
	stream: Name,
	{ kid, expires, once }: Omit<SignedParameters, "sign">,
): Buffer {
	const text = [FORM, verb, `${app}/${stream}`, expires, kid, once ?? ""].join("\n");
	return createHmac("sha256", key.reveal()).update(text).digest();
}

export interface SignedUrlsOptions {
	/** By their ids. */
	readonly keys: ReadonlyMap<string, Secret>;
	readonly leewayMs: number;
	readonly used: UsedOnce;
	/** Since when `used` knows all: wall clock, ms. */
	readonly started: number;
}

export class SignedUrls {
	readonly #options: SignedUrlsOptions;

	constructor(options: SignedUrlsOptions) {
		this.#options = options;
	}

	/**
	 * @param taken ids that the session has used already: asking again is no replay
	 * @param wall clock, ms
	 */
	judge(signed: SignedParameters, request: AccessRequest, taken: Set<string>, wall: number): Proof {
		const { keys, leewayMs, used, started } = this.#options;
		const key = keys.get(signed.kid);
		const issued = signed.once === undefined ? undefined : ONCE.exec(signed.once);
		if (key === undefined || issued === null || !SECONDS.test(signed.expires)) return { kind: "wrong" };
		if (!SIGNATURE.test(signed.sign)) return { kind: "wrong" };
		const expected = signatureOf(key, request.verb, request.app, request.stream, signed);
		const given = Buffer.from(signed.sign, "base64url");
		// The last character has two bits to spare: the same bytes must not have four spellings.
		if (given.toString("base64url") !== signed.sign || !timingSafeEqual(given, expected)) return { kind: "wrong" };
		const until = Number(signed.expires) * 1000 + leewayMs;
		if (wall >= until) return { kind: "expired" };
		const principal = `signed:${signed.kid}`;
		if (signed.once === undefined) return { kind: "proven", principal, until };
		const id = `${signed.kid} ${signed.once}`;
		if (taken.has(id)) return { kind: "proven", principal, until };
		const issuedAt = Number(issued?.[1]) * 1000;
		// What was made before this server began may have been used before, and it would not know.
		if (issuedAt < started) return { kind: "replayed" };
		if (issuedAt > wall + leewayMs) return { kind: "unfit", why: "it comes from the future; compare the clocks" };
		const answer = used.take(id, until, wall);
		if (answer === "full") return { kind: "away", why: `${used.size} single-use URLs are in use` };
		if (answer === "used") return { kind: "replayed" };
		taken.add(id);
		const undo = (): void => {
			taken.delete(id);
			used.giveBack(id);
		};
		return { kind: "proven", principal, until, undo };
	}
}
