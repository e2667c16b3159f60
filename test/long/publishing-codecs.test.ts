/**
 * What publishers bring in other codecs than H.264 and AAC, by enhanced RTMP and by HTTP: laddered to H.264, or copied as
 * it is, viewers see every frame once and in order.
 */
import { expect, test } from "vitest";
import { publishEnhanced } from "../kit/enhanced-rtmp.ts";
import {
	COPIED_UNIT_MS,
	expectFrames,
	PUBLISHED,
	type PublishingServer,
	publishWithFfmpeg,
	type Signal,
	startPublishing,
} from "../kit/publishing.ts";

const AV1_IN_MP4 = ["-f", "mp4", "-movflags", "frag_every_frame+empty_moov+default_base_moof"];

const push = ({ penstock }: PublishingServer, type: string, muxer: readonly string[], signal: Signal): void =>
	void publishWithFfmpeg([...muxer, "-method", "PUT", "-content_type", type, `${penstock.http}/live/cam`], signal);

const PUBLISHERS = [
	{
		name: "HEVC by enhanced RTMP",
		signal: { codec: "hevc" },
		publish: (server: PublishingServer, signal: Signal) => publishEnhanced(`${server.rtmp}/live/cam`, signal),
	},
	{
		name: "AV1 by enhanced RTMP",
		signal: { codec: "av1" },
		publish: (server: PublishingServer, signal: Signal) => publishEnhanced(`${server.rtmp}/live/cam`, signal),
	},
	{
		name: "H.264 with Opus by enhanced RTMP",
		signal: { audio: true, soundCodec: "opus" },
		publish: (server: PublishingServer, signal: Signal) => publishEnhanced(`${server.rtmp}/live/cam`, signal),
	},
	{
		name: "HEVC by HTTP, in MPEG-TS",
		signal: { codec: "hevc" },
		publish: (server: PublishingServer, signal: Signal) => push(server, "video/mp2t", ["-f", "mpegts"], signal),
	},
	{
		name: "AV1 by HTTP, in MP4",
		signal: { codec: "av1" },
		publish: (server: PublishingServer, signal: Signal) => push(server, "video/mp4", AV1_IN_MP4, signal),
	},
	{
		name: "H.264 with Opus by HTTP, in MPEG-TS",
		signal: { audio: true, soundCodec: "opus" },
		publish: (server: PublishingServer, signal: Signal) => push(server, "video/mp2t", ["-f", "mpegts"], signal),
	},
] as const;

const CODECS = { hevc: /^hvc1|^hev1/, av1: /^av01/, h264: /^avc1/ } as const;

test.for(PUBLISHERS)("$name: laddered, every frame once", async ({ signal, publish }) => {
	const server = await startPublishing({
		channels: { cam: { ...PUBLISHED, audio: "audio" in signal ? {} : "none" } },
	});
	publish(server, signal);
	await server.live();
	const [publisher] = await server.publishers();
	expect(publisher?.video?.codec).toMatch(CODECS["codec" in signal ? signal.codec : "h264"]);
	if ("audio" in signal) {
		expect(publisher?.audio).toMatchObject({ codec: "opus", sampleRateHz: 48_000 });
		expect((await server.penstock.channel("live/cam")).audio).toMatchObject({ codec: "mp4a.40.2" });
	}
	await expectFrames(`${server.penstock.http}/live/cam.ts`);
	expect(await server.penstock.metric("penstock_published_access_units_dropped_total")).toBe(0);
});

test("HEVC with Opus, copied: no FFmpeg, and the viewer gets both as they came", async () => {
	const cam = {
		...{ source: "publish", unitMs: COPIED_UNIT_MS, renditions: [{ name: "source", copy: true }] },
		...{ codec: "hevc", audio: { codec: "opus" } },
	};
	const server = await startPublishing({ channels: { cam } });
	publishEnhanced(`${server.rtmp}/live/cam`, { codec: "hevc", audio: true, soundCodec: "opus" });
	await server.live();
	const { ladder, audio, renditions } = await server.penstock.channel("live/cam");
	expect([ladder.state, ladder.pid, audio?.codec]).toEqual(["running", undefined, "opus"]);
	expect(renditions[0]?.codec).toMatch(CODECS.hevc);
	await expectFrames(`${server.penstock.http}/live/cam.mp4`);
});
