/**
 * Publishers end to end: what FFmpeg and GStreamer publish by RTMP, and FFmpeg by HTTP, viewers get in all packagings,
 * every frame once and in order; publishers that drop, return, change, or are not wanted.
 */
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { runToEnd, startProcess } from "../kit/processes.ts";
import {
	COPIED_UNIT_MS,
	expectFrames,
	PUBLISHED,
	type PublishingServer,
	publishWithFfmpeg,
	startPublishing,
} from "../kit/publishing.ts";
import { record } from "../kit/recording.ts";

const PACKAGINGS = ["ts", "flv", "mp4", "rtp"];
const LADDER = { ...PUBLISHED, audio: "none" };
const COPY = { source: "publish", unitMs: COPIED_UNIT_MS, renditions: [{ name: "source", copy: true }] };

const pushed = (form: string, type: string, more: readonly string[] = []) => ({
	name: `FFmpeg by HTTP, ${type}`,
	publish: ({ penstock }: PublishingServer) =>
		publishWithFfmpeg([...more, "-f", form, "-method", "PUT", "-content_type", type, `${penstock.http}/live/cam`]),
});

const PUBLISHERS = [
	{
		name: "FFmpeg by RTMP",
		publish: ({ rtmp }: PublishingServer) => publishWithFfmpeg(["-f", "flv", `${rtmp}/live/cam`]),
	},
	{
		name: "FFmpeg by RTMP, with B-frames",
		publish: ({ rtmp }: PublishingServer) => publishWithFfmpeg(["-f", "flv", `${rtmp}/live/cam`], { bFrames: 2 }),
	},
	{
		name: "GStreamer by RTMP",
		publish: ({ rtmp }: PublishingServer, file: string) => {
			const pipeline = `filesrc location=${file} ! flvdemux name=demux demux.video ! queue ! h264parse ! flvmux streamable=true ! identity sync=true ! rtmp2sink location=${rtmp}/live/cam`;
			const sending = startProcess("gst-launch-1.0", ["-q", ...pipeline.split(" ")]);
			onTestFinished(async () => void (await sending.stop()));
			return sending;
		},
	},
	pushed("mpegts", "video/mp2t"),
	pushed("flv", "video/x-flv"),
	pushed("mp4", "video/mp4", ["-movflags", "frag_every_frame+empty_moov+default_base_moof"]),
];

test.for(PUBLISHERS)("$name: every frame once, in four packagings", async ({ publish }) => {
	const file = await makeClip({ container: "flv", seconds: 60, gopFrames: 15 });
	const server = await startPublishing({ channels: { cam: LADDER } });
	publish(server, file);
	await server.live();
	await Promise.all(PACKAGINGS.map((extension) => expectFrames(`${server.penstock.http}/live/cam.${extension}`)));
	expect(await server.penstock.metric("penstock_published_access_units_dropped_total")).toBe(0);
});

test("what is only copied needs no FFmpeg: picture and sound as they came", async () => {
	const server = await startPublishing({ channels: { cam: COPY } });
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`], { audio: true });
	await server.live();
	const { ladder, audio } = await server.penstock.channel("live/cam");
	expect([ladder.state, ladder.pid]).toEqual(["running", undefined]);
	expect(audio).toMatchObject({ codec: "mp4a.40.2" });
	await Promise.all(PACKAGINGS.map((extension) => expectFrames(`${server.penstock.http}/live/cam.${extension}`)));
});

test.for([
	["laddered", LADDER],
	["copied", { ...COPY, audio: "none" }],
] as const)(
	"%s: viewers' responses survive a publisher that drops and returns with another picture",
	async ([, cam]) => {
		const server = await startPublishing({ channels: { cam } });
		const url = `${server.rtmp}/live/cam`;
		const first = publishWithFfmpeg(["-f", "flv", url]);
		await server.live();
		const recording = await record(`${server.penstock.http}/live/cam.ts`);
		await recording.until(({ units }) => units.length > 3);
		first.kill("SIGKILL");
		await eventually(
			async () => expect(await server.penstock.channel("live/cam")).toMatchObject({ live: false }),
			10_000,
		);
		const before = recording.units.length;
		publishWithFfmpeg(["-f", "flv", url], { width: 640, height: 360, firstCounter: 5000 });
		await recording.until(({ units }) => units.length > before + 8);
		const numbers = recording.units.map(({ number }) => number!);
		expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
		expect(recording.faults).toEqual([]);
		if (cam.renditions[0] !== undefined && "copy" in cam.renditions[0]) {
			expect([...new Set(recording.units.map(({ size }) => size))]).toEqual(["320x180", "640x360"]);
		}
		await expectFrames(`${server.penstock.http}/live/cam.ts`);
		recording.viewer.close();
	},
);

test("a publisher that does not return: responses end whole, and the next one is watched again", async () => {
	const server = await startPublishing({ channels: { cam: LADDER }, publish: { returnWithinMs: 500 } });
	const output = ["-f", "flv", `${server.rtmp}/live/cam`];
	const first = publishWithFfmpeg(output);
	await server.live();
	const recording = await record(`${server.penstock.http}/live/cam.flv`);
	await recording.until(({ units }) => units.length > 2);
	await first.stop();
	await recording.until(() => false);
	expect(await recording.viewer.ended).toEqual({ kind: "complete" });
	publishWithFfmpeg(output, { firstCounter: 9000 });
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.flv`);
});

test("a second publisher is refused in the words of its protocol, and the first goes on", async () => {
	const server = await startPublishing({ channels: { cam: LADDER } });
	publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	const again = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	expect((await again.exited).code).not.toBe(0);
	expect(again.stderr).toContain("PUBLISHER_EXISTS");
	expect(await push(server, "live/cam")).toMatchObject([409, "PUBLISHER_EXISTS"]);
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

test("a second publisher takes over where that is wanted", async () => {
	const server = await startPublishing({ channels: { cam: LADDER }, publish: { second: "replace" } });
	const first = publishWithFfmpeg(["-f", "flv", `${server.rtmp}/live/cam`]);
	await server.live();
	publishWithFfmpeg(["-f", "mpegts", `${server.penstock.http}/live/cam.ts`], { firstCounter: 5000 });
	expect((await first.exited).code).not.toBe(0);
	await server.live();
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
});

/** A body of nothing. */
async function push(
	{ penstock }: PublishingServer,
	path: string,
	headers: Record<string, string> = { "Content-Type": "video/mp2t" },
): Promise<[number, string]> {
	const response = await fetch(`${penstock.http}/${path}`, { method: "POST", headers, body: "nothing" });
	const { error } = (await response.json()) as { error: { code: string } };
	return [response.status, error.code];
}

test("what is not wanted is refused: unknown streams, types, and bodies that stand still", async () => {
	const server = await startPublishing({ publish: { idleTimeoutMs: 1000 } });
	expect(await push(server, "live/stranger")).toEqual([404, "CHANNEL_NOT_FOUND"]);
	expect(await push(server, "live/cam", { "Content-Type": "text/plain" })).toEqual([415, "PUSH_TYPE"]);
	expect(await push(server, "live/cam", { "Content-Type": "video/mp2t", "Content-Encoding": "gzip" })).toEqual([
		...[415, "PUSH_TYPE"],
	]);
	const stalled = await fetch(`${server.penstock.http}/live/cam`, {
		...{ method: "PUT", headers: { "Content-Type": "video/mp2t" }, duplex: "half" },
		body: new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(188)) }),
	} as RequestInit);
	expect([stalled.status, ((await stalled.json()) as { error: { code: string } }).error.code]).toEqual([
		...[408, "PUBLISHER_SILENT"],
	]);
	const refused = await runToEnd("ffmpeg", [
		...["-hide_banner", "-v", "error", "-nostdin", "-re", "-f", "lavfi", "-i", "testsrc2=s=192x128"],
		...["-c:v", "libx264", "-f", "flv", `${server.rtmp}/live/stranger`],
	]);
	expect(refused.code).not.toBe(0);
	expect(refused.stderr).toContain("CHANNEL_NOT_FOUND");
});
