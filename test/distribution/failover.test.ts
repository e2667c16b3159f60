/**
 * A distributor on DPDK is killed under load: media flows on by the kernel's way, then by DPDK again, without anybody's
 * hand, and nobody gets a packet twice. Bounds are what is asked for; what is measured is printed.
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { StandbyEngine } from "../../src/distribution/standby-engine.ts";
import { Distribution, engineOf } from "../kit/distribution/distribution.ts";
import { createLan, type Lan } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { numberOf } from "../kit/distribution/media-packets.ts";
import { startPublisher } from "../kit/distribution/publisher.ts";

const PACKETS_PER_SECOND = 1000;
const BY_THE_KERNEL_MS = 1000;
const BY_DPDK_MS = 3000;

describe.each(["af_xdp", "af_packet"] as const)("%s, with sockets in reserve", (contender) => {
	let lan: Lan;
	beforeAll(() => {
		lan = createLan();
	});
	afterAll(() => lan?.remove());

	test("killed under load: sockets take over, then it is back, and nothing comes twice", async () => {
		const first = engineOf(contender, lan.server);
		const distribution = await Distribution.start(new StandbyEngine(first, engineOf("sockets", lan.server)));
		onTestFinished(() => distribution.stop());
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [6000, 6001].map((port) => ({ address: lan.receivers.ipv4, port }));
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await LiveCapture.start(lan, lan.receivers, "udp dst portrange 6000-6001");
		onTestFinished(() => seen.stop());
		const job = { kind: "rtp", to: match, bytes: [1200], packetsPerSecond: PACKETS_PER_SECOND } as const;
		const publisher = startPublisher(lan, job);
		await seen.arrived(6000, 1000);

		const before = first.pid!;
		process.kill(before, "SIGKILL");
		const [killedAt, killedAtMs] = [performance.now(), performance.timeOrigin + performance.now()];
		const upAgain = (kind: "dpdk" | "sockets") =>
			distribution.states.find(
				({ state, at }) => at > killedAt && state.kind === "up" && state.description.engine === kind,
			);
		await expect.poll(() => upAgain("dpdk"), { timeout: 15_000, interval: 10 }).toBeDefined();
		await distribution.settled();
		await distribution.ready("cam-1");
		const backMs = performance.now() - killedAt;
		expect(first.pid).not.toBe(before);
		// It is the one that sends now.
		const { sent: sentBefore } = await first.stats({});
		await expect.poll(async () => (await first.stats({})).sent.packets).toBeGreaterThan(sentBefore.packets + 1000);
		await publisher.stop();
		await quiet(seen);

		// What happened, for whoever has to find out why it took long.
		const story = distribution.states.filter(({ at }) => at > killedAt - 1);
		for (const { state, at } of story) {
			const what = state.kind === "up" ? state.description.engine : "error" in state ? state.error.message : "";
			console.log(`${contender} after ${Math.round(at - killedAt)} ms: ${state.kind} ${what}`);
		}
		const reserveMs = upAgain("sockets")!.at - killedAt;
		for (const { port } of receivers) {
			const frames = seen.to(port);
			const numbers = frames.map(({ payload }) => numberOf(payload));
			expect(new Set(numbers).size).toBe(numbers.length);
			const resumed = frames.find(({ atMs }) => atMs > killedAtMs + 5)!;
			const gaps = frames.slice(1).map(({ atMs }, index) => atMs - frames[index]!.atMs);
			const longest = Math.max(...gaps);
			const lost = numbers.at(-1)! + 1 - numbers.length;
			const resumedMs = resumed.atMs - killedAtMs;
			const figures = Object.entries({ reserveMs, resumedMs, backMs, longestGapMs: longest, lost });
			console.log(`${contender} ${port}: ${figures.map(([name, value]) => `${name} ${Math.round(value)}`).join(", ")}`);
			expect(longest).toBeLessThan(BY_THE_KERNEL_MS);
		}
		expect(reserveMs).toBeLessThan(BY_THE_KERNEL_MS);
		expect(backMs).toBeLessThan(BY_DPDK_MS);
	});
});

/** Resolves when nothing more comes. */
async function quiet(seen: LiveCapture): Promise<void> {
	for (let before = -1; before !== seen.frames.length; ) {
		before = seen.frames.length;
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
}
