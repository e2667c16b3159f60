import { describe, expect, it } from "vitest";
import type { SourceSpec } from "../../src/ladder/ladder-config.ts";
import { type Arrived, encode, type LadderRig, ladderConfig, withLadder } from "./ladder-rig.ts";

const PATTERN: SourceSpec = {
	kind: "test-pattern",
	width: 320,
	height: 180,
	frameRate: { numerator: 25, denominator: 1 },
};
const CONFIG = ladderConfig(PATTERN, { renditions: [encode("high", 192, 108, 200), encode("low", 128, 72, 100)] });

const isAlive = (pid: number): boolean => {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
};

/** Waits until a fault was seen and a picture came after it; gives the pictures on both sides of the hole. */
async function hole(rig: LadderRig): Promise<{ readonly before: Arrived; readonly after: Arrived }> {
	const seen = rig.interruptions.length;
	await rig.until("an interruption", () => rig.interruptions.length > seen);
	const at = rig.of("low").length;
	await rig.until("pictures again", () => rig.of("low").length > at + 30);
	return { before: rig.of("low")[at - 1]!, after: rig.of("low")[at]! };
}

function expectForward(rig: LadderRig): void {
	for (const list of [rig.of("high"), rig.of("low"), rig.audio]) {
		expect(list.length).toBeGreaterThan(0);
		expect(list.filter(({ dts }, i) => i > 0 && dts <= list[i - 1]!.dts)).toEqual([]);
	}
}

/** The hole in the programme is as long as the hole in the world, to the nearest unit. */
function expectWallGap({ before, after }: { before: Arrived; after: Arrived }): void {
	const gapMs = (after.pts - before.pts) / 90;
	expect(Math.abs(gapMs - (after.at - before.at))).toBeLessThan(250 + 60);
}

describe("a ladder whose FFmpeg", () => {
	it("is killed three times goes on within 3 s each, ahead by the time that passed, aligned and never backwards", async () => {
		await withLadder(CONFIG, async (rig) => {
			await rig.units(3);
			for (let kill = 1; kill <= 3; kill++) {
				const { pid } = rig.ladder.status;
				process.kill(pid!, "SIGKILL");
				const { before, after } = await hole(rig);
				expect(after.at - before.at).toBeLessThan(3000);
				expect(after.key).toBe(true);
				expect(after.pts % (250 * 90)).toBe(0);
				expectWallGap({ before, after });
				expect(rig.ladder.status).toMatchObject({ state: "running", restarts: kill });
				expect(rig.ladder.status.pid).not.toBe(pid);
			}
			expectForward(rig);
			const common = Math.min(rig.keys("high").length, rig.keys("low").length);
			expect(rig.keys("high").slice(0, common)).toEqual(rig.keys("low").slice(0, common));
			expect(rig.interruptions.map(({ error }) => error.code)).toEqual(new Array(3).fill("FFMPEG_EXITED"));
			expect(rig.interruptions[0]!.error.message).toMatch(/was ended by SIGKILL/);
			// Each run says its configurations again, before its first access unit.
			expect(rig.calls.filter((call) => call === "config low 128x72")).toHaveLength(4);
			for (const [i, call] of rig.calls.entries()) {
				if (call.startsWith("interrupted")) expect(rig.calls.slice(i + 1, i + 4).sort()).toEqual(CONFIG_CALLS);
			}
		});
	});

	it("is stopped by SIGSTOP is found within 3.5 s, killed and started again", async () => {
		await withLadder(CONFIG, async (rig) => {
			await rig.units(3);
			const { pid } = rig.ladder.status;
			const stoppedAt = performance.now();
			process.kill(pid!, "SIGSTOP");
			const { before, after } = await hole(rig);
			const { error, at } = rig.interruptions[0]!;
			expect(error.message).toMatch(/^FFMPEG_HUNG: .*no picture of rendition .* for 3\d\d\d ms/);
			expect(at - stoppedAt).toBeLessThan(3500);
			expect(isAlive(pid!)).toBe(false);
			expectWallGap({ before, after });
			expectForward(rig);
		});
	});

	it("is stopped and started by its owner goes on with the same programme, and leaves no process", async () => {
		await withLadder(CONFIG, async (rig) => {
			await rig.units(2);
			const { pid } = rig.ladder.status;
			await rig.ladder.stop();
			expect(rig.ladder.status.state).toBe("stopped");
			expect(isAlive(pid!)).toBe(false);
			const count = rig.of("low").length;
			rig.ladder.start();
			await rig.until("pictures again", () => rig.of("low").length > count + 10);
			expectWallGap({ before: rig.of("low")[count - 1]!, after: rig.of("low")[count]! });
			expectForward(rig);
			expect(rig.interruptions).toEqual([]);
			await rig.until("a speed", () => rig.ladder.status.speed !== undefined);
			expect(rig.ladder.status.speed).toBeGreaterThan(0.5);
		});
	});

	it("is stopped while it is being started leaves no process", async () => {
		await withLadder(CONFIG, async (rig) => {
			await rig.ladder.stop();
			rig.ladder.start();
			const stopped = rig.ladder.stop();
			rig.ladder.start();
			await stopped;
			await rig.units(2);
			expect(rig.ladder.status.state).toBe("running");
		});
	});
});

const CONFIG_CALLS = ["config audio 48000", "config high 192x108", "config low 128x72"];
