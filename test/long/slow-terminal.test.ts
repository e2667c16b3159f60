/**
 * Viewers whose terminals cannot take what their networks could (S6): told by reports, or by a receive window that holds
 * the server back (S11). All on loopback, whose bandwidth is beyond question.
 */
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ViewerSnapshot } from "../../src/server/api-model.ts";
import { eventually } from "../kit/eventually.ts";
import { type HttpViewer, openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { SteadyReporter, sessionOf } from "../kit/reporting.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

let penstock: Penstock;
const endings: (() => void)[] = [];

beforeAll(async () => {
	penstock = await startPenstock({
		channels: { signal: TINY_CHANNEL, wide: { source: { test: {} }, unitMs: 500 } },
		server: { underDuress: "ignore" },
		switching: { policy: "adaptive" },
	});
});
afterEach(() => {
	for (const end of endings.splice(0)) end();
});
afterAll(() => penstock.stop());

/** A viewer that has been led up to the best rendition, as its network allows. */
async function watchHigh(): Promise<HttpViewer> {
	const viewer = await openViewer(`${penstock.http}/live/signal.ts`, { onChunk: () => undefined });
	endings.push(() => viewer.close());
	await until(viewer, ({ rendition }) => rendition === "high");
	return viewer;
}

const snapshot = (viewer: HttpViewer): Promise<ViewerSnapshot> => penstock.viewer(viewer.headers["penstock-viewer"]!);

function until(viewer: HttpViewer, is: (now: ViewerSnapshot) => boolean): Promise<ViewerSnapshot> {
	return eventually(async () => {
		const now = await snapshot(viewer);
		if (!is(now)) throw new Error(`${now.rendition}, ${JSON.stringify(now.decision)}`);
		return now;
	}, 60_000);
}

function reporterOf(viewer: HttpViewer): SteadyReporter {
	const reporter = new SteadyReporter(penstock.http, "status", sessionOf(viewer), 300);
	endings.push(() => reporter.stop());
	return reporter;
}

/** The network is the loopback of a machine with other work to do: it may fall first, and then nothing is learnt. */
const ASKED_AGAIN = { retry: 2 };

test(
	"a decoder that drops frames is held below the best within three units, though its network would do",
	ASKED_AGAIN,
	async () => {
		const viewer = await watchHigh();
		const reporter = reporterOf(viewer);
		// It has had the rendition for long enough to be judged by what it does with it.
		const { unit: risenIn = 0 } = await snapshot(viewer);
		await until(viewer, ({ unit = 0 }) => unit > risenIn + 6);
		await reporter.say({ droppedFrames: 0, shownFrames: 100 });
		await reporter.say({ droppedFrames: 20, shownFrames: 140 });
		const { unit: toldIn = 0 } = await snapshot(viewer);
		const fallen = await until(viewer, ({ rendition }) => rendition !== "high");
		const [fall] = fallen.lastSwitches.slice(-1);
		expect(fall).toMatchObject({ from: "high", to: "mid", because: { cause: "terminal" } });
		expect(fall!.unit - toldIn).toBeLessThanOrEqual(3);
		// It drops nothing any more, and its network is as wide as before.
		reporter.figures = { droppedFrames: 20, shownFrames: 200 };
		const later = await until(viewer, ({ unit = 0 }) => unit > fall!.unit + 20);
		expect(later).toMatchObject({ rendition: "mid", decision: { kind: "hold", cause: "terminal" } });
		expect(later.network!.capacityBps! / 1e6).toBeGreaterThan(1);
	},
);

test("a hidden tab goes to the lowest, and comes back when it is looked at again", async () => {
	const viewer = await watchHigh();
	const reporter = reporterOf(viewer);
	await reporter.say({ hidden: true });
	const hidden = await until(viewer, ({ rendition }) => rendition === "low");
	expect(hidden.lastSwitches.at(-1)!.because).toEqual({ cause: "terminal", text: "nobody looks" });
	await reporter.say({ hidden: false });
	const moved = await until(viewer, ({ rendition }) => rendition !== "low");
	expect(moved.lastSwitches.at(-1)!.because.cause).toBe("network");
});

/** Reads no faster than so many bytes a second, into a receive buffer that soon is full. */
function readSlowly(
	path: string,
	bytesPerSecond: number,
): { readonly socket: Socket; readonly viewer: Promise<string> } {
	const { hostname, port } = new URL(penstock.http);
	const socket = connect({ host: hostname, port: Number(port) });
	socket.write(`GET ${path} HTTP/1.1\r\nHost: test\r\n\r\n`);
	const viewer = new Promise<string>((resolve) => {
		socket.once("data", (data) => resolve(/penstock-viewer: (\S+)/i.exec(data.toString("latin1"))![1]!));
	});
	let taken = 0;
	const start = performance.now();
	socket.on("data", (data) => {
		taken += data.length;
		socket.pause();
		const due = start + (taken / bytesPerSecond) * 1000;
		setTimeout(() => socket.resume(), Math.max(0, due - performance.now()));
	});
	endings.push(() => socket.destroy());
	return { socket, viewer };
}

test("a viewer that reports nothing and hardly reads is led down, and its terminal is taken for busy", async () => {
	const id = await readSlowly("/live/wide.ts?rendition=high", 20_000).viewer;
	await penstock.call("PUT", `/api/v1/viewers/${id}/rendition`, { rendition: "auto" });
	const fallen = await eventually(async () => {
		const now = await penstock.viewer(id);
		if (now.rendition !== "lowest" || now.emulated!.cpuIdle!.value > 0.7) throw new Error(JSON.stringify(now));
		return now;
	}, 60_000);
	expect(fallen.emulated!.memoryUsed!.value).toBeGreaterThan(0.3);
	expect(fallen.figures).toEqual({});
});
