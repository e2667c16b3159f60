/**
 * The promise of the whole design (S1, S4, S7, S8): 200 switches at random over three renditions inside one response,
 * and every frame comes once, in order, for everybody's player; and the same behind a plain nginx.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ChannelSnapshot } from "../../src/server/api-model.ts";
import { startNginx } from "../kit/nginx.ts";
import { type Penstock, SMALL_LADDER, SMALL_TEST_SOURCE, startPenstock } from "../kit/penstock.ts";
import { runToEnd } from "../kit/processes.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters, type Verdict } from "../kit/signal-reader.ts";
import { NO_TS_FAULTS } from "../kit/tiny-ladder.ts";
import { ffprobePackets, gstreamerDecode, mpvDecode, VLC_KEEPS_LAST, vlcDecode } from "../kit/witnesses.ts";

const SWITCHES = 200;
const NAMES = SMALL_LADDER.map(({ name }) => name as string);

/** Deterministic, so that a failure comes again: Lehmer's generator. */
function randomSource(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state * 48_271) % 2_147_483_647;
		return state % below;
	};
}

/** Watches until the server has switched so often, and on; asks for another rendition at the start of every unit. */
async function recordSwitching(penstock: Penstock, base: string, seed: number): Promise<Recording> {
	const random = randomSource(seed);
	let wish = "low";
	let enough = false;
	const recording = await record(`${base}/live/signal.ts`, (_, { id }) => {
		if (enough) return;
		const others = NAMES.filter((name) => name !== wish);
		wish = others[random(others.length)]!;
		void penstock.call("PUT", `/api/v1/viewers/${id}/rendition`, { rendition: wish });
	});
	await recording.until(({ sizeChanges }) => sizeChanges > SWITCHES);
	enough = true;
	const { switches } = await penstock.viewer(recording.id);
	expect(switches).toBeGreaterThanOrEqual(SWITCHES);
	return recording;
}

let penstock: Penstock;
let renditions: ChannelSnapshot["renditions"];
const recordings = new Map<string, Recording>();

beforeAll(async () => {
	penstock = await startPenstock({
		channels: { signal: { source: SMALL_TEST_SOURCE, unitMs: 250, renditions: SMALL_LADDER } },
	});
	const proxy = await startNginx(penstock.http);
	const toEnd = async (watching: Promise<Recording>): Promise<Recording> => {
		const recording = await watching;
		whole.push(recording.until(() => false));
		return recording;
	};
	const whole: Promise<Recording>[] = [];
	const [direct, proxied] = await Promise.all([
		toEnd(recordSwitching(penstock, penstock.http, 20_261_121)),
		toEnd(recordSwitching(penstock, proxy, 42)),
	]);
	({ renditions } = await penstock.channel("live/signal"));
	// A proxy's chunks are pieces of ours: only a response that has ended ends with a whole access unit.
	await penstock.stop();
	await Promise.all(whole);
	recordings.set("direct", direct).set("through nginx", proxied);
}, 180_000);
afterAll(() => penstock.stop());

describe.each(["direct", "through nginx"])("200 switches in one response, %s", (way) => {
	let recording: Recording;
	let file: string;
	let seen: Verdict;

	beforeAll(async () => {
		recording = recordings.get(way)!;
		file = recording.save();
		seen = await readCounters(file);
	});

	test("the response is chunked, is not cached and starts with the lowest rendition (S1, S5)", () => {
		const { headers } = recording.viewer;
		expect(headers["content-type"]).toBe("video/mp2t");
		expect(headers["transfer-encoding"]).toBe("chunked");
		expect(headers["cache-control"]).toContain("no-store");
		expect(recording.units[0]?.size).toBe("320x180");
	});

	test("our reader counts no fault of continuity, sync or PES in it", () => {
		expect(recording.counts).toMatchObject(NO_TS_FAULTS);
	});

	test("FFmpeg decodes every frame once and in order, and says nothing", () => {
		expectEveryFrameOnce(seen.counters);
		expect(seen.warnings).toEqual([]);
		expect(seen.counters.length).toBe(recording.accessUnits.filter(({ track }) => track === "video").length);
	});

	test("FFmpeg's demuxer finds no counter that jumps: it says so at its debug level only", async () => {
		const args = ["-hide_banner", "-nostdin", "-v", "debug", "-i", file, "-map", "0", "-c", "copy", "-f", "null", "-"];
		const { stderr, code } = await runToEnd("ffmpeg", args, { keepBytes: 2 ** 26 });
		expect(code).toBe(0);
		expect(stderr).toContain("pid=100");
		expect(stderr.split("\n").filter((line) => line.includes("Continuity check failed"))).toEqual([]);
	});

	test("PTS and DTS rise in both tracks, as ffprobe reads them, and no audio frame is missing", async () => {
		const { packets, warnings } = await ffprobePackets(file);
		expect(warnings).toEqual([]);
		for (const track of ["video", "audio"]) {
			const times = packets.filter((packet) => packet.track === track);
			expect(times.length).toBeGreaterThan(300);
			for (const [index, { pts, dts }] of times.entries()) {
				if (index === 0) continue;
				expect(dts).toBeGreaterThan(times[index - 1]!.dts!);
				expect(pts).toBeGreaterThan(times[index - 1]!.pts!);
				// 1024 samples at 48 kHz
				if (track === "audio") expect(dts! - times[index - 1]!.dts!).toBe(1920);
			}
		}
	});

	const range = (): { from: number; to: number } => ({
		from: seen.counters[0]!.counter,
		to: seen.counters.at(-1)!.counter,
	});

	test("GStreamer decodes every frame once and in order, without a warning", async () => {
		const verdict = await gstreamerDecode(file);
		expect(verdict.warnings).toEqual([]);
		expectEveryFrameOnce(verdict.counters, range());
	});

	test("VLC decodes every frame once and in order, without a warning", async () => {
		const verdict = await vlcDecode(file);
		expect(verdict.warnings).toEqual([]);
		const { from, to } = range();
		// Whether VLC gives out the last picture depends on what follows it where the recording was cut.
		const last = verdict.counters.at(-1)!.counter;
		expect(last).toBeGreaterThanOrEqual(to - VLC_KEEPS_LAST);
		expectEveryFrameOnce(verdict.counters, { from, to: last });
	});

	test("mpv decodes every frame once and in order, without a warning", async () => {
		const verdict = await mpvDecode(file);
		expect(verdict.warnings).toEqual([]);
		expectEveryFrameOnce(verdict.counters, range());
	});

	test("the checker finds all renditions aligned", async () => {
		for (const rendition of renditions) {
			expect(rendition).toMatchObject({ aligned: true, misaligned: 0, missing: 0, late: 0 });
			expect(rendition.units).toBeGreaterThan(100);
		}
	});
});
