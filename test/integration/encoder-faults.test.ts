/**
 * The encoder dies, hangs, dies again and again: viewers keep the response that they have, and it goes on. Through the
 * whole server; what the ladder alone does is in `ladder-faults.test.ts`.
 */
import { describe, expect, test } from "vitest";
import { ticksToMs } from "../../src/base/units.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { childrenOf, openFiles } from "../kit/process-table.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, type FrameReading, readCounters, type Verdict } from "../kit/signal-reader.ts";
import { NO_TS_FAULTS, stepsBack, TINY_CHANNEL, TINY_SIZES, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

const RENDITIONS = ["high", "mid", "low"] as const;
const CHANNEL = "live/signal";

const start = (config = {}): Promise<Penstock> => startPenstock({ ...config, channels: { signal: TINY_CHANNEL } });

const watch = (penstock: Penstock, rendition = "low"): Promise<Recording> =>
	record(`${penstock.http}/${CHANNEL}.ts?rendition=${rendition}`);

async function encoderOf(penstock: Penstock): Promise<number> {
	const { ladder } = await penstock.channel(CHANNEL);
	expect(ladder.pid).toBeDefined();
	return ladder.pid!;
}

/** Frames by run of FFmpeg: the pattern counts from 0 in each. */
function runsOf(counters: readonly FrameReading[]): FrameReading[][] {
	const runs: FrameReading[][] = [];
	for (const [index, reading] of counters.entries()) {
		if (index === 0 || reading.counter === 0) runs.push([]);
		runs.at(-1)!.push(reading);
	}
	return runs;
}

/**
 * FFmpeg's complaints about what it read. Of a hole in time it says two things that are true, and of its own making:
 * it cannot guess a frame rate for what it writes (`[rawvideo …`), and a hole of more than a thousand frames is one.
 */
const complaintsOfInput = ({ warnings }: Verdict): string[] =>
	warnings.filter(
		(line) => !/^\[rawvideo @ .* non monotonically|^\[mpegts @ .* DTS discontinuity in stream/.test(line),
	);

/**
 * FFmpeg decodes all of it, and frames are missing only where the pattern began anew.
 * @returns when the first chunk of each further run of FFmpeg came, as `performance.now()`
 */
async function expectWholeButForRestarts(recording: Recording): Promise<number[]> {
	const seen = await readCounters(recording.save());
	expect(complaintsOfInput(seen)).toEqual([]);
	const pictures = recording.accessUnits.filter(({ track }) => track === "video");
	expect(seen.counters.length).toBe(pictures.length);
	const [first, ...further] = runsOf(seen.counters);
	expectEveryFrameOnce(first!);
	for (const run of further) expectEveryFrameOnce(run, { from: 0 });
	expect(stepsBack(recording)).toEqual([]);
	expect(recording.counts).toMatchObject(NO_TS_FAULTS);
	const begun = further.map((run) => pictures[seen.counters.indexOf(run[0]!)]!.pts);
	return begun.map((pts) => recording.units.find(({ timeMs }) => timeMs === ticksToMs(pts))!.at);
}

/**
 * Time stamps went ahead by what the faults took, to the nearest unit; else the delay would have grown by all of it. An
 * encoder that starts on busy cores is a little late itself.
 */
function expectLiveDelayKept({ units }: Recording, lostMs: number): void {
	const skews = units.map(({ at, timeMs }) => at - timeMs);
	expect(Math.abs(skews.at(-1)! - skews[0]!)).toBeLessThan(Math.max(TINY_UNIT_MS + 100, 0.9 * lostMs));
}

describe.concurrent("FFmpeg", { timeout: 240_000 }, () => {
	test("killed in mid-stream: three viewers in three renditions go on within 3 s, in the same response", async () => {
		const penstock = await start();
		const recordings = await Promise.all(RENDITIONS.map((rendition) => watch(penstock, rendition)));
		const several = (count: number): Promise<Recording[]> =>
			Promise.all(
				recordings.map((recording) => {
					const until = recording.units.length + count;
					return recording.until(({ units }) => units.length >= until);
				}),
			);
		await several(8);
		const pid = await encoderOf(penstock);
		const killedAt = performance.now();
		process.kill(pid, "SIGKILL");
		await several(12);
		expect(await penstock.channel(CHANNEL)).toMatchObject({
			state: "running",
			live: true,
			viewers: 3,
			ladder: { state: "running", restarts: 1, lastError: expect.stringMatching(/^FFMPEG_EXITED: .*SIGKILL/) },
		});
		const silences: number[] = [];
		for (const [index, recording] of recordings.entries()) {
			expect(new Set(recording.units.map(({ size }) => size))).toEqual(new Set([TINY_SIZES[RENDITIONS[index]!]]));
			const begun = await expectWholeButForRestarts(recording);
			expect(begun).toHaveLength(1);
			silences.push(Math.round(begun[0]! - killedAt));
			expectLiveDelayKept(recording, silences.at(-1)!);
			expect(await penstock.viewer(recording.id)).toMatchObject({ drops: { behind: 0, evicted: 0, withdrawn: 0 } });
		}
		console.info(`from the kill to the next chunk: ${silences.join(", ")} ms`);
		for (const silence of silences) expect(silence).toBeLessThan(3000);
		expect(await penstock.metric("penstock_viewers_accepted_total")).toBe(3);
		expect(await penstock.metric("penstock_ffmpeg_restarts_total")).toBe(1);
	});

	test("stopped: it is noticed after hangMs, replaced, and the response goes on within 5.5 s", async () => {
		const penstock = await start({ ffmpeg: { hangMs: 3000 } });
		const recording = await watch(penstock);
		await recording.until(({ units }) => units.length >= 8);
		const pid = await encoderOf(penstock);
		const stoppedAt = performance.now();
		process.kill(pid, "SIGSTOP");
		const before = recording.units.length;
		await recording.until(({ units }) => units.length >= before + 12);
		const { ladder } = await penstock.channel(CHANNEL);
		expect(ladder).toMatchObject({ state: "running", restarts: 1 });
		expect(ladder.lastError).toMatch(/^FFMPEG_HUNG: .*no picture of rendition \w+ for 3\d\d\d ms.*started again/);
		expect(ladder.pid).not.toBe(pid);
		const begun = await expectWholeButForRestarts(recording);
		expect(begun).toHaveLength(1);
		const silence = begun[0]! - stoppedAt;
		console.info(`from SIGSTOP to the next chunk: ${Math.round(silence)} ms`);
		expect(silence).toBeGreaterThan(3000);
		expect(silence).toBeLessThan(5500);
		expectLiveDelayKept(recording, silence / 3);
		expect(childrenOf(penstock.process.pid).map((child) => child.pid)).toEqual([ladder.pid]);
	});

	test("killed ten times in a row: the same response, back-off in the API, and nothing is left behind", async () => {
		const penstock = await start();
		const recording = await watch(penstock);
		await recording.until(({ units }) => units.length >= 8);
		const filesBefore = openFiles(penstock.process.pid);
		const states = new Set<string>();
		let last = 0;
		const recordingReaches = async (kill: number): Promise<void> => {
			const from = recording.units.length;
			await eventually(async () => expect(recording.units.length, `at kill ${kill}`).toBeGreaterThan(from));
		};
		const watching = recording.until(({ units }) => (units.at(-1)?.timeMs ?? 0) >= Number.POSITIVE_INFINITY);
		const delays: number[] = [];
		for (let kill = 1; kill <= 10; kill++) {
			const from = performance.now();
			last = await eventually(async () => {
				const { ladder } = await penstock.channel(CHANNEL);
				states.add(ladder.state);
				expect(ladder.pid ?? last).not.toBe(last);
				expect(ladder.restarts).toBe(kill - 1);
				return ladder.pid!;
			}, 45_000);
			delays.push(Math.round(performance.now() - from));
			// Some die before their first picture, some just behind it.
			if (kill % 2 === 0) await recordingReaches(kill);
			process.kill(last, "SIGKILL");
			await eventually(async () => {
				const { ladder } = await penstock.channel(CHANNEL);
				states.add(ladder.state);
				expect(ladder.lastError).toContain(`(pid ${last}) was ended by SIGKILL`);
			});
			// Five failures within a minute use up the budget.
			if (kill === 5) expect((await penstock.channel(CHANNEL)).ladder.state).toBe("failing");
		}
		const killedAt = performance.now();
		await eventually(async () => expect(await penstock.channel(CHANNEL)).toMatchObject({ state: "running" }), 45_000);
		const { newestUnit } = await penstock.channel(CHANNEL);
		await eventually(async () => {
			expect((await penstock.viewer(recording.id)).unit).toBeGreaterThan(newestUnit!.number + 8);
		});
		console.info(`waited for FFmpeg before each kill: ${delays.join(", ")} ms; states: ${[...states].join(", ")}`);
		expect([...states].sort()).toEqual(expect.arrayContaining(["backing-off", "failing", "running"]));
		expect((await penstock.channel(CHANNEL)).ladder.restarts).toBe(10);
		expect(await penstock.metric("penstock_viewers_accepted_total")).toBe(1);
		const children = childrenOf(penstock.process.pid);
		expect(children.map(({ command, state }) => ({ command, zombie: state === "Z" }))).toEqual([
			{ command: "ffmpeg", zombie: false },
		]);
		const filesAfter = openFiles(penstock.process.pid);
		console.info(`open files: ${filesBefore.length} before, ${filesAfter.length} after`);
		expect(Math.abs(filesAfter.length - filesBefore.length)).toBeLessThanOrEqual(5);
		recording.viewer.close();
		await watching;
		const begun = await expectWholeButForRestarts(recording);
		// Every second run was let live until its picture was there, and the last one lives.
		expect(begun.length).toBeGreaterThanOrEqual(5);
		expect(begun.at(-1)! - killedAt).toBeLessThan(45_000);
		// Ten times at least half a second.
		expectLiveDelayKept(recording, 1500);
	});
});
