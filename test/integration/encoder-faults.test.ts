/**
 * The encoder dies, or hangs: viewers keep the response that they have, and it goes on. Through the
 * whole server; what the ladder alone does is in `ladder-faults.test.ts`,
 * and what many deaths do is in `test/long/encoder-kills.test.ts`.
 */
import { describe, expect, test } from "vitest";
import {
	CHANNEL,
	encoderOf,
	expectLiveDelayKept,
	expectWholeButForRestarts,
	startSignal,
	watchSignal,
} from "../kit/encoder-restarts.ts";
import { childrenOf } from "../kit/process-table.ts";
import type { Recording } from "../kit/recording.ts";
import { TINY_SIZES } from "../kit/tiny-ladder.ts";

const RENDITIONS = ["high", "mid", "low"] as const;

describe.concurrent("FFmpeg", { timeout: 240_000 }, () => {
	test("killed in mid-stream: three viewers in three renditions go on within 3 s, in the same response", async () => {
		const penstock = await startSignal();
		const recordings = await Promise.all(RENDITIONS.map((rendition) => watchSignal(penstock, rendition)));
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
		const penstock = await startSignal({ ffmpeg: { hangMs: 3000 } });
		const recording = await watchSignal(penstock);
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
});
