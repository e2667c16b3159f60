import { describe, expect, it } from "vitest";
import { milliseconds } from "../base/units.ts";
import { Retry, retryAfter } from "./retry.ts";

const NEVER = milliseconds(0);
const half = (): number => 0.5;

describe("a player that lost its connection", () => {
	it("asks again after half a second, then after twice as long each time, up to ten seconds", () => {
		const retry = new Retry(half);
		expect(Array.from({ length: 8 }, () => retry.delay(NEVER))).toEqual([
			...[500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000],
		]);
	});

	it("is quick again once media came for some seconds, and not for a short while", () => {
		const retry = new Retry(half);
		for (let i = 0; i < 4; i++) retry.delay(NEVER);
		expect(retry.delay(milliseconds(4000))).toBe(8000);
		expect(retry.delay(milliseconds(6000))).toBe(500);
	});

	it("does not ask in step with others", () => {
		expect([0, 0.999].map((random) => new Retry(() => random).delay(NEVER))).toEqual([375, 625]);
	});

	it("never asks sooner than the server wants, nor much later", () => {
		for (const random of [0, 0.5, 0.999]) {
			const delay = new Retry(() => random).delay(NEVER, milliseconds(5000));
			expect(delay).toBeGreaterThanOrEqual(5000);
			expect(delay).toBeLessThanOrEqual(6250);
		}
		expect(new Retry(half).delay(NEVER, milliseconds(1e9))).toBeLessThanOrEqual(375_000);
		expect(new Retry(half).delay(NEVER, milliseconds(10))).toBe(500);
	});
});

describe("Retry-After", () => {
	const wall = Date.UTC(2026, 0, 1, 12, 0, 0);
	it.each([
		["5", 5000],
		[" 0 ", 0],
		["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
		["Thu, 01 Jan 2026 11:00:00 GMT", 0],
		["soon", undefined],
		["-3 apples", undefined],
		[null, undefined],
	])("%j is %j ms", (value, expected) => {
		expect(retryAfter(value, wall)).toBe(expected);
	});
});
