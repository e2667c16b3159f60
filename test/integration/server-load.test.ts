/**
 * The server's own capability (the design's fourth parameter), end to end: all cores are kept busy by real processes,
 * climbs stop, then the best rendition is withdrawn from everybody, and when the cores are free again all is as before.
 * The bounds are set so that only these processes, and not other tests on the same machine, can be what is seen.
 */
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decisionList, health } from "../../src/server/api-model.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { type RunningProcess, startProcess } from "../kit/processes.ts";
import { type Recording, record } from "../kit/recording.ts";
import { TINY_CHANNEL, TINY_SIZES } from "../kit/tiny-ladder.ts";

/** Others may use the cores as well; that nothing comes at all within ten minutes is a fault. */
const PATIENCE_MS = 600_000;

/** Idle for less than a tick or two of a second: that is so with the busy processes, and hardly ever without. */
const SERVER = {
	limits: { minCpuIdle: 0.008, maxMemoryUsed: 1, maxEventLoopDelayMs: "10s", minEncoderSpeed: 0 },
	recovery: { minCpuIdle: 0.01, maxMemoryUsed: 1, maxEventLoopDelayMs: "10s", minEncoderSpeed: 0 },
	shedCpuIdle: 0.008,
	shedCpuIdleAfterMs: "6s",
	shedAfterMs: "6s",
	recoverAfterMs: "1s",
	minStayMs: "2s",
};

const burn = (): RunningProcess[] =>
	Array.from({ length: 2 * availableParallelism() }, () => startProcess(process.execPath, ["-e", "for (;;);"]));

/** Watches until the viewer is closed, and takes whatever comes. */
async function watch({ http }: Penstock, query = ""): Promise<Recording> {
	const recording = await record(`${http}/live/signal.ts${query}`);
	// When it is closed, what has been asked for by then is refused.
	void recording.until(() => false).catch(() => {});
	return recording;
}

describe("a server whose cores are all busy", { timeout: 3 * PATIENCE_MS }, () => {
	let penstock: Penstock;
	let busy: RunningProcess[] = [];
	/** Leaves its rendition to the policy; wishes for the best; comes when climbs are frozen. */
	let led: Recording;
	let wishing: Recording;
	let late: Recording;

	const duress = (): Promise<number> => penstock.metric("penstock_server_duress");
	const renditionOf = async ({ id }: Recording): Promise<string> => (await penstock.viewer(id)).rendition;
	const isIn = (recording: Recording, rendition: string): Promise<void> =>
		eventually(async () => expect(await renditionOf(recording)).toBe(rendition), PATIENCE_MS);

	beforeAll(async () => {
		penstock = await startPenstock({
			server: SERVER,
			switching: { policy: "fixed", fixed: { rendition: "high" } },
			channels: { signal: TINY_CHANNEL },
		});
	});
	afterAll(async () => {
		for (const one of busy) one.kill("SIGKILL");
		await penstock.stop();
	});

	test("leads everybody up as long as it bears it", async () => {
		await eventually(async () => expect(await duress()).toBe(0), PATIENCE_MS);
		[led, wishing] = [await watch(penstock), await watch(penstock, "?rendition=high")];
		await isIn(led, "high");
		expect((await penstock.viewer(led.id)).lastSwitches.at(-1)).toMatchObject({
			to: "high",
			because: { cause: "policy" },
		});
		expect(await renditionOf(wishing)).toBe("high");
	});

	test("leads nobody up any more, and says why", async () => {
		busy = burn();
		await eventually(async () => expect(await duress()).toBeGreaterThanOrEqual(1), PATIENCE_MS);
		late = await watch(penstock);
		const held = await eventually(async () => {
			const { body } = await penstock.call("GET", `/api/v1/viewers/${late.id}/decisions`);
			const { decisions } = decisionList.parse(body);
			const found = decisions.find(({ cause }) => cause === "server");
			expect(found).toBeDefined();
			return found!;
		}, PATIENCE_MS);
		expect(held).toMatchObject({
			kind: "hold",
			current: "low",
			text: expect.stringMatching(/^no climb to "high" now: /),
		});
		const { cpuIdle, duress: level } = held.inputs.server;
		expect(level?.text).toMatch(/the server's CPU is .* % idle, less than 0.8 %/);
		expect(cpuIdle).toBeDefined();
		expect(await penstock.metric("penstock_decisions_total", { kind: "hold", cause: "server" })).toBeGreaterThan(0);
		const { troubles } = health.parse((await penstock.call("GET", "/healthz")).body);
		expect(troubles).toEqual([expect.stringMatching(/^the server is under duress \((freeze|shed)\): /)]);
	});

	test("then takes everybody off the best rendition, whoever wished for it", async () => {
		await eventually(async () => expect(await duress()).toBe(2), PATIENCE_MS);
		await isIn(led, "mid");
		await isIn(wishing, "mid");
		for (const { id } of [led, wishing]) {
			expect((await penstock.viewer(id)).lastSwitches.at(-1)).toMatchObject({
				...{ from: "high", to: "mid" },
				because: { cause: "server", text: expect.stringMatching(/^"high" is withdrawn from everybody now: /) },
			});
		}
		expect(await renditionOf(late)).toBe("low");
		expect(await penstock.metric("penstock_switches_total", { direction: "down", cause: "server" })).toBe(2);
	});

	test("and gives everything back when the cores are free again", async () => {
		for (const one of busy) one.kill("SIGKILL");
		await Promise.all(busy.map(({ exited }) => exited));
		await eventually(async () => expect(await duress()).toBe(0), PATIENCE_MS);
		for (const recording of [led, wishing, late]) await isIn(recording, "high");
		await eventually(async () => expect(late.units.at(-1)?.size).toBe(TINY_SIZES.high));
		const told = penstock.log.map(({ msg }) => String(msg));
		for (const line of [
			/^nobody is switched up: the server's CPU is /,
			/^the best rendition is withdrawn from everybody: the server's CPU is /,
			/^the server bears all renditions again$/,
		]) {
			expect(told).toContainEqual(expect.stringMatching(line));
		}
		for (const { viewer } of [led, wishing, late]) viewer.close();
	});
});

describe("a server that sends more than its network takes", () => {
	const NO_LIMIT = { minCpuIdle: 0, maxMemoryUsed: 1, maxEventLoopDelayMs: "10s", minEncoderSpeed: 0 };

	test("takes the best rendition back until some have left", { timeout: 180_000 }, async () => {
		const penstock = await startPenstock({
			server: {
				...{ maxEgressBps: 1_200_000, limits: NO_LIMIT, recovery: NO_LIMIT, shedCpuIdle: 0 },
				...{ shedAfterMs: "1s", recoverAfterMs: "2s", minStayMs: "2s" },
			},
			switching: { policy: "fixed", fixed: { rendition: "high" } },
			channels: { signal: TINY_CHANNEL },
		});
		const duress = (): Promise<number> => penstock.metric("penstock_server_duress");
		const first = await watch(penstock);
		const renditionIs = (rendition: string): Promise<void> =>
			eventually(async () => expect((await penstock.viewer(first.id)).rendition).toBe(rendition), 60_000);
		await renditionIs("high");

		const others = await Promise.all(Array.from({ length: 6 }, () => watch(penstock)));
		await eventually(async () => expect(await duress()).toBe(2), 60_000);
		expect(await penstock.metric("penstock_egress_bps")).toBeGreaterThan(900_000);
		await renditionIs("mid");
		expect((await penstock.viewer(first.id)).lastSwitches.at(-1)).toMatchObject({
			...{ from: "high", to: "mid" },
			because: {
				cause: "server",
				text: expect.stringMatching(/the server sends .* Mbit\/s, more than 90 % of 1.2 Mbit\/s$/),
			},
		});

		for (const { viewer } of others) viewer.close();
		await eventually(async () => expect(await duress()).toBe(0), 60_000);
		await renditionIs("high");
		expect((await penstock.viewer(first.id)).lastSwitches.at(-1)).toMatchObject({
			from: "mid",
			because: { cause: "policy" },
		});
		first.viewer.close();
		await penstock.stop();
	});
});
