import { describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { decodeReport } from "../wire/report-message.ts";
import type { ReportedFigures, ViewerReport } from "../wire/viewer-report.ts";
import { type BusReply, Forwarder, type ReportBus } from "./forwarder.ts";

const KEY = "K".repeat(43);
const APPLIED: BusReply = { kind: "reply", payload: '{"kind":"applied","answer":{}}' };

const report = (figures: ReportedFigures, sessionKey = KEY): ViewerReport => ({
	...{ sessionKey, server: "network", receivedAtEpochMs: 1, ageMs: 0, figures },
});

/** A bus that a test lets come and go, and that says what it was asked. */
class HandBus implements ReportBus {
	connected = false;
	answer: BusReply = APPLIED;
	readonly asked: ViewerReport[] = [];
	#callback: () => void = () => undefined;

	onConnect(callback: () => void): void {
		this.#callback = callback;
	}

	comes(): void {
		this.connected = true;
		this.#callback();
	}

	async request(subject: string, payload: string): Promise<BusReply> {
		this.asked.push(decodeReport(subject, payload)!);
		return this.answer;
	}
}

function setUp(maxKept = 100) {
	const clock = new ManualClock();
	const bus = new HandBus();
	return { clock, bus, forwarder: new Forwarder({ bus, clock, maxKept }) };
}

/** Lets what has been promised happen. */
const settled = async (): Promise<void> => {
	for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe("while the bus is away", () => {
	test("the newest of each figure is kept, and goes out with its age when the bus comes", async () => {
		const { clock, bus, forwarder } = setUp();
		expect(await forwarder.take(report({ bandwidthBps: 1e6, roundTripMs: 30 }))).toEqual({ kind: "kept" });
		clock.advance(1000);
		await forwarder.take(report({ bandwidthBps: 2e6 }));
		clock.advance(1500);
		expect([bus.asked.length, forwarder.keptSessions]).toEqual([0, 1]);
		bus.comes();
		await settled();
		expect(bus.asked).toMatchObject([{ ageMs: 1500, figures: { bandwidthBps: 2e6, roundTripMs: 30 } }]);
		expect(forwarder.keptSessions).toBe(0);
	});

	test("sessions beyond the limit lose the one that reported longest ago", async () => {
		const { bus, forwarder } = setUp(10);
		for (let n = 0; n < 1000; n++) await forwarder.take(report({ bandwidthBps: n }, String(n).padStart(43, "0")));
		expect(forwarder.keptSessions).toBe(10);
		bus.comes();
		await settled();
		expect(bus.asked.map(({ figures }) => figures.bandwidthBps)).toEqual([
			990, 991, 992, 993, 994, 995, 996, 997, 998, 999,
		]);
	});
});

describe("when nobody answers", () => {
	test("a media server is given 10 s to come back after the bus did; then the session is unknown", async () => {
		const { clock, bus, forwarder } = setUp();
		bus.answer = { kind: "nobody" };
		bus.comes();
		expect(await forwarder.take(report({ bandwidthBps: 1e6 }))).toEqual({ kind: "kept" });
		clock.advance(3000);
		await settled();
		bus.answer = APPLIED;
		clock.advance(500);
		await settled();
		expect(forwarder.keptSessions).toBe(0);
		expect(bus.asked.at(-1)).toMatchObject({ figures: { bandwidthBps: 1e6 } });

		clock.advance(10_000);
		bus.answer = { kind: "nobody" };
		const outcome = forwarder.take(report({ bandwidthBps: 1e6 }));
		await settled();
		clock.advance(100);
		expect(await outcome).toEqual({ kind: "unknown" });
		expect(forwarder.keptSessions).toBe(0);
	});

	test("a media server that is silent gets the figures again", async () => {
		const { clock, bus, forwarder } = setUp();
		bus.comes();
		bus.answer = { kind: "silent" };
		expect(await forwarder.take(report({ bandwidthBps: 1e6 }))).toEqual({ kind: "kept" });
		bus.answer = APPLIED;
		clock.advance(500);
		await settled();
		expect([bus.asked.length, forwarder.keptSessions]).toEqual([2, 0]);
	});
});

test("nothing goes on after the end", async () => {
	const { clock, bus, forwarder } = setUp();
	bus.comes();
	bus.answer = { kind: "silent" };
	await forwarder.take(report({ bandwidthBps: 1e6 }));
	forwarder.close();
	expect(clock.time.pending).toBe(0);
});
