/**
 * The design's own policy, end to end (S6, S7): a viewer's figures and the server's own capability move it up and down
 * at the ends of units, a wish comes before them, and every reason can be read in the API, the log and the metrics.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { NO_TS_FAULTS, TINY_CHANNEL, TINY_SIZES } from "../kit/tiny-ladder.ts";

/** What the design asks of a viewer for its high rate; mid is far out of reach of 1 Mbit/s as well. */
const CLIMBS = [
	{ rendition: "high", minBandwidthBps: "10M", minViewerCpuIdle: 0.9, maxViewerMemoryUsed: 0.5 },
	{ rendition: "mid", minBandwidthBps: "5M", minViewerCpuIdle: 0.9, maxViewerMemoryUsed: 0.5 },
];
const GOOD_FIGURES = { bandwidthBps: 12_000_000, cpuIdle: 0.95, memoryUsed: 0.3 };

const start = (minServerCpuIdle: number): Promise<Penstock> =>
	startPenstock({
		channels: { signal: TINY_CHANNEL },
		switching: { policy: "threshold", threshold: { minServerCpuIdle, climbs: CLIMBS } },
	});

/** Records until two units of this rendition have come, 60 units at most. */
async function untilRendition(recording: Recording, rendition: keyof typeof TINY_SIZES): Promise<void> {
	const from = recording.units.length;
	const size = TINY_SIZES[rendition];
	await recording.until(({ units }) => {
		const isThere = units.length > from + 1 && units.slice(-2).every((unit) => unit.size === size);
		return isThere || units.length >= from + 60;
	});
	expect(recording.units.at(-1)!.size).toBe(size);
}

describe("the threshold policy while the server has room", () => {
	let penstock: Penstock;
	let recording: Recording;
	/** Switches of the viewer that says nothing. */
	let before = { up: 0, down: 0 };
	const put = async (what: "figures" | "rendition", body: object): Promise<void> => {
		const { status } = await penstock.call("PUT", `/api/v1/viewers/${recording.id}/${what}`, body);
		expect(status).toBeLessThan(300);
	};
	const lastSwitch = async () => (await penstock.viewer(recording.id)).lastSwitches.at(-1)!;
	const switches = (direction: string, cause: string): Promise<number> =>
		penstock.metric("penstock_switches_total", { direction, cause });

	beforeAll(async () => {
		penstock = await start(0);
		recording = await record(`${penstock.http}/live/signal.ts?rendition=low`);
		await put("figures", { bandwidthBps: 1_000_000 });
		await put("rendition", { rendition: "auto" });
	});
	afterAll(() => penstock.stop());

	test("a viewer that says nothing is led by what its connection shows (S11)", async () => {
		const silent = await record(`${penstock.http}/live/signal.ts`);
		await untilRendition(silent, "high");
		const { lastSwitches, figures, emulated } = await penstock.viewer(silent.id);
		silent.viewer.close();
		before = { up: await switches("up", "network"), down: await switches("down", "network") };
		expect(lastSwitches.at(-1)).toMatchObject({ to: "high", because: { cause: "network" } });
		expect(figures).toEqual({});
		expect(emulated).toMatchObject({ cpuIdle: { value: 1, source: "emulated" }, memoryUsed: { value: 0 } });
	});

	test("it stays in low as long as its bandwidth is 1 Mbit/s", async () => {
		await recording.until(({ units }) => units.length >= 8);
		expect(new Set(recording.units.map(({ size }) => size))).toEqual(new Set([TINY_SIZES.low]));
		expect(await penstock.viewer(recording.id)).toMatchObject({ rendition: "low", switches: 0 });
	});

	test("12 Mbit/s, CPU 95 % idle, memory 30 % used: up to high, in one step, for the network's sake", async () => {
		await put("figures", GOOD_FIGURES);
		await untilRendition(recording, "high");
		expect(await lastSwitch()).toMatchObject({
			from: "low",
			to: "high",
			because: { cause: "network", text: expect.stringContaining("12.00 Mbit/s, CPU 95 % idle, memory 30 % used") },
		});
		expect(await penstock.viewer(recording.id)).toMatchObject({
			rendition: "high",
			wish: "auto",
			switches: 1,
			figures: { bandwidthBps: { value: 12_000_000, source: "api" }, cpuIdle: { value: 0.95 } },
		});
		expect(await switches("up", "network")).toBe(1 + before.up);
	});

	test("1 Mbit/s: down to low, in one step", async () => {
		await put("figures", { bandwidthBps: 1_000_000 });
		await untilRendition(recording, "low");
		expect(await lastSwitch()).toMatchObject({
			from: "high",
			to: "low",
			because: { cause: "network", text: expect.stringContaining("bandwidth 1.00 Mbit/s < 10.00 Mbit/s") },
		});
		expect(await switches("down", "network")).toBe(1 + before.down);
	});

	test("a viewer whose CPU is busy or whose memory is full is moved down too, for the terminal's sake", async () => {
		await put("figures", GOOD_FIGURES);
		await untilRendition(recording, "high");
		await put("figures", { cpuIdle: 0.5 });
		await untilRendition(recording, "low");
		expect((await lastSwitch()).because).toMatchObject({ cause: "terminal", text: expect.stringMatching(/CPU 50 %/) });
		await put("figures", GOOD_FIGURES);
		await untilRendition(recording, "high");
		await put("figures", { memoryUsed: 0.5 });
		await untilRendition(recording, "low");
		expect((await lastSwitch()).because).toMatchObject({
			cause: "terminal",
			text: expect.stringMatching(/memory 50 %/),
		});
		expect(await switches("down", "terminal")).toBe(2);
	});

	test("a wish beats the figures, and auto gives the choice back", async () => {
		await put("rendition", { rendition: "mid" });
		await untilRendition(recording, "mid");
		expect((await lastSwitch()).because).toEqual({ cause: "wish", text: '"mid" was asked for' });
		await put("figures", GOOD_FIGURES);
		const from = recording.units.length;
		await recording.until(({ units }) => units.length >= from + 8);
		expect(new Set(recording.units.slice(from).map(({ size }) => size))).toEqual(new Set([TINY_SIZES.mid]));
		await put("rendition", { rendition: "auto" });
		await untilRendition(recording, "high");
		expect(await lastSwitch()).toMatchObject({ from: "mid", to: "high", because: { cause: "network" } });
		expect(await switches("up", "wish")).toBe(1);
		expect(await switches("up", "network")).toBe(4 + before.up);
	});

	test("every switch was at the end of a unit, is in the log with its reason, and cost no frame", async () => {
		const { switches: count, lastSwitches } = await penstock.viewer(recording.id);
		recording.viewer.close();
		expect(count).toBe(8);
		expect(recording.sizeChanges).toBe(8);
		const lines = penstock.log.filter(
			(line) => String(line["msg"]).startsWith("switched: ") && line["viewer"] === recording.id,
		);
		expect(lines.map(({ unit, from, to, cause }) => ({ unit, from, to, cause }))).toEqual(
			lastSwitches.map(({ unit, from, to, because }) => ({ unit, from, to, cause: because.cause })),
		);
		const { counters, warnings } = await readCounters(recording.save());
		expectEveryFrameOnce(counters);
		expect(warnings).toEqual([]);
		expect(recording.counts).toMatchObject(NO_TS_FAULTS);
	});
});

describe("the threshold policy while the server's CPU may never be called idle enough", () => {
	test("nobody climbs, whatever the viewer has; a step down and a wish need no capability", async () => {
		const penstock = await start(1);
		const recording = await record(`${penstock.http}/live/signal.ts`);
		const put = (what: string, body: object) => penstock.call("PUT", `/api/v1/viewers/${recording.id}/${what}`, body);
		await put("figures", GOOD_FIGURES);
		await recording.until(({ units }) => units.length >= 16);
		expect(new Set(recording.units.map(({ size }) => size))).toEqual(new Set([TINY_SIZES.low]));
		expect(await penstock.viewer(recording.id)).toMatchObject({
			rendition: "low",
			switches: 0,
			figures: { bandwidthBps: { value: 12_000_000 } },
		});
		expect(await penstock.metric("penstock_switches_total")).toBe(0);
		await put("rendition", { rendition: "high" });
		await untilRendition(recording, "high");
		await put("figures", { bandwidthBps: 1_000_000 });
		await put("rendition", { rendition: "auto" });
		await untilRendition(recording, "low");
		expect((await penstock.viewer(recording.id)).lastSwitches.map(({ because }) => because.cause)).toEqual([
			"wish",
			"network",
		]);
		recording.viewer.close();
		await eventually(async () => expect(await penstock.metric("penstock_viewers")).toBe(0));
		await penstock.stop();
	});
});
