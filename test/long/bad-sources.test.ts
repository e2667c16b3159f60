/**
 * Sources as people have them, through the whole server: what cannot be played says why and what to do, what can be
 * played only in part is played in that part, and another channel of the same server never notices.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { makeClip } from "../kit/media-maker.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { freePort } from "../kit/ports.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, type FrameReading, readCounters } from "../kit/signal-reader.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { NO_TS_FAULTS, stepsBack, TINY_CHANNEL, TINY_LADDER, TINY_SIZES, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

const COPY_ON_TOP = [{ name: "source", copy: true }, ...TINY_LADDER.slice(1)];
/** Some thirty processes start together here. */
const START_MS = 30_000;

/** What cannot be played at all: the source, and what the API, the log and a viewer are told of it. */
const UNPLAYABLE = {
	"http-closed":
		/^SOURCE_UNREACHABLE: .*http:\/\/127\.0\.0\.1:\d+\/a\.ts cannot be opened: .*refused.*check the address/,
	"tcp-closed": /^SOURCE_UNREACHABLE: .*tcp:\/\/127\.0\.0\.1:\d+ cannot be opened: .*refused.*check the address/,
	"rtsp-closed": /^SOURCE_UNREACHABLE: .*rtsp:\/\/127\.0\.0\.1:\d+\/a cannot be opened: .*refused.*check the address/,
	sound: /^SOURCE_NO_VIDEO: .*\.mp4" has no video \(found: audio aac\); give one that has/,
	empty: /^SOURCE_UNREACHABLE: .*empty\.mp4" has 0 bytes; give a media file/,
	missing: /^SOURCE_UNREACHABLE: .*missing\.mp4" cannot be read \(ENOENT\); check the path/,
	text: /^SOURCE_UNREACHABLE: .*text\.mp4" cannot be opened: .*Invalid data.*; check/,
	directory: /^SOURCE_UNREACHABLE: .*directory" is not a file; give the path/,
} as const;

async function unplayableSources(): Promise<Record<keyof typeof UNPLAYABLE, unknown>> {
	const folder = makeTempDir("bad-sources");
	const inFolder = (name: string): string => join(folder, name);
	writeFileSync(inFolder("empty.mp4"), "");
	writeFileSync(inFolder("text.mp4"), "This is no film. ".repeat(500));
	mkdirSync(inFolder("directory"));
	return {
		"http-closed": { url: `http://127.0.0.1:${await freePort()}/a.ts` },
		"tcp-closed": { url: `tcp://127.0.0.1:${await freePort()}` },
		"rtsp-closed": { url: `rtsp://127.0.0.1:${await freePort()}/a` },
		sound: { file: await makeClip({ container: "mp4", video: false, seconds: 2 }) },
		empty: { file: inFolder("empty.mp4") },
		missing: { file: inFolder("missing.mp4") },
		text: { file: inFolder("text.mp4") },
		directory: { file: inFolder("directory") },
	};
}

/** Frames of the file, in runs from its first to its last, over and over; the first run begins and the last ends anywhere. */
function expectLoops(counters: readonly FrameReading[], frames: number): void {
	const loops: FrameReading[][] = [];
	for (const [index, reading] of counters.entries()) {
		if (index === 0 || reading.counter === 0) loops.push([]);
		loops.at(-1)!.push(reading);
	}
	expect(loops.length).toBeGreaterThan(2);
	for (const [index, loop] of loops.entries()) {
		const from = index === 0 ? {} : { from: 0 };
		const to = index === loops.length - 1 ? {} : { to: frames - 1 };
		expectEveryFrameOnce(loop, { ...from, ...to });
	}
}

describe("a server whose sources are bad in every way", () => {
	let penstock: Penstock;
	let neighbour: Recording;
	let watchingNeighbour: Promise<unknown>;

	beforeAll(async () => {
		const open = { seconds: 3, gopFrames: 24, bFrames: 3, openGop: true, frameRate: 24, audio: true } as const;
		const openGops = await makeClip({ container: "mkv", ...open });
		const longGops = await makeClip({ container: "mp4", frameRate: 24, gopFrames: 24, seconds: 4, audio: true });
		const film = await makeClip({ container: "mp4", frameRate: 24, seconds: 3, audio: true });
		const unplayable = Object.entries(await unplayableSources()).map(([name, source]) => [
			name,
			{ ...TINY_CHANNEL, source },
		]);
		penstock = await startPenstock({
			// Long enough for a busy machine to start an encoder in, short enough to wait out for what never starts.
			delivery: { startTimeoutMs: 8000 },
			channels: {
				good: TINY_CHANNEL,
				"open-gops": { ...TINY_CHANNEL, source: { file: openGops } },
				"open-gops-copied": { ...TINY_CHANNEL, source: { file: openGops }, renditions: COPY_ON_TOP },
				"long-gops-copied": { ...TINY_CHANNEL, source: { file: longGops }, renditions: COPY_ON_TOP },
				"copy-alone": { ...TINY_CHANNEL, source: { file: longGops }, renditions: COPY_ON_TOP.slice(0, 1) },
				looped: { ...TINY_CHANNEL, source: { file: film, loop: true } },
				...Object.fromEntries(unplayable),
			},
		});
		await live("good");
		neighbour = await record(`${penstock.http}/live/good.ts?rendition=high`);
		watchingNeighbour = neighbour.until(() => false);
	}, 60_000);
	afterAll(() => penstock.stop());

	const live = (channel: string): Promise<void> =>
		eventually(async () => expect(await penstock.channel(`live/${channel}`)).toMatchObject({ live: true }), START_MS);

	/** The error of an answer of 503, which asks to come again. */
	async function unavailable(channel: string): Promise<{ code: string; message: string }> {
		const answer = await openViewer(`${penstock.http}/live/${channel}.ts`);
		expect(answer.status).toBe(503);
		expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
		const { error } = JSON.parse((await answer.bytes()).toString()) as { error: { code: string; message: string } };
		return error;
	}

	/** Watches `units` units of a rendition, with every frame decoded. */
	async function watch(channel: string, rendition: string, units: number): Promise<readonly FrameReading[]> {
		await live(channel);
		const recording = await record(`${penstock.http}/live/${channel}.ts?rendition=${rendition}`);
		await recording.until((seen) => seen.units.length >= units);
		recording.viewer.close();
		expect(stepsBack(recording)).toEqual([]);
		expect(recording.counts).toMatchObject(NO_TS_FAULTS);
		const steps = recording.units.slice(1).map(({ timeMs }, i) => timeMs - recording.units[i]!.timeMs);
		// A unit begins with the first picture behind its line, so a unit is up to a picture shorter or longer.
		for (const step of steps) expect(Math.abs(step - TINY_UNIT_MS)).toBeLessThan(1000 / 24 + 1);
		const { counters, warnings } = await readCounters(recording.save());
		expect(warnings).toEqual([]);
		return counters;
	}

	describe.concurrent.each(Object.entries(UNPLAYABLE))("%s", (name, reason) => {
		test("the API says what is wrong and what to do, and a viewer gets 503 with the same reason", async () => {
			await eventually(async () => {
				const { state, live, ladder } = await penstock.channel(`live/${name}`);
				expect(live).toBe(false);
				expect(["backing-off", "failing"]).toContain(state);
				expect(ladder.lastError).toMatch(reason);
			}, START_MS);
			const { code, message } = await unavailable(name);
			expect(code).toBe("CHANNEL_NOT_READY");
			expect(message).toMatch(new RegExp(reason.source.slice(1)));
		});
	});

	test("B-frames and open GOPs are encoded: every frame once, over the file's end and on", async () => {
		expectLoops(await watch("open-gops", "high", 40), 72);
		const { renditions } = await penstock.channel("live/open-gops");
		for (const rendition of renditions) expect(rendition).toMatchObject({ aligned: true, missing: 0, misaligned: 0 });
	});

	test("a copy of B-frames and open GOPs is refused, and the other renditions are served", async () => {
		const counters = await watch("open-gops-copied", "mid", 40);
		expectLoops(counters, 72);
		const { state, renditions } = await penstock.channel("live/open-gops-copied");
		expect(state).toBe("running");
		const [source, mid, low] = renditions;
		expect(source!.refused).toMatch(/^LADDER_COPY_UNFIT: rendition "source" .*B-frames.*or encode this rendition/);
		expect(source!.units).toBe(0);
		for (const rendition of [mid, low]) expect(rendition).not.toHaveProperty("refused");
	});

	test("a copy whose GOPs are longer than the unit is refused with both lengths", async () => {
		expectLoops(await watch("long-gops-copied", "low", 50), 96);
		const { renditions } = await penstock.channel("live/long-gops-copied");
		expect(renditions[0]!.refused).toMatch(
			/^LADDER_COPY_UNFIT: .*GOPs of (more than \d{3,4}|1000) ms while the unit has 250 ms; .*encode this rendition/,
		);
		await eventually(async () => {
			const refusals = penstock.log.filter(
				({ code, rendition }) => code === "LADDER_COPY_UNFIT" && rendition === "source",
			);
			expect(refusals.map(({ channel }) => String(channel)).sort()).toEqual([
				"live/copy-alone",
				"live/long-gops-copied",
				"live/open-gops-copied",
			]);
		}, START_MS);
		// Who asks for what was refused gets what there is.
		const viewer = await record(`${penstock.http}/live/long-gops-copied.ts?rendition=source`);
		await viewer.until(({ units }) => units.length >= 3);
		viewer.viewer.close();
		expect(viewer.units.at(-1)!.size).toBe(TINY_SIZES.low);
	});

	test("a copy that is refused and was the only rendition ends the channel with that reason", async () => {
		await eventually(async () => {
			expect(await penstock.channel("live/copy-alone")).toMatchObject({ state: "failed", live: false });
		}, START_MS);
		const { ladder } = await penstock.channel("live/copy-alone");
		expect(ladder.lastError).toMatch(/^LADDER_COPY_UNFIT: .*while the unit has 250 ms/);
		expect(ladder.pid).toBeUndefined();
		expect((await unavailable("copy-alone")).message).toContain("while the unit has 250 ms");
	});

	test("a looped file goes on over its end without a gap in its units or frames", async () => {
		expectLoops(await watch("looped", "mid", 50), 72);
		const { ladder, renditions } = await penstock.channel("live/looped");
		expect(ladder).toMatchObject({ state: "running", restarts: 0 });
		for (const rendition of renditions) expect(rendition).toMatchObject({ aligned: true, missing: 0, misaligned: 0 });
	});

	test("and all that time the viewer of another channel got every frame", async () => {
		expect(await penstock.viewer(neighbour.id)).toMatchObject({ drops: { behind: 0, evicted: 0, withdrawn: 0 } });
		neighbour.viewer.close();
		await watchingNeighbour;
		expect(neighbour.units.length).toBeGreaterThan(60);
		const { counters, warnings } = await readCounters(neighbour.save());
		expectEveryFrameOnce(counters);
		expect(warnings).toEqual([]);
		expect(neighbour.counts).toMatchObject(NO_TS_FAULTS);
		expect((await penstock.channel("live/good")).ladder.restarts).toBe(0);
	});
});

describe("a file that is not looped", () => {
	let penstock: Penstock;
	beforeAll(async () => {
		const film = await makeClip({ container: "mp4", frameRate: 24, seconds: 3, audio: true });
		const once = { ...TINY_CHANNEL, source: { file: film, loop: false }, onDemand: true, idleMs: 60_000 };
		penstock = await startPenstock({ channels: { once } });
	});
	afterAll(() => penstock.stop());

	test("is played from its first frame to its last, and then the response is over", async () => {
		const recording = await record(`${penstock.http}/live/once.ts`);
		await recording.until(() => false);
		expect(await recording.viewer.ended).toEqual({ kind: "complete" });
		const { counters, warnings } = await readCounters(recording.save());
		expectEveryFrameOnce(counters, { from: 0, to: 71 });
		expect(warnings).toEqual([]);
		expect(recording.counts).toMatchObject(NO_TS_FAULTS);
		await eventually(async () => {
			const { ladder } = await penstock.channel("live/once");
			expect(ladder.lastError).toMatch(/came to its end; set loop to play it again/);
		});
	});

	test("is played again for the next viewer, where the channel is on demand", async () => {
		const recording = await record(`${penstock.http}/live/once.ts`);
		await recording.until(() => false);
		expect(await recording.viewer.ended).toEqual({ kind: "complete" });
		expectEveryFrameOnce((await readCounters(recording.save())).counters, { from: 0, to: 71 });
	});
});
