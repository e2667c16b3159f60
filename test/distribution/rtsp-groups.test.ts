/** RTSP over the distribution plane: players by multicast, and those who are on one connection with their media. */
import { expect, test, vi } from "vitest";
import { ENGINE_NAMES, expectPlayed, RtspRig } from "../kit/distribution/rtsp-rig.ts";
import { eventually } from "../kit/eventually.ts";
import { ffmpegPlays, ffmpegPublishes } from "../kit/rtsp-clients.ts";
import { expectEveryFrameOnce, type Verdict } from "../kit/signal-reader.ts";

/** Each is as long as its clip, and what players need to begin. */
vi.setConfig({ testTimeout: 150_000 });

const SECONDS = 14;

test.each(ENGINE_NAMES)("%s: a group is one receiver, however many watch by it", async (engine) => {
	const rig = await RtspRig.start(engine);
	const publisher = await rig.publish(SECONDS);
	const ended = publisher.exited;
	const verdicts = Promise.all([
		rig.gstreamerPlays("udp-mcast", ended),
		rig.gstreamerPlays("udp-mcast", ended),
		ffmpegPlays(rig.url, "udp_multicast", [], rig.atReceivers),
	]);
	await eventually(async () => {
		const groups = rig.mediaRules().map(({ receivers }) => receivers.map(({ address }) => address));
		expect(groups).toEqual([[expect.stringMatching(/^239\.255\.80\./)], [expect.stringMatching(/^239\.255\.80\./)]]);
	}, 20_000);
	for (const verdict of await verdicts) expectPlayed(verdict, SECONDS);
});

test("af_xdp: what is published on a connection reaches players by UDP, and what is published by UDP those on theirs", async () => {
	const rig = await RtspRig.start("af_xdp");
	const publisher = await ffmpegPublishes(rig.url, "tcp", rig.atPublisher, SECONDS);
	await rig.server.waitForLine(/"publisher joined"/);
	const play = (lower: "udp" | "tcp"): Promise<Verdict> =>
		ffmpegPlays(rig.url, lower, lower === "udp" ? ["-min_port", "10000"] : [], rig.atReceivers);
	for (const verdict of await Promise.all([play("udp"), play("tcp")])) expectPlayed(verdict, SECONDS);
	expect((await publisher.exited).code).toBe(0);
	await rig.publish(SECONDS);
	const { counters } = await ffmpegPlays(rig.url, "tcp", ["-t", "4"], rig.atReceivers);
	expect(counters.length).toBeGreaterThan(60);
	expectEveryFrameOnce(counters);
});
