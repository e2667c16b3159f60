/**
 * The end of a server: SIGTERM lets each viewer have its unit whole, waits for nobody longer than `delivery.drainMs`,
 * and leaves no encoder behind. (FFmpeg leads a process group of its own, so that the kit, which ends a server's whole
 * group with it, does not hide one that the server left.)
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { onCleanup } from "../kit/cleanup.ts";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { type ConfigFile, type Penstock, startPenstock } from "../kit/penstock.ts";
import { childrenOf } from "../kit/process-table.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { NO_TS_FAULTS, stepsBack, TINY_CHANNEL, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

const PATH = "/live/signal.ts";
const FRAME_MS = 1000 / 30;
/** For FFmpeg to end and the process to leave, on a busy machine. */
const SLACK_MS = 3000;

const start = (delivery: ConfigFile, channels: ConfigFile = {}): Promise<Penstock> =>
	startPenstock({
		delivery,
		channels: { signal: TINY_CHANNEL, ...channels },
	});

async function encoderOf(penstock: Penstock): Promise<number> {
	const { ladder } = await penstock.channel("live/signal");
	const pid = ladder.pid!;
	expect(childrenOf(penstock.process.pid).map((child) => child.pid)).toContain(pid);
	onCleanup(() => isRunning(pid) && process.kill(pid, "SIGKILL"));
	return pid;
}

function isRunning(pid: number): boolean {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		return stat.includes("(ffmpeg)") && !/\) Z /.test(stat);
	} catch {
		return false;
	}
}

/** Sends SIGTERM; resolves when the server says that it drains. */
async function drain({ process: server }: Penstock): Promise<number> {
	const at = performance.now();
	server.kill("SIGTERM");
	await server.waitForLine(/"msg":"draining"/);
	return at;
}

/** A viewer that takes nothing more, as the server sees it. */
async function openStopped(penstock: Penstock): Promise<Awaited<ReturnType<typeof openViewer>>> {
	const viewer = await openViewer(`${penstock.http}${PATH}?rendition=high`);
	viewer.pause();
	const id = viewer.headers["penstock-viewer"]!;
	await eventually(async () => expect((await penstock.viewer(id)).lagMs).toBeGreaterThan(2 * TINY_UNIT_MS), 60_000);
	return viewer;
}

/** The response is complete by its own account, and so is its last unit. */
async function expectWhole(recording: Recording): Promise<void> {
	expect(await recording.viewer.ended).toEqual({ kind: "complete" });
	expect(recording.counts).toMatchObject(NO_TS_FAULTS);
	expect(stepsBack(recording)).toEqual([]);
	const { accessUnits, units } = recording;
	const lastPictureMs = accessUnits.findLast(({ track }) => track === "video")!.pts / 90;
	const lastUnitMs = units.at(-1)!.timeMs;
	// The IDR of the next unit would have been the next picture.
	expect(Math.abs(lastPictureMs + FRAME_MS - lastUnitMs - TINY_UNIT_MS)).toBeLessThan(FRAME_MS);
	const { counters, warnings } = await readCounters(recording.save());
	expect(warnings).toEqual([]);
	expectEveryFrameOnce(counters);
	expect(counters).toHaveLength(accessUnits.filter(({ track }) => track === "video").length);
}

test("Ctrl-C, which signals the whole process group, lets viewers end at the end of their unit, too", async () => {
	const penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
	const recording = await record(`${penstock.http}/live/signal.ts`);
	await recording.until(({ units }) => units.length > 2);
	process.kill(-penstock.process.pid, "SIGINT");
	await recording.until(() => false);
	await expectWhole(recording);
	expect(await penstock.process.exited).toEqual({ code: 0, signal: null });
	expect(penstock.process.stdout).not.toContain('"component":"ffmpeg"');
});

describe("SIGTERM", () => {
	test("ends each response at the end of its unit, refuses who comes, and leaves with 0 and no encoder", async () => {
		const drainMs = 8000;
		const penstock = await start({ drainMs });
		const encoder = await encoderOf(penstock);
		const recordings = await Promise.all(
			["high", "mid", "low", "auto"].map((name) => record(`${penstock.http}${PATH}?rendition=${name}`)),
		);
		await Promise.all(recordings.map((recording) => recording.until(({ units }) => units.length > 3)));
		const late = new RawConnection(penstock.http).write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n`);
		await eventually(async () => expect(await penstock.metric("penstock_viewers")).toBe(4));

		const at = await drain(penstock);
		late.write("\r\n");
		await Promise.all([
			expect(late.refusal()).resolves.toMatchObject({
				status: 503,
				code: "CHANNEL_NOT_READY",
				message: expect.stringContaining("the server is shutting down"),
				headers: expect.objectContaining({ "retry-after": "5", connection: "close" }),
			}),
			expect(openViewer(`${penstock.http}${PATH}`)).rejects.toThrow(/ECONNREFUSED/),
		]);
		for (const recording of recordings) await recording.until(() => false);
		expect(await penstock.process.exited).toEqual({ code: 0, signal: null });
		expect(performance.now() - at).toBeLessThan(drainMs);
		expect(isRunning(encoder)).toBe(false);
		for (const recording of recordings) await expectWhole(recording);
		expect(penstock.log.filter(({ msg, reason }) => msg === "viewer left" && reason === "drained")).toHaveLength(4);
	});

	test("cuts who does not read at the deadline, while who reads ended in good order long before", async () => {
		const drainMs = 3000;
		const penstock = await start({ drainMs });
		const encoder = await encoderOf(penstock);
		const stopped = await openStopped(penstock);
		const recording = await record(`${penstock.http}${PATH}`);
		await recording.until(({ units }) => units.length > 1);

		const at = await drain(penstock);
		await recording.until(() => false);
		const readerMs = performance.now() - at;
		expect(await penstock.process.exited).toEqual({ code: 0, signal: null });
		const serverMs = performance.now() - at;
		expect(readerMs).toBeLessThan(drainMs / 2);
		expect(serverMs).toBeGreaterThan(drainMs);
		expect(serverMs).toBeLessThan(drainMs + SLACK_MS);
		expect(isRunning(encoder)).toBe(false);
		await expectWhole(recording);
		stopped.resume();
		expect((await stopped.ended).kind).toBe("cut");
		expect(penstock.log).toContainEqual(expect.objectContaining({ msg: "viewer left", reason: "deadline" }));
	});

	test("tells who still waits for a picture, at once", async () => {
		// Nobody ever sends to this address.
		const silent = { source: "udp://127.0.0.1:9", onDemand: true, renditions: TINY_CHANNEL.renditions };
		const penstock = await start({ drainMs: 60_000, startTimeoutMs: 60_000 }, { silent });
		const waiting = new RawConnection(penstock.http).write("GET /live/silent.ts HTTP/1.1\r\nHost: a\r\n\r\n");
		await eventually(async () => expect((await penstock.channel("live/silent")).state).not.toBe("stopped"));
		const at = await drain(penstock);
		expect(await waiting.refusal()).toMatchObject({
			status: 503,
			message: "CHANNEL_NOT_READY: live/silent: the server is shutting down; try another.",
		});
		expect(await penstock.process.exited).toEqual({ code: 0, signal: null });
		expect(performance.now() - at).toBeLessThan(10_000);
	});
});

describe("an end without waiting", () => {
	test("the second SIGTERM ends the server at once with 143, and the encoder goes, too", async () => {
		const penstock = await start({ drainMs: 60_000 });
		const encoder = await encoderOf(penstock);
		await openStopped(penstock);
		await drain(penstock);
		const at = performance.now();
		penstock.process.kill("SIGTERM");
		expect(await penstock.process.exited).toEqual({ code: 143, signal: null });
		expect(performance.now() - at).toBeLessThan(SLACK_MS);
		await eventually(async () => expect(isRunning(encoder)).toBe(false));
	});

	test("nor does an encoder outlive a server that is killed", async () => {
		const penstock = await start({});
		const encoder = await encoderOf(penstock);
		penstock.process.kill("SIGKILL");
		expect(await penstock.process.exited).toEqual({ code: null, signal: "SIGKILL" });
		await eventually(async () => expect(isRunning(encoder)).toBe(false));
	});
});
