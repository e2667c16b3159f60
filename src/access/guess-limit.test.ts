import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { GuessLimit } from "./guess-limit.ts";

const GUESSES = 100_000;

/** Lets a source guess, every so often; says how many guesses were looked at. */
function looked(everyMs: number, guesses = GUESSES): number {
	const clock = new ManualClock();
	const limit = new GuessLimit(clock);
	let count = 0;
	for (let guess = 0; guess < guesses; guess++) {
		if (limit.waitOf("one") === 0) {
			count++;
			limit.failed("one");
		}
		clock.advance(everyMs);
	}
	return count;
}

test.for([0, 1, 10, 100, 1000])(
	"SEC20: of 100 000 guesses of one source, %i ms apart, at most 600 are looked at",
	(everyMs) => {
		expect(looked(everyMs)).toBeLessThanOrEqual(600);
	},
);

test("SEC20: a source that pauses to be forgotten gets no more than one that does not", () => {
	fc.assert(
		fc.property(fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 200, maxLength: 400 }), (pauses) => {
			const clock = new ManualClock();
			const limit = new GuessLimit(clock);
			let count = 0;
			for (const pause of pauses) {
				if (limit.waitOf("one") === 0) {
					count++;
					limit.failed("one");
				}
				clock.advance(pause);
			}
			expect(count).toBeLessThanOrEqual(20 + clock.now() / 300_000);
		}),
	);
});

test("SEC20: of 100 000 guesses at one secret, each of another source, at most 600 are looked at", () => {
	const clock = new ManualClock();
	const limit = new GuessLimit(clock);
	let count = 0;
	for (let guess = 0; guess < GUESSES; guess++) {
		const source = `source-${guess}`;
		if (limit.waitOf(source) === 0 && limit.mayTry("key:studio", source)) {
			count++;
			limit.missed("key:studio");
			limit.failed(source);
		}
		clock.advance(1000);
	}
	expect(count).toBeLessThanOrEqual(600);
	expect(limit.size).toBeLessThanOrEqual(10_000);
});

test("who knew a secret before is not held up by those who guess at it", () => {
	const limit = new GuessLimit(new ManualClock());
	limit.knew("key:studio", "encoder");
	for (let guess = 0; guess < 200; guess++) limit.missed("key:studio");
	expect(limit.mayTry("key:studio", "stranger")).toBe(false);
	expect(limit.mayTry("key:studio", "encoder")).toBe(true);
	expect(limit.mayTry("key:other", "stranger")).toBe(true);
});

test("ten failures are free; then each doubles the wait, to 5 min", () => {
	const clock = new ManualClock();
	const limit = new GuessLimit(clock);
	const waits: number[] = [];
	for (let failure = 1; failure <= 20; failure++) {
		limit.failed("one");
		waits.push(limit.waitOf("one"));
		clock.advance(limit.waitOf("one"));
	}
	expect(waits.slice(0, 9)).toEqual(Array(9).fill(0));
	expect(waits.slice(9, 13)).toEqual([1000, 2000, 4000, 8000]);
	expect(waits.at(-1)).toBe(300_000);
	clock.advance(20 * 300_000);
	expect(limit.waitOf("one")).toBe(0);
	limit.failed("one");
	expect(limit.waitOf("one")).toBe(0);
});
