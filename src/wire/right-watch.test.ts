import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { PenstockError } from "../base/errors.ts";
import { parseName } from "../base/name.ts";
import type { AccessAnswer, AccessRequest } from "./access.ts";
import { askGate, type Right, RightWatch } from "./right-watch.ts";

const HOUR_MS = 3_600_000;
const REQUEST: AccessRequest = {
	...{ verb: "play", app: parseName("live", "app"), stream: parseName("cam", "stream") },
	...{ protocol: "http", address: "192.0.2.1", credentials: {} },
};

let clock: ManualClock;
let asked: AccessRequest[];
let lost: PenstockError[];
let answer: () => Promise<AccessAnswer>;

const gate = {
	ask: (request: AccessRequest): Promise<AccessAnswer> => {
		asked.push(request);
		return answer();
	},
};
const granted = (until?: number) => async (): Promise<AccessAnswer> => ({
	kind: "granted",
	principal: "me",
	...(until !== undefined && { until }),
});

function watch(leftMs: number | undefined): { readonly right: Right; readonly holding: RightWatch } {
	const right: Right = { request: REQUEST, until: leftMs === undefined ? undefined : clock.wall() + leftMs };
	return { right, holding: new RightWatch({ gate, clock, right, onLost: (error) => lost.push(error) }) };
}

/** Lets time pass, and what is asked be answered. */
async function pass(ms: number): Promise<void> {
	clock.advance(ms);
	await new Promise<void>((resolve) => setImmediate(resolve));
}

beforeEach(() => {
	clock = new ManualClock();
	asked = [];
	lost = [];
	answer = granted();
});

describe("a right", () => {
	test("that ends at no time is never asked for again", () => {
		watch(undefined);
		expect(clock.time.pending).toBe(0);
	});

	test("is asked for again when it ends and not before, by the same object, and goes on with a yes", async () => {
		const until = clock.wall() + 2 * HOUR_MS;
		answer = granted(until);
		const { right } = watch(HOUR_MS);
		await pass(HOUR_MS - 1);
		expect(asked).toEqual([]);
		await pass(1);
		expect(asked[0]).toBe(REQUEST);
		expect([right.until, lost]).toEqual([until, []]);
		answer = granted();
		await pass(HOUR_MS);
		expect([asked.length, right.until, clock.time.pending]).toEqual([2, undefined, 0]);
	});

	test("that is not granted again is lost, once, with the gate's reason", async () => {
		const error = new PenstockError("ACCESS_EXPIRED", "the token is over.");
		answer = async () => ({ kind: "refused", error });
		watch(1000);
		await pass(1000);
		await pass(HOUR_MS);
		expect([asked.length, lost, clock.time.pending]).toEqual([1, [error], 0]);
	});

	test("is lost where the gate fails", async () => {
		answer = () => Promise.reject(new Error("no such table"));
		watch(1000);
		await pass(1000);
		expect(lost.map(({ message }) => message)).toEqual(["INTERNAL: leave could not be asked for: no such table."]);
	});

	test("is asked for within half a minute when the wall clock jumps ahead", async () => {
		watch(HOUR_MS);
		clock.time.jumpWall(2 * HOUR_MS);
		await pass(30_000);
		expect(asked.length).toBe(1);
	});

	test("is not asked for in a circle of a gate that grants what is over", async () => {
		answer = granted(0);
		watch(0);
		for (let second = 0; second < 10; second++) await pass(1000);
		expect(asked.length).toBe(10);
	});

	test("is nobody's business any more when its holder has gone, though the gate still thinks", async () => {
		const { promise, resolve } = Promise.withResolvers<AccessAnswer>();
		answer = () => promise;
		const { holding } = watch(1000);
		await pass(1000);
		holding.end();
		holding.end();
		resolve({ kind: "refused", error: new PenstockError("ACCESS_REFUSED", "no.") });
		await pass(0);
		expect([lost, clock.time.pending]).toEqual([[], 0]);
		watch(1000).holding.end();
		expect(clock.time.pending).toBe(0);
	});
});

test("a gate that refuses by throwing keeps its own words", async () => {
	const error = new PenstockError("ACCESS_AWAY", "the hook is away.");
	answer = () => Promise.reject(error);
	expect(await askGate(gate, REQUEST)).toEqual({ kind: "refused", error });
});
