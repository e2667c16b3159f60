/**
 * The keys that one issuer's tokens are checked with: one that is given, or a set that is read again when it is old or
 * when a token names a key that is new. While the set cannot be had, the last one goes on for a day.
 */
import { readFile, stat } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import { clauseOf, messageOf } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import { type FetchParts, guardedFetch } from "./guarded-fetch.ts";
import { type KeySet, MOST_SET_BYTES, type ReadKeySet, readKeySet } from "./jwk-set.ts";

/** What `jose` verifies with: the bytes of a shared secret, or a public key. */
export type VerificationKey = Uint8Array | (KeySet extends ReadonlyMap<string, infer Key> ? Key : never);

export type KeyAnswer =
	| { readonly kind: "key"; readonly key: VerificationKey }
	| { readonly kind: "unknown" }
	| { readonly kind: "away"; readonly why: string };

export interface VerificationKeys {
	/** @param kid as the token names it, if it does */
	keyFor(kid: string | undefined): Promise<KeyAnswer>;
}

/** @param kids ids under which it may be named; undefined: none needs be named, and what is named is not looked at */
export function oneKey(key: VerificationKey, kids: readonly string[] | undefined): VerificationKeys {
	const answerTo = (kid: string | undefined): KeyAnswer =>
		kids === undefined || (kid !== undefined && kids.includes(kid)) ? { kind: "key", key } : { kind: "unknown" };
	return { keyFor: (kid) => Promise.resolve(answerTo(kid)) };
}

export type SetText =
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "failed"; readonly why: string };

export interface KeySetOptions {
	readonly load: () => Promise<SetText>;
	readonly algorithm: string;
	/** Absent: all of the set. */
	readonly kids?: readonly string[];
	readonly cacheMs: number;
	readonly clock: Clock;
}

/** So often is a set asked for at most, whatever tokens name. */
const LEAST_PAUSE_MS = 30_000;
const LONGEST_STALE_MS = 86_400_000;

export class FetchedKeys implements VerificationKeys {
	readonly #options: KeySetOptions;
	#set: { readonly keys: KeySet; readonly at: Milliseconds } | undefined;
	#triedAt: Milliseconds | undefined;
	#trouble = "it was not read yet";
	#reading: Promise<void> | undefined;

	constructor(options: KeySetOptions) {
		this.#options = options;
	}

	/** Why the set is not as new as it should be; undefined where it is. */
	get trouble(): string | undefined {
		return this.#ageMs() > this.#options.cacheMs ? this.#trouble : undefined;
	}

	async keyFor(kid: string | undefined): Promise<KeyAnswer> {
		const { kids, cacheMs } = this.#options;
		if (kids !== undefined && (kid === undefined || !kids.includes(kid))) return { kind: "unknown" };
		if (this.#ageMs() > cacheMs || this.#find(kid) === undefined) await this.#refresh();
		if (this.#ageMs() > Math.max(cacheMs, LONGEST_STALE_MS)) return { kind: "away", why: this.#trouble };
		const key = this.#find(kid);
		return key === undefined ? { kind: "unknown" } : { kind: "key", key };
	}

	#ageMs(): number {
		return this.#set === undefined ? Number.POSITIVE_INFINITY : this.#options.clock.now() - this.#set.at;
	}

	/** A token need not name the key where there is only one. */
	#find(kid: string | undefined): VerificationKey | undefined {
		const keys = this.#set?.keys;
		if (kid !== undefined) return keys?.get(kid);
		return keys?.size === 1 ? keys.values().next().value : undefined;
	}

	async #refresh(): Promise<void> {
		const { clock } = this.#options;
		if (this.#reading === undefined) {
			if (this.#triedAt !== undefined && clock.now() - this.#triedAt < LEAST_PAUSE_MS) return;
			this.#triedAt = clock.now();
			this.#reading = this.#read().finally(() => {
				this.#reading = undefined;
			});
		}
		await this.#reading;
	}

	async #read(): Promise<void> {
		const { load, algorithm, clock } = this.#options;
		const loaded = await load();
		const set: ReadKeySet =
			loaded.kind === "failed" ? { kind: "unfit", why: loaded.why } : await readKeySet(loaded.text, algorithm);
		if (set.kind === "read") this.#set = { keys: set.keys, at: clock.now() };
		else this.#trouble = set.why;
	}
}

export async function keySetOfFile(path: string): Promise<SetText> {
	try {
		const { size } = await stat(path);
		if (size > MOST_SET_BYTES) return { kind: "failed", why: `${path} has more than ${MOST_SET_BYTES} bytes` };
		return { kind: "text", text: await readFile(path, "utf8") };
	} catch (thrown) {
		return { kind: "failed", why: `${path} cannot be read: ${messageOf(thrown)}` };
	}
}

const FETCH_TIMEOUT_MS = 3000;

export async function keySetOfUrl(url: string, parts: FetchParts): Promise<SetText> {
	const request = { url, method: "GET", timeoutMs: FETCH_TIMEOUT_MS, mostBytes: MOST_SET_BYTES } as const;
	const answer = await guardedFetch(parts, request);
	switch (answer.kind) {
		case "refused":
			return { kind: "failed", why: clauseOf(answer.error) };
		case "failed":
			return answer;
		case "answered":
			if (answer.status === 200) return { kind: "text", text: answer.body.toString("utf8") };
			return { kind: "failed", why: `the answer has the status ${answer.status}` };
	}
}
