/** The model behind `npm run bench:switching`: link, TCP, media, player, oracle, and all of it together. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adaptive, fixed, floorOf, threshold } from "../../bench/switching/contenders.ts";
import { Link } from "../../bench/switching/link.ts";
import { Media } from "../../bench/switching/media.ts";
import {
	DEFAULT_CONDITIONS,
	LADDERS,
	type Ladder,
	type RunResult,
	SCALES,
	type Scale,
	type Setting,
	type Trace,
	type World,
} from "../../bench/switching/model.ts";
import { bestPath, oracleResult } from "../../bench/switching/oracle.ts";
import { Player } from "../../bench/switching/player.ts";
import { PushRun } from "../../bench/switching/push-run.ts";
import { Random } from "../../bench/switching/random.ts";
import { runWorld, simulate } from "../../bench/switching/simulate.ts";
import { Connection } from "../../bench/switching/tcp.ts";
import { makeWorld } from "../../bench/switching/world.ts";
import { parseName } from "../../src/base/name.ts";
import { fixedPolicy } from "../../src/switching/fixed.ts";

type Step = readonly [seconds: number, mbit: number];

const traceOf = (id: string, steps: readonly Step[], latencyMs = 20): Trace => ({
	id: `test/${id}`,
	family: "test",
	slots: steps.map(([seconds, mbit]) => ({ durationMs: seconds * 1000, bandwidthBps: mbit * 1e6, latencyMs })),
});

/** A link as it is written down: not scaled, without jitter. */
const linkOf = (steps: readonly Step[], lengthMs = 60_000): Link =>
	new Link(traceOf("link", steps), { jitter: 0, lengthMs }, new Random("link"));

const [design, slow] = LADDERS as [Ladder, Ladder];
const setting = (scale: Scale, more: Partial<Setting> = {}): Setting => ({
	ladder: design,
	unitMs: 1000,
	scale,
	bufferMs: 1000,
	...more,
});

/** A world with a link that is not scaled. */
function worldOf(steps: readonly Step[], ladder: Ladder, durationMs: number): World {
	const world = makeWorld(traceOf("world", steps), setting("ample", { ladder, durationMs }));
	return { ...world, link: linkOf(steps, world.endAt) };
}

/** Random ups and downs with outages. */
const HARD = traceOf(
	"hard",
	Array.from({ length: 120 }, (_, index) => [1, index % 17 === 3 ? 0 : 1 + 9 * Math.abs(Math.sin(index * index))]),
);

describe("link", () => {
	it("gives the time at which it has taken so many bytes, over outages too", () => {
		const link = linkOf([
			[1, 8],
			[2, 0],
			[1, 4],
		]);
		expect(link.served(500)).toBeCloseTo(500_000);
		expect(link.timeOf(500_000)).toBeCloseTo(500);
		expect(link.timeOf(1_000_500)).toBeCloseTo(3001);
		expect(link.served(4000)).toBeCloseTo(1_500_000);
	});

	it("goes on from the trace's start when the trace is over, with the mean that was asked for", () => {
		const trace = traceOf("odd", [
			[0.73, 3],
			[1.19, 1],
		]);
		const link = new Link(trace, { meanBps: 8e6, jitter: 0, lengthMs: 19_200 }, new Random("x"));
		expect((link.served(19_200) * 8000) / 19_200).toBeCloseTo(8e6, 0);
	});

	it("keeps its mean under jitter, with the deviation that was asked for", () => {
		const link = new Link(traceOf("flat", [[1, 8]]), { jitter: 0.2, lengthMs: 4e6 }, new Random("jitter"));
		const rates = Array.from({ length: 40_000 }, (_, step) => link.bytesPerMs(step * 100 + 50) / 1000);
		const mean = rates.reduce((sum, rate) => sum + rate) / rates.length;
		const deviation = Math.sqrt(rates.reduce((sum, rate) => sum + Math.log(rate / mean) ** 2, 0) / rates.length);
		expect(mean).toBeCloseTo(1, 1);
		expect(deviation).toBeCloseTo(0.2, 1);
	});
});

describe("media", () => {
	const media = new Media(slow, 500, 240_000, new Random("media"));

	it("has exactly the nominal rate in each rung, and the same shape in all", () => {
		for (const [rung, { bitrateBps }] of slow.rungs.entries()) {
			expect((media.bytes(rung, 0, media.frameCount) * 8) / 240).toBeCloseTo(bitrateBps, 0);
			const ratio = (media.unitBytes(rung, 7) * 8) / bitrateBps;
			expect(ratio).toBeCloseTo((media.unitBytes(0, 7) * 8) / slow.rungs[0]!.bitrateBps, 2);
		}
	});

	it("starts each unit with a frame of six to eight times the others", () => {
		const heads = Array.from({ length: media.unitCount }, (_, unit) => {
			const first = unit * media.framesPerUnit;
			const others = media.bytes(4, first + 1, first + media.framesPerUnit) / (media.framesPerUnit - 1);
			return media.bytes(4, first, first + 1) / others;
		});
		const mean = heads.reduce((sum, head) => sum + head) / heads.length;
		expect(mean).toBeGreaterThan(6.5);
		expect(mean).toBeLessThan(7.5);
	});
});

describe("connection", () => {
	const drain = (connection: Connection): void => {
		while (Number.isFinite(connection.nextAt)) connection.step();
	};

	it("brings every byte across, in order of time, whatever the link and the queue", () => {
		const steps = fc.array(fc.tuple(fc.double({ min: 0.1, max: 3, noNaN: true }), fc.constantFrom(0, 0.05, 1, 20)), {
			minLength: 1,
			maxLength: 8,
		});
		const writes = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 1, max: 60_000 })), {
			minLength: 1,
			maxLength: 60,
		});
		const congestionControl = fc.constantFrom("bbr" as const, "cubic" as const);
		const property = fc.property(steps, writes, congestionControl, fc.constantFrom(6000, 50_000, 1e6), (...drawn) => {
			const [bandwidths, sizes, control, fifoBytes] = drawn;
			const conditions = { ...DEFAULT_CONDITIONS, congestionControl: control, fifoBytes };
			const link = linkOf([...bandwidths, [0.2, 1]], 20_000);
			let [last, arrived, at, written] = [0, 0, 0, 0];
			const connection = new Connection(link, conditions, 0, (time, bytes) => {
				expect(time).toBeGreaterThanOrEqual(last);
				expect(bytes).toBeGreaterThanOrEqual(arrived);
				[last, arrived] = [time, bytes];
			});
			for (const [pause, size] of sizes) {
				at += pause;
				connection.runUntil(at);
				connection.write(at, size);
				written += size;
				expect(connection.unsentBytes + connection.inFlightBytes + connection.lostBytes).toBeLessThanOrEqual(written);
			}
			drain(connection);
			expect(arrived).toBe(written);
			expect(connection.ackedBytes).toBe(written);
			expect(connection.inFlightBytes).toBe(0);
		});
		fc.assert(property, { numRuns: 300 });
	});

	it("acknowledges a burst as the link passes it, and its odd last segment within 40 ms", () => {
		const connection = new Connection(linkOf([[1, 10]]), DEFAULT_CONDITIONS, 0, () => {});
		connection.write(0, 7 * 1448);
		const acks: [number, number][] = [];
		while (Number.isFinite(connection.nextAt)) {
			connection.step();
			if (acks.at(-1)?.[1] !== connection.ackedBytes) acks.push([connection.lastAckAt, connection.ackedBytes]);
		}
		// Round trip 40 ms; two segments take 2.3 ms of 10 Mbit/s, and pacing of the first window leaves them 2.8 ms apart.
		expect(acks[1]).toEqual([expect.closeTo(42.32, 1), 2 * 1448]);
		expect(acks.at(-1)![1]).toBe(7 * 1448);
		expect(acks.at(-1)![0] - acks.at(-2)![0]).toBeCloseTo(40, -1);
	});

	it("fills a constant link", () => {
		for (const congestionControl of ["bbr", "cubic"] as const) {
			const connection = new Connection(linkOf([[1, 6]]), { ...DEFAULT_CONDITIONS, congestionControl }, 0, () => {});
			connection.write(0, 5e7);
			connection.runUntil(20_000);
			expect(connection.ackedBytes / 20_000).toBeGreaterThan(750 * 0.95);
		}
	});
});

/** What a connection did on real links (10 Mbit/s, round trip 30 ms; here 40), and what it does in the model. */
describe("connection, beside measurements", () => {
	/** 30 frames a second, the first of each second `idr` times the others. */
	function stream(link: Link, mbit: number, idr: number, each: (connection: Connection, at: number) => void): void {
		const connection = new Connection(link, DEFAULT_CONDITIONS, 0, () => {});
		const ordinary = (mbit * 1e6) / 8 / (29 + idr);
		for (let frame = 0; frame < 600; frame++) {
			const at = (frame * 1000) / 30;
			connection.runUntil(at);
			each(connection, at);
			const isBlocked = connection.unsentBytes >= DEFAULT_CONDITIONS.notSentLowBytes;
			if (!isBlocked) connection.write(at, Math.round(frame % 30 === 0 ? ordinary * idr : ordinary));
		}
	}

	it("a fall from 10 to 1 Mbit/s under 3 Mbit/s: 60 to 81 KB in flight, 300 to 740 ms, forgotten after 3 s", () => {
		const link = linkOf([
			[10, 10],
			[50, 1],
		]);
		const peak = { inFlight: 0, roundTrip: 0 };
		let later = 0;
		stream(link, 3, 1, (connection, at) => {
			if (at < 10_000) return;
			peak.inFlight = Math.max(peak.inFlight, connection.inFlightBytes);
			peak.roundTrip = Math.max(peak.roundTrip, connection.roundTrip);
			if (at > 14_500) later = Math.max(later, connection.inFlightBytes);
		});
		expect(peak.inFlight).toBeGreaterThan(50_000);
		expect(peak.inFlight).toBeLessThan(85_000);
		expect(peak.roundTrip).toBeGreaterThan(300);
		expect(peak.roundTrip).toBeLessThan(740);
		expect(later).toBeLessThan(20_000);
	});

	it("a 22 KB I-frame each second of 0.8 Mbit/s lets BBR see 3.2 to 5.2 of 10 Mbit/s", () => {
		let pacing = 0;
		stream(linkOf([[1, 10]]), 0.8, 8, (connection) => {
			pacing = connection.pacing;
		});
		const seenMbit = (pacing * 8) / 1000 / 2.885 / 0.99;
		expect(seenMbit).toBeGreaterThan(3.2);
		expect(seenMbit).toBeLessThan(5.2);
	});
});

describe("player", () => {
	const world = {
		...makeWorld(traceOf("flat", [[1, 8]]), setting("ample", { durationMs: 20_000 })),
		joinAt: 0,
		endAt: 20_400,
	};
	const feed = (player: Player, from: number, to: number, delay: number): void => {
		for (let at = from; at < to; at += 100) player.receive(at + 100 + delay, at, at + 100, 0, 1000);
	};

	it("starts with its buffer full, stalls when it is empty and goes on with half a second", () => {
		const player = new Player(world);
		feed(player, 0, 4000, 0);
		feed(player, 4000, 20_000, 3000);
		const result = player.result("x");
		expect(result.startupMs).toBeCloseTo(1000);
		// Its last picture before the gap has been shown at 5000; at 7500 there are 500 ms again.
		expect(result.stallMs).toBeCloseTo(2500);
		expect(result.stallCount).toBe(1);
		expect(result.stallRatio).toBeCloseTo(2500 / (world.endAt - 1000), 4);
	});

	it("jumps over a hole, which is skipped and not stalled, and plays faster while it is late", () => {
		const player = new Player(world);
		feed(player, 0, 4000, 0);
		feed(player, 6000, 20_000, 0);
		const { skippedFrames, stallMs, delayP50Ms } = player.result("x");
		expect(skippedFrames).toBe(60);
		expect(stallMs).toBeCloseTo(1500);
		expect(delayP50Ms).toBeLessThan(1110);
	});
});

describe("oracle", () => {
	it("finds the best of all ways through few units", () => {
		for (const scale of Object.keys(SCALES) as Scale[]) {
			const world = makeWorld(HARD, setting(scale, { durationMs: 8000 }));
			const floor = floorOf(world);
			const units = [...floor.unitPlayedAt.entries()].filter(([, at]) => Number.isFinite(at)).map(([unit]) => unit);
			expect(units.length).toBeGreaterThan(4);
			const best = Math.max(...allPaths(units.length).map((path) => scoreOf(world, floor.unitPlayedAt, units, path)));
			const found = bestPath(world, floor);
			const path = units.map((unit) => found[unit]!);
			expect(scoreOf(world, floor.unitPlayedAt, units, path)).toBeCloseTo(best, 1);
			expect(path.some((rung) => rung > 0)).toBe(true);
		}
	});

	const allPaths = (length: number): number[][] =>
		Array.from({ length: 3 ** length }, (_, code) =>
			Array.from({ length }, (_, unit) => Math.floor(code / 3 ** unit) % 3),
		);

	/** Frame by frame, with what the programme only knows by the unit. -Infinity: too late. */
	function scoreOf({ link, media, joinAt }: World, playedAt: Float64Array, units: number[], path: number[]): number {
		let [at, bytes, switches] = [0, 0, 0];
		for (const [index, unit] of units.entries()) {
			const first = unit * media.framesPerUnit;
			for (let frame = first; frame < first + media.framesPerUnit; frame++) {
				const from = Math.max(at, media.frameAt(frame), joinAt);
				at = link.timeOf(link.served(from) + media.bytes(path[index]!, frame, frame + 1));
			}
			// The lowest rung is let through, as in the programme.
			if (at + link.roundTrip(at) / 2 > playedAt[unit]! + 0.01 && path[index] !== 0) return Number.NEGATIVE_INFINITY;
			bytes += media.unitBytes(path[index]!, unit);
			if (index > 0 && path[index] !== path[index - 1]) switches++;
		}
		return bytes / 1e6 - 0.02 * switches;
	}
});

describe("all together", () => {
	it("the lowest rung on an ample constant link plays without a stall, a buffer's length behind", () => {
		const result = floorOf(worldOf([[10, 10]], design, 60_000)).result;
		expect(result.stallMs).toBe(0);
		expect(result.skippedFrames).toBe(0);
		expect(result.meanBps).toBeGreaterThan(2e6 * 0.97);
		expect(result.meanBps).toBeLessThan(2e6 * 1.03);
		expect(result.delayP50Ms).toBeGreaterThan(980);
		expect(result.delayP95Ms).toBeLessThan(1100);
	});

	it("nobody who stalls no more than the lowest rung has more bits than the oracle", () => {
		for (const scale of Object.keys(SCALES) as Scale[]) {
			for (const ladder of LADDERS) {
				const world = makeWorld(HARD, setting(scale, { ladder, durationMs: 90_000 }));
				const floor = floorOf(world);
				const oracle = oracleResult(world, floor);
				const contenders = [fixed({ rung: "mid" }), fixed({ rung: "high" }), threshold(), adaptive()];
				expect(oracle.meanBps).toBeGreaterThanOrEqual(floor.result.meanBps);
				for (const contender of contenders) {
					const result = contender.run(world);
					if (result.stallMs <= floor.result.stallMs) expect(result.meanBps).toBeLessThan(oracle.meanBps * 1.01);
				}
			}
		}
	});

	it("plays no more than it got, and gets no more than was sent in the time", () => {
		const world = makeWorld(HARD, setting("matched", { durationMs: 60_000 }));
		const run = new PushRun(world, {
			policy: fixedPolicy({ rendition: parseName("high", "rung") }),
			blind: true,
		}).run();
		const { deliveredBytes, meanBps, durationMs } = run.player.result("fixed-high");
		expect((meanBps * durationMs) / 8000).toBeLessThanOrEqual(deliveredBytes);
		expect(deliveredBytes).toBeLessThanOrEqual(run.connection.writtenBytes);
		expect(deliveredBytes).toBeLessThanOrEqual(world.link.served(world.endAt) - world.link.served(world.joinAt));
	});

	it("gives the same for the same seed, in one thread or two, from the cache or not; another for another", async () => {
		const cache = mkdtempSync(join(tmpdir(), "penstock-simulation-"));
		const module = new URL("../../bench/switching/contenders.ts", import.meta.url).href;
		const settings = [setting("tight", { durationMs: 30_000 }), setting("ample", { durationMs: 30_000 })];
		const simulation = { traces: [HARD], settings, contenders: [{ module, make: "threshold" }], cache, threads: 2 };
		const direct = (seed: number): RunResult[] =>
			settings.flatMap((one) => runWorld(HARD, one, { conditions: { seed } }, [threshold()]));
		try {
			expect(await simulate(simulation)).toEqual(direct(1));
			expect(readdirSync(cache)).toHaveLength(2);
			expect(await simulate(simulation)).toEqual(direct(1));
		} finally {
			rmSync(cache, { recursive: true });
		}
		expect(direct(2)).not.toEqual(direct(1));
	});
});
