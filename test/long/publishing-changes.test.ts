/** What a publisher does amid its stream: another picture in the same connection; more than FFmpeg can take. */
import { expect, test } from "vitest";
import { ticks90k } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { EnhancedPublisher } from "../kit/enhanced-rtmp.ts";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { startProcess } from "../kit/processes.ts";
import {
	COPIED_UNIT_MS,
	expectFrames,
	PUBLISHED,
	publishWithFfmpeg,
	signalArguments,
	startPublishing,
} from "../kit/publishing.ts";
import { record } from "../kit/recording.ts";

const LADDER = { ...PUBLISHED, audio: "none" };
const COPY = {
	...{ source: "publish", unitMs: COPIED_UNIT_MS, audio: "none" },
	renditions: [{ name: "source", copy: true }],
};

/** An encoder whose picture can be changed: FFmpegs one after another, whose times follow each other. */
class ChangingEncoder {
	readonly #publisher: EnhancedPublisher;
	#stop: () => Promise<unknown> = async () => undefined;
	#sent = 0;
	#ended = 0;

	constructor(url: string) {
		this.#publisher = new EnhancedPublisher(url);
	}

	async show(width: number, height: number): Promise<void> {
		await this.#stop();
		const offset = this.#ended;
		let first: number | undefined;
		const moved = (time: number): AccessUnit["pts"] => ticks90k(time - first! + offset);
		const reader = new MpegTsReader({
			decodeInformation: (decode: DecodeInformation) => this.#publisher.decodeInformation(decode),
			accessUnit: (one: AccessUnit) => {
				first ??= one.dts;
				this.#publisher.accessUnit({ ...one, pts: moved(one.pts), dts: moved(one.dts) });
				this.#ended = moved(one.dts) + 3000;
				this.#sent++;
			},
		});
		const signal = { width, height, firstCounter: this.#sent };
		const making = startProcess("ffmpeg", signalArguments(["-f", "mpegts", "-"], signal), {
			onStdout: (bytes) => reader.push(bytes),
		});
		this.#stop = () => making.stop();
	}
}

test.for([
	["laddered", LADDER],
	["copied", COPY],
] as const)("%s: a publisher that changes its picture amid the stream takes its viewers along", async ([, cam]) => {
	const server = await startPublishing({ channels: { cam } });
	const encoder = new ChangingEncoder(`${server.rtmp}/live/cam`);
	await encoder.show(320, 180);
	await server.live();
	const recordings = await Promise.all(
		["ts", "flv", "mp4", "rtp"].map((extension) => record(`${server.penstock.http}/live/cam.${extension}`)),
	);
	await Promise.all(recordings.map((recording) => recording.until(({ units }) => units.length > 3)));
	await encoder.show(640, 360);
	await eventually(async () => expect((await server.publishers())[0]?.video).toMatchObject({ width: 640 }), 20_000);
	for (const recording of recordings) {
		const before = recording.units.length;
		await recording.until(({ units }) => units.length > before + 6);
		const numbers = recording.units.map(({ number }) => number!);
		expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
		expect(recording.faults).toEqual([]);
		if (cam === COPY) expect(recording.units.at(-1)?.size).toBe("640x360");
		recording.viewer.close();
	}
	// One publication all the time.
	expect(await server.publishers()).toHaveLength(1);
	expect(server.penstock.log.filter(({ msg }) => msg === "publisher joined")).toHaveLength(1);
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test("what FFmpeg is too slow for is left out and counted; the publisher is not held up, and viewers go on", async () => {
	const server = await startPublishing({ channels: { cam: LADDER }, ffmpeg: { hangMs: 60_000 } });
	const clip = { seconds: 8, bitrateKbps: 20_000, width: 1280, height: 720, gopFrames: 15 } as const;
	const file = await makeClip({ container: "flv", ...clip });
	const output = ["-c", "copy", "-f", "flv", `${server.rtmp}/live/cam`];
	const quiet = ["-hide_banner", "-v", "error", "-nostdin"];
	const sending = startProcess("ffmpeg", [...quiet, "-re", "-stream_loop", "-1", "-i", file, ...output]);
	await server.live();
	const recording = await record(`${server.penstock.http}/live/cam.ts`);
	const { pid } = (await server.penstock.channel("live/cam")).ladder;
	const dropped = (): Promise<number> => server.penstock.metric("penstock_published_access_units_dropped_total");
	process.kill(pid!, "SIGSTOP");
	await eventually(async () => expect(await dropped()).toBeGreaterThan(30), 30_000);
	/** Until the publisher has sent so many access units more. */
	const forwardBy = async (count: number): Promise<void> => {
		const sent = async (): Promise<number> => (await server.publishers())[0]?.accessUnits ?? 0;
		const before = await sent();
		await eventually(async () => expect(await sent()).toBeGreaterThan(before + count));
	};
	await forwardBy(60);
	process.kill(pid!, "SIGCONT");
	const before = recording.units.length;
	await recording.until(({ units }) => units.length > before + 6);
	expect(recording.faults).toEqual([]);
	expect((await server.penstock.channel("live/cam")).ladder).toMatchObject({ pid, restarts: 0 });
	// It has caught up: nothing more is left out.
	await eventually(async () => {
		const now = await dropped();
		await forwardBy(45);
		expect(await dropped()).toBe(now);
	}, 30_000);
	expect((await server.publishers())[0]?.dropped).toBe(await dropped());
	expect(sending.stderr).toBe("");
	recording.viewer.close();
});

test("a publisher that stands still loses its place, and the next one's pictures go to the same viewers", async () => {
	const server = await startPublishing({ channels: { cam: LADDER }, publish: { idleTimeoutMs: 2000 } });
	const output = ["-f", "flv", `${server.rtmp}/live/cam`];
	const first = publishWithFfmpeg(output);
	await server.live();
	const recording = await record(`${server.penstock.http}/live/cam.ts`);
	await recording.until(({ units }) => units.length > 3);
	first.kill("SIGSTOP");
	await server.penstock.process.waitForLine(/PUBLISHER_SILENT/, 30_000);
	expect(await server.publishers()).toEqual([]);
	const before = recording.units.length;
	publishWithFfmpeg(output, { firstCounter: 5000 });
	await recording.until(({ units }) => units.length > before + 4);
	expect(recording.faults).toEqual([]);
	expect(await server.penstock.metric("penstock_rtmp_faults_total", { code: "PUBLISHER_SILENT" })).toBe(1);
	first.kill("SIGCONT");
	expect((await first.exited).code).not.toBe(0);
	recording.viewer.close();
});
