/**
 * What holds back those who guess (SEC20), by two counts of bounded size:
 *
 * - a source that was wrong ten times waits, twice as long after each further time, at last 5 min;
 * - a secret that people choose (a key, a password) may be tried wrongly a hundred times and then once in 5 min, by
 *   whatever sources, for there are many. Sources that knew it before are not held up by those who do not.
 *
 * So 10^5 guesses that come at one a second or faster have fewer than 600 looked at. What is not looked at costs nothing
 * and tells nothing.
 */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";

const FREE_FAILURES = 10;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300_000;
const MOST_SOURCES = 10_000;

const SECRET_BURST = 100;
const SECRET_REFILL_MS = 300_000;
const MOST_KNOWN = 10_000;

interface Failures {
	count: number;
	/** Of the last one. */
	at: Milliseconds;
}

interface Allowance {
	left: number;
	at: Milliseconds;
}

export class GuessLimit {
	readonly #clock: Clock;
	/** In the order of their last failure. */
	readonly #sources = new Map<string, Failures>();
	/** As many as the configuration has secrets. */
	readonly #secrets = new Map<string, Allowance>();
	/** `source secret`, in the order of their last success. */
	readonly #known = new Set<string>();

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** How many sources are kept. */
	get size(): number {
		return this.#sources.size;
	}

	/** How long the source has to wait; 0 where it may try. */
	waitOf(source: string): number {
		const failures = this.#sources.get(source);
		if (failures === undefined) return 0;
		return Math.max(0, failures.at + waitAfter(this.#countNow(failures)) - this.#clock.now());
	}

	failed(source: string): void {
		const failures = this.#sources.get(source);
		const count = (failures === undefined ? 0 : this.#countNow(failures)) + 1;
		this.#sources.delete(source);
		this.#sources.set(source, { count, at: this.#clock.now() });
		if (this.#sources.size > MOST_SOURCES) this.#sources.delete(this.#sources.keys().next().value!);
	}

	/** Whether this source may try this secret now. */
	mayTry(secret: string, source: string): boolean {
		return this.#known.has(`${source} ${secret}`) || this.#allowanceOf(secret).left >= 1;
	}

	/** Tried, and wrong. */
	missed(secret: string): void {
		this.#allowanceOf(secret).left -= 1;
	}

	/** Tried, and right. */
	knew(secret: string, source: string): void {
		const entry = `${source} ${secret}`;
		this.#known.delete(entry);
		this.#known.add(entry);
		if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.values().next().value!);
	}

	/** One failure is forgotten for each longest wait that was quiet. */
	#countNow({ count, at }: Failures): number {
		const quiet = this.#clock.now() - at - waitAfter(count);
		return Math.max(0, count - Math.max(0, Math.floor(quiet / LONGEST_WAIT_MS)));
	}

	#allowanceOf(secret: string): Allowance {
		const now = this.#clock.now();
		const allowance = this.#secrets.get(secret) ?? { left: SECRET_BURST, at: now };
		this.#secrets.set(secret, allowance);
		allowance.left = Math.min(SECRET_BURST, allowance.left + (now - allowance.at) / SECRET_REFILL_MS);
		allowance.at = now;
		return allowance;
	}
}

const waitAfter = (count: number): number =>
	count < FREE_FAILURES ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(30, count - FREE_FAILURES));
