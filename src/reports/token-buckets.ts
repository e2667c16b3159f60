/**
 * Rate limits for many by name: a bucket each, filled evenly. A bounded number of buckets is kept; where there are more
 * names, the one that was asked for longest ago is forgotten, and would find a full bucket.
 */
import type { Milliseconds } from "../base/units.ts";

export interface BucketSettings {
	readonly perSecond: number;
	readonly burst: number;
	readonly maxNames: number;
}

interface Bucket {
	tokens: number;
	at: Milliseconds;
}

export class TokenBuckets {
	readonly #settings: BucketSettings;
	/** In the order in which they were asked for. */
	readonly #buckets = new Map<string, Bucket>();

	constructor(settings: BucketSettings) {
		this.#settings = settings;
	}

	get size(): number {
		return this.#buckets.size;
	}

	/** Takes so many tokens, or none and says no. */
	take(name: string, now: Milliseconds, tokens = 1): boolean {
		const { perSecond, burst, maxNames } = this.#settings;
		const bucket = this.#buckets.get(name) ?? { tokens: burst, at: now };
		this.#buckets.delete(name);
		this.#buckets.set(name, bucket);
		if (this.#buckets.size > maxNames) this.#buckets.delete(this.#buckets.keys().next().value!);
		bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * perSecond);
		bucket.at = now;
		if (bucket.tokens < tokens) return false;
		bucket.tokens -= tokens;
		return true;
	}
}
