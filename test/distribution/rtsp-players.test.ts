/**
 * FFmpeg publishes by RTSP and UDP, FFmpeg and GStreamer play by UDP. The media never come to the server's process, which
 * the counters of its kernel show.
 */
import { expect, test, vi } from "vitest";
import { ENGINE_NAMES, expectPlayed, RtspRig } from "../kit/distribution/rtsp-rig.ts";
import { eventually } from "../kit/eventually.ts";

/** Each is as long as its clip, and what players need to begin. */
vi.setConfig({ testTimeout: 150_000 });

/** Of what is published: ten players on a busy machine need some to come. */
const SECONDS = 20;

test.each(ENGINE_NAMES)(
	"%s: ten players by UDP get every frame, and no media come to the server's process",
	async (engine) => {
		const rig = await RtspRig.start(engine);
		const reported = rig.reportToPublisher();
		const publisher = await rig.publish(SECONDS);
		const ended = publisher.exited;
		const verdicts = Promise.all([
			...Array.from({ length: 8 }, () => rig.ffmpegPlays()),
			...Array.from({ length: 2 }, () => rig.gstreamerPlays("udp", ended)),
		]);
		await eventually(async () => {
			for (const { receivers } of rig.mediaRules()) expect(receivers.length).toBe(10);
		}, 20_000);
		await eventually(async () => expect(rig.mediaRules()[0]!.received.packets).toBeGreaterThan(100), 20_000);
		const [video, audio] = rig.mediaRules();
		for (const { receivers } of [video!, audio!]) {
			expect(new Set(receivers.map(({ address }) => address))).toEqual(new Set([rig.lan.receivers.ipv4]));
			// Nobody of this process is among them.
			expect(receivers.filter(({ owner }) => owner !== undefined)).toEqual([]);
		}
		// Of DPDK's port, the kernel sees RTCP alone, which a session listens to: a packet in seconds.
		if (engine === "af_xdp") {
			const before = rig.kernelDatagrams();
			const wanted = video!.received.packets + 150;
			await eventually(async () => expect(rig.mediaRules()[0]!.received.packets).toBeGreaterThan(wanted), 20_000);
			expect(rig.kernelDatagrams() - before).toBeLessThan(15);
		}
		for (const verdict of await verdicts) expectPlayed(verdict, SECONDS);
		await reported;
		expect((await ended).code).toBe(0);
		await eventually(async () => expect(rig.rules()).toEqual([]));
	},
);

test.each(ENGINE_NAMES)("%s: a player that is killed gets nothing more", async (engine) => {
	const rig = await RtspRig.start(engine);
	await rig.publish(SECONDS);
	const player = rig.atReceivers("ffmpeg", [
		...["-v", "error", "-nostdin", "-rtsp_transport", "udp", "-min_port", "10000", "-i", rig.url],
		...["-c", "copy", "-f", "null", "-"],
	]);
	await eventually(async () => expect(rig.mediaRules()[0]?.receivers[0]?.packets).toBeGreaterThan(10), 20_000);
	player.kill("SIGKILL");
	await eventually(async () => expect(rig.mediaRules().map(({ receivers }) => receivers)).toEqual([[], []]));
	const [before] = rig.mediaRules();
	await eventually(async () =>
		expect(rig.mediaRules()[0]!.received.packets).toBeGreaterThan(before!.received.packets + 20),
	);
	expect(rig.mediaRules()[0]!.sent).toEqual(before!.sent);
});
