/** An encoder that dies again and again: viewers keep the response that they have, and it goes on. */
import { expect, test } from "vitest";
import {
	CHANNEL,
	expectLiveDelayKept,
	expectWholeButForRestarts,
	startSignal,
	watchSignal,
} from "../kit/encoder-restarts.ts";
import { eventually } from "../kit/eventually.ts";
import { childrenOf, openFiles } from "../kit/process-table.ts";

test("FFmpeg killed ten times in a row: the same response, back-off in the API, and nothing is left behind", async () => {
	const penstock = await startSignal();
	const recording = await watchSignal(penstock);
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
}, 240_000);
