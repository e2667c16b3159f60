/**
 * A channel on demand: encoded only while somebody watches, and one programme all the same, whose time goes on.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { freePort } from "../kit/ports.ts";
import { childrenOf } from "../kit/process-table.ts";
import { RawConnection, refusalOf } from "../kit/raw-connection.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { NO_TS_FAULTS, stepsBack, TINY_CHANNEL, TINY_SIZES, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

const IDLE_MS = 1500;
const START_TIMEOUT_MS = 10_000;

let penstock: Penstock;
beforeAll(async () => {
	const gone = await freePort();
	const onDemand = { ...TINY_CHANNEL, onDemand: true };
	penstock = await startPenstock({
		delivery: { startTimeoutMs: START_TIMEOUT_MS },
		channels: {
			signal: { ...onDemand, idleMs: IDLE_MS },
			hasty: { ...onDemand, idleMs: 0 },
			gone: { ...onDemand, idleMs: 0, source: `http://127.0.0.1:${gone}/a.ts` },
			silent: { ...onDemand, idleMs: 0, source: `udp://127.0.0.1:${await freePort()}` },
		},
	});
});
afterAll(() => penstock.stop());

/** FFmpeg and ffprobe processes of the server. */
const tools = (): number => childrenOf(penstock.process.pid).filter(({ state }) => state !== "Z").length;

const encoderOf = async (channel: string): Promise<number | undefined> =>
	(await penstock.channel(`live/${channel}`)).ladder.pid;

const watch = (channel: string): Promise<Recording> => record(`${penstock.http}/live/${channel}.ts`);

async function expectGood(recording: Recording): Promise<void> {
	expect(recording.counts).toMatchObject(NO_TS_FAULTS);
	expect(stepsBack(recording)).toEqual([]);
	const { counters, warnings } = await readCounters(recording.save());
	expect(warnings).toEqual([]);
	expectEveryFrameOnce(counters);
}

describe("a channel on demand", () => {
	test("has no encoder while nobody watches, and asking by HEAD starts none", async () => {
		expect((await openViewer(`${penstock.http}/live/signal.ts`, { method: "HEAD" })).status).toBe(200);
		expect((await openViewer(`${penstock.http}/live/signal.avi`)).status).toBe(404);
		expect((await openViewer(`${penstock.http}/live/signal.ts?rendition=none`)).status).toBe(404);
		expect(await penstock.channel("live/signal")).toMatchObject({ onDemand: true, state: "stopped", live: false });
		expect(tools()).toBe(0);
	});

	test("starts with the first viewer, stops when nobody has watched for idleMs, and its time goes on", async () => {
		const asked = performance.now();
		const first = await watch("signal");
		const answeredMs = performance.now() - asked;
		console.log(`first picture of a channel on demand: ${answeredMs.toFixed(0)} ms after the GET`);
		expect(answeredMs).toBeLessThan(START_TIMEOUT_MS);
		await first.until(({ units }) => units.length > 6);
		expect(first.units[0]!.size).toBe(TINY_SIZES.low);
		const encoder = await encoderOf("signal");
		expect(childrenOf(penstock.process.pid)).toContainEqual(expect.objectContaining({ pid: encoder }));

		first.viewer.close();
		const left = performance.now();
		await eventually(async () => expect(tools()).toBe(0), IDLE_MS + 10_000);
		expect(performance.now() - left).toBeGreaterThan(IDLE_MS - 100);
		expect(await penstock.channel("live/signal")).toMatchObject({ state: "stopped", live: false });

		const second = await watch("signal");
		await second.until(({ units }) => units.length > 6);
		second.viewer.close();
		for (const recording of [first, second]) await expectGood(recording);
		const stepMs = second.units[0]!.timeMs - first.units.at(-1)!.timeMs;
		const wallMs = second.units[0]!.at - first.units.at(-1)!.at;
		// Not to the millisecond: the encoder runs from its own start, and a unit is whole.
		expect(stepMs).toBeGreaterThan(0);
		expect(Math.abs(stepMs - wallMs)).toBeLessThan(1500 + TINY_UNIT_MS);
	});

	test("keeps its encoder for a viewer who comes within idleMs", async () => {
		const first = await watch("signal");
		const encoder = await encoderOf("signal");
		first.viewer.close();
		await eventually(async () => expect((await penstock.channel("live/signal")).viewers).toBe(0));
		const second = await watch("signal");
		await second.until(({ units }) => units.length > (2 * IDLE_MS) / TINY_UNIT_MS);
		expect(await encoderOf("signal")).toBe(encoder);
		second.viewer.close();
	});

	test("gives everybody a picture, however hastily they come and go", async () => {
		let last = -1;
		for (let round = 0; round < 6; round++) {
			const recording = await watch("hasty");
			await recording.until(({ units }) => units.length > round % 3);
			recording.viewer.close();
			expect(recording.units[0]!.size).toBe(TINY_SIZES.low);
			expect(recording.units[0]!.timeMs).toBeGreaterThanOrEqual(last);
			last = recording.units.at(-1)!.timeMs;
		}
	});

	test("stops when the one who waits for it leaves before there is a picture", async () => {
		const waiting = new RawConnection(penstock.http).write("GET /live/silent.ts HTTP/1.1\r\nHost: a\r\n\r\n");
		await eventually(async () => expect((await penstock.channel("live/silent")).state).toBe("starting"));
		waiting.destroy();
		await eventually(async () => expect((await penstock.channel("live/silent")).state).toBe("stopped"));
	});

	test("whose source cannot be opened answers 503 with the reason and when to come again", async () => {
		const asked = performance.now();
		const request = "GET /live/gone.ts HTTP/1.1\r\nHost: a\r\n\r\n";
		const refused = await refusalOf(penstock.http, request, 2 * START_TIMEOUT_MS);
		expect(refused).toMatchObject({
			status: 503,
			headers: expect.objectContaining({ "retry-after": expect.stringMatching(/^\d+$/) }),
			message: expect.stringMatching(/SOURCE_UNREACHABLE: .*127\.0\.0\.1:\d+.*refused/),
		});
		expect(performance.now() - asked).toBeLessThan(START_TIMEOUT_MS + 2000);
		await eventually(async () => expect((await penstock.channel("live/gone")).state).toBe("stopped"));
	});

	test("leaves no process behind when nobody watches any of them", async () => {
		await eventually(async () => expect(tools()).toBe(0));
	});
});
