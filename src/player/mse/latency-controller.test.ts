import { describe, expect, test } from "vitest";
import { milliseconds } from "../../base/units.ts";
import { LatencyController, type LatencyStep } from "./latency-controller.ts";

/** An element that obeys, and media that comes in bursts of so many milliseconds. */
class Element {
	readonly controller: LatencyController;
	now = 0;
	lagMs: number;
	readonly steps: LatencyStep[] = [];

	constructor(targetMs: number, lagMs: number) {
		this.controller = new LatencyController(targetMs);
		this.lagMs = lagMs;
	}

	/** Looks every 50 ms. @param burstMs media that comes together; the lag falls by as much in between */
	play(ms: number, burstMs = 33): this {
		for (const end = this.now + ms; this.now < end; this.now += 50) {
			const step = this.controller.look(this.lagMs - (this.now % burstMs), milliseconds(this.now));
			this.steps.push(step);
			if (step.kind === "jump") this.lagMs = step.lagMs;
			else this.lagMs -= 50 * (step.rate - 1);
		}
		return this;
	}

	get rates(): number[] {
		return this.steps.flatMap((step) => (step.kind === "rate" ? [step.rate] : []));
	}

	get jumps(): number {
		return this.steps.filter(({ kind }) => kind === "jump").length;
	}
}

describe("the latency controller", () => {
	test("leaves the rate alone where the least lag is about the target", () => {
		const element = new Element(150, 180).play(10_000);
		expect(new Set(element.rates)).toEqual(new Set([1]));
	});

	test.each([
		[300, 1.1],
		[500, 1.25],
		[60, 0.95],
		[200, 1.03],
	])("from %i ms comes to 150 by its rate, at first %f, and stays there", (lagMs, first) => {
		const element = new Element(150, lagMs).play(15_000);
		expect(element.jumps).toBe(0);
		const chasing = element.rates.filter((rate) => rate !== 1);
		expect(chasing[0]).toBe(first);
		expect(Math.max(...chasing)).toBeLessThanOrEqual(1.25);
		expect(Math.min(...chasing)).toBeGreaterThanOrEqual(0.95);
		expect(element.lagMs).toBeGreaterThan(130);
		expect(element.lagMs).toBeLessThan(205);
		expect(new Set(element.rates.slice(-100))).toEqual(new Set([1]));
	});

	test("does not overshoot: what the rate has won is not taken for a trend", () => {
		const element = new Element(150, 400).play(20_000);
		const slow = element.rates.filter((rate) => rate < 1);
		expect(slow).toEqual([]);
	});

	test("aims at the least of what bursts leave, so that a burst of 120 ms is no chase", () => {
		const element = new Element(150, 265).play(10_000, 120);
		expect(new Set(element.rates.slice(20))).toEqual(new Set([1]));
	});

	test("jumps once where it is far behind, and chases the rest", () => {
		const element = new Element(150, 1800).play(5000);
		expect(element.jumps).toBe(1);
		expect(element.steps[0]).toEqual({ kind: "jump", lagMs: 150 });
	});

	test("does not jump again and again where jumping does not help", () => {
		const controller = new LatencyController(150);
		let jumps = 0;
		for (let now = 0; now < 10_000; now += 50) {
			if (controller.look(2000, milliseconds(now)).kind === "jump") jumps++;
		}
		expect(jumps).toBe(4);
	});

	test("keeps 50 ms more in hand after each stall, 400 at most, and slowly less again", () => {
		const element = new Element(150, 180);
		const { controller } = element;
		controller.stalled();
		expect(controller.targetMs).toBe(200);
		for (let i = 0; i < 10; i++) controller.stalled();
		expect(controller.targetMs).toBe(400);
		element.play(5000);
		expect(controller.targetMs).toBeGreaterThan(385);
		expect(controller.targetMs).toBeLessThan(395);
		element.play(200_000);
		expect(controller.targetMs).toBe(150);
	});

	test("leaves a wide target wide bounds", () => {
		const element = new Element(4000, 3700).play(5000);
		element.lagMs = 5500;
		element.play(900);
		expect(element.jumps).toBe(0);
		expect(element.rates[0]).toBe(1);
		element.lagMs = 6500;
		element.play(2000);
		expect(element.jumps).toBe(1);
	});

	test("does not narrow a target that the caller set wider than it would get by itself", () => {
		const controller = new LatencyController(1000);
		controller.stalled();
		expect(controller.targetMs).toBe(1000);
	});

	test("keeps what it learnt where sound comes in", () => {
		const controller = new LatencyController(80);
		controller.stalled();
		controller.aim(150);
		expect(controller.targetMs).toBe(200);
	});

	test("jumps sooner for a viewer who comes back", () => {
		const element = new Element(150, 400).play(200);
		expect(element.jumps).toBe(0);
		element.lagMs = 400;
		element.controller.hasten();
		element.play(200);
		expect(element.jumps).toBe(1);
	});
});
