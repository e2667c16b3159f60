/**
 * Players on the live URL (S1, S8): four that know nothing of this house watch at the same time over HTTP, the server
 * switches each of them at every unit, and each sees every frame once, in order, and has nothing to complain of.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { runToEnd } from "../kit/processes.ts";
import { type Recording, record } from "../kit/recording.ts";
import {
	BAR_FILTERS,
	BAR_HEIGHT,
	BAR_WIDTH,
	expectEveryFrameOnce,
	GrayFrames,
	readCounters,
	type Verdict,
	verdictOf,
} from "../kit/signal-reader.ts";
import { NO_TS_FAULTS, TINY_CHANNEL, TINY_LADDER } from "../kit/tiny-ladder.ts";
import { gstreamerDecode, mpvDecode, VLC_KEEPS_LAST, vlcDecode } from "../kit/witnesses.ts";

const NAMES: readonly string[] = TINY_LADDER.map(({ name }) => name);
const FFMPEG_SECONDS = 8;
/** Units of 250 ms from when all are there until the server is told to end. */
const UNITS = 48;

/**
 * FFmpeg leaves by itself after some seconds of the programme. The limit is on its output: one on its input would be
 * counted anew at every change of the picture's size.
 */
async function ffmpegDecode(url: string, seconds: number): Promise<Verdict> {
	const frames = new GrayFrames(BAR_WIDTH, BAR_HEIGHT, 1);
	const args = ["-hide_banner", "-v", "warning", "-nostdin", "-i", url, "-map", "0:v:0", "-t", String(seconds)];
	args.push("-fps_mode", "passthrough", "-vf", BAR_FILTERS, "-f", "rawvideo", "pipe:1");
	const ended = await runToEnd("ffmpeg", args, { onStdout: (bytes) => frames.push(bytes) });
	return verdictOf(ended, frames.readings, ended.stderr.split("\n"));
}

/** Asks for another rendition for everybody who watches, at the start of every unit that the pace-maker gets. */
class Switcher {
	readonly #penstock: Penstock;
	readonly pace: Recording;
	#round = 0;

	private constructor(penstock: Penstock, pace: Recording) {
		this.#penstock = penstock;
		this.pace = pace;
	}

	static async start(penstock: Penstock): Promise<Switcher> {
		const switcher: Switcher = new Switcher(
			penstock,
			// The API goes when the server is drained, and a request that was on its way with it.
			await record(`${penstock.http}/live/signal.ts`, () => void switcher.#askAll().catch(() => undefined)),
		);
		return switcher;
	}

	async #askAll(): Promise<void> {
		const rendition = NAMES[this.#round++ % NAMES.length];
		const { body } = await this.#penstock.call("GET", "/api/v1/viewers");
		const { viewers } = body as { viewers: readonly { id: string }[] };
		await Promise.all(
			viewers.map(({ id }) => this.#penstock.call("PUT", `/api/v1/viewers/${id}/rendition`, { rendition })),
		);
	}
}

describe("players on the live URL, switched at every unit until the server is drained", () => {
	let penstock: Penstock;
	let pace: Recording;
	const seen: Record<string, Verdict> = {};
	let switches: Record<string, number> = {};

	beforeAll(async () => {
		penstock = await startPenstock({ channels: { signal: TINY_CHANNEL } });
		const url = `${penstock.http}/live/signal.ts`;
		const switcher = await Switcher.start(penstock);
		pace = switcher.pace;
		const paced = pace.until(() => false);
		const watching = Promise.all([
			ffmpegDecode(url, FFMPEG_SECONDS).then((verdict) => (seen["ffmpeg"] = verdict)),
			gstreamerDecode(url).then((verdict) => (seen["gstreamer"] = verdict)),
			mpvDecode(url).then((verdict) => (seen["mpv"] = verdict)),
			vlcDecode(url).then((verdict) => (seen["vlc"] = verdict)),
		]);
		await eventually(async () => expect(await penstock.metric("penstock_viewers")).toBe(5), 30_000);
		const from = pace.units.length;
		await eventually(async () => expect(pace.units.length).toBeGreaterThan(from + UNITS), 30_000);
		await eventually(async () => expect(await penstock.metric("penstock_viewers")).toBe(4), 30_000);
		const { body } = await penstock.call("GET", "/api/v1/viewers");
		const { viewers } = body as { viewers: readonly { userAgent: string; switches: number }[] };
		switches = Object.fromEntries(viewers.map((viewer) => [viewer.userAgent, viewer.switches]));
		penstock.process.kill("SIGTERM");
		await Promise.all([watching, paced]);
	}, 120_000);

	test("the server ended in good order, and no one was moved forward or cut off", async () => {
		expect(await penstock.process.exited).toEqual({ code: 0, signal: null });
		expect(await pace.viewer.ended).toEqual({ kind: "complete" });
		const left = penstock.log.filter((line) => line["msg"] === "viewer left");
		expect(left.map(({ reason }) => String(reason)).sort()).toEqual([
			"closed",
			"drained",
			"drained",
			"drained",
			"drained",
		]);
		expect(penstock.log.filter((line) => line["msg"] === "viewer moved to the newest unit")).toEqual([]);
		expect(pace.counts).toMatchObject(NO_TS_FAULTS);
		console.info("switches of those who stayed:", JSON.stringify(switches));
		for (const count of Object.values(switches)) expect(count).toBeGreaterThan(UNITS * 0.8);
	});

	test("FFmpeg decodes every frame of its 8 s once and in order, and says nothing", () => {
		const { counters, warnings } = seen["ffmpeg"]!;
		expectEveryFrameOnce(counters);
		expect(counters.length).toBe(FFMPEG_SECONDS * 30);
		expect(warnings).toEqual([]);
	});

	test.each(["gstreamer", "mpv"])(
		"%s sees every frame until the end once and in order, without a warning",
		async (name) => {
			const { counters, warnings } = seen[name]!;
			const all = (await readCounters(pace.save())).counters;
			expectEveryFrameOnce(counters, { to: all.at(-1)!.counter });
			expect(counters.length).toBeGreaterThan(UNITS * 7);
			expect(warnings).toEqual([]);
		},
	);

	test("VLC sees every frame until the end once and in order, without a warning", async () => {
		const { counters, warnings } = seen["vlc"]!;
		const all = (await readCounters(pace.save())).counters;
		expectEveryFrameOnce(counters);
		expect(all.at(-1)!.counter - counters.at(-1)!.counter).toBeLessThanOrEqual(VLC_KEEPS_LAST);
		expect(counters.length).toBeGreaterThan(UNITS * 7);
		expect(warnings).toEqual([]);
	});

	test("the pace-maker, switched as often, got every frame once", async () => {
		const { counters, warnings } = await readCounters(pace.save());
		expectEveryFrameOnce(counters);
		expect(warnings).toEqual([]);
		expect(pace.sizeChanges).toBeGreaterThan(UNITS * 0.8);
	});
});
