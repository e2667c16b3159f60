import { describe, expect, it } from "vitest";
import { milliseconds as ms } from "../base/units.ts";
import { Backoff } from "./backoff.ts";

describe("waiting before a restart", () => {
	it("begins with 100 ms and doubles to 30 s, while failures are a minute apart", () => {
		const backoff = new Backoff(() => 0.5);
		const delays = Array.from({ length: 11 }, (_, i) => backoff.failed(ms(i * 61_000), ms(0)));
		expect(delays.map(({ delay }) => delay)).toEqual([
			100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000,
		]);
		expect(delays.some(({ failing }) => failing)).toBe(false);
	});

	it("is spread by a quarter to both sides, but for the first", () => {
		for (const [random, second] of [
			[0, 150],
			[0.999_999, 250],
		] as const) {
			const backoff = new Backoff(() => random);
			expect([backoff.failed(ms(0), ms(0)).delay, backoff.failed(ms(1), ms(0)).delay]).toEqual([100, second]);
		}
	});

	it("is 30 s from the fifth failure within 60 s on, until failures are rare again", () => {
		const backoff = new Backoff(() => 0.5);
		const failures = [0, 1000, 2000, 3000, 4000].map((now) => backoff.failed(ms(now), ms(0)));
		expect(failures.map(({ failing }) => failing)).toEqual([false, false, false, false, true]);
		expect(failures[4]!.delay).toBe(30_000);
		expect(backoff.failed(ms(34_000), ms(0)).failing).toBe(true);
		expect(backoff.failed(ms(64_100), ms(0)).failing).toBe(false);
	});

	it("begins again at 100 ms after a run that gave output for 10 s", () => {
		const backoff = new Backoff(() => 0.5);
		backoff.failed(ms(0), ms(0));
		backoff.failed(ms(300), ms(0));
		expect(backoff.failed(ms(10_000), ms(9_999)).delay).toBe(400);
		expect(backoff.failed(ms(30_000), ms(10_000)).delay).toBe(100);
	});
});
