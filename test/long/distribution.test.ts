/**
 * The distribution plane for longer and at higher load than `test/distribution`: ten seconds below half of what an
 * engine can do, a thousand changes a second all the while, and one kill after another.
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { StandbyEngine } from "../../src/distribution/standby-engine.ts";
import { Distribution, engineOf } from "../kit/distribution/distribution.ts";
import { expectStream } from "../kit/distribution/expect-stream.ts";
import { createLan, type Lan } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { numberOf } from "../kit/distribution/media-packets.ts";
import { publish, startPublisher } from "../kit/distribution/publisher.ts";

const FAN_OUT = 10;
const PACKETS_PER_SECOND = 5000;
const SECONDS = 10;
/** A fifth within a minute would be answered by a pause of 30 s. */
const KILLS = 4;

describe.each(["sockets", "af_xdp", "af_packet"] as const)("%s", (contender) => {
	let lan: Lan;
	beforeAll(() => {
		lan = createLan();
	});
	afterAll(() => lan?.remove());

	test(`${SECONDS} s of ${FAN_OUT * PACKETS_PER_SECOND} packets a second out, with 1000 changes a second: none lost`, async () => {
		const distribution = await Distribution.start(engineOf(contender, lan.server));
		onTestFinished(() => distribution.stop());
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = Array.from({ length: FAN_OUT }, (_, index) => ({
			...{ address: lan.receivers.ipv4, port: 6000 + index },
		}));
		// The changes are another rule's, so that every copy can be counted.
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		await distribution.put({ name: "cam-2", match: { ...match, port: 5006 }, media: "rtp", receivers });
		const seen = await LiveCapture.start(lan, lan.receivers, "udp dst port 6003");
		onTestFinished(() => seen.stop());
		const count = PACKETS_PER_SECOND * SECONDS;
		const job = { kind: "rtp", to: match, bytes: [1200], count, packetsPerSecond: PACKETS_PER_SECOND } as const;
		const published = publish(lan, job);
		for (let made = 0, started = performance.now(); performance.now() - started < SECONDS * 1000; made++) {
			const comes = [{ address: lan.receivers.ipv4, port: 6100 }];
			if (made % 2 === 0) distribution.table.addReceivers("cam-2", comes);
			else distribution.table.removeReceivers("cam-2", comes);
			await new Promise((resolve) => setTimeout(resolve, 1));
		}
		await published;
		// Of what is lost, this tells where: before the engine, in it, or behind it.
		const figures = async () => {
			const { drops, rules } = await distribution.engine.stats({ names: ["cam-1"] });
			const { received, sent } = rules[0]!;
			return { missed: drops.missed ?? 0, received: received.packets, sent: sent.packets };
		};
		const wanted = { missed: 0, received: count, sent: FAN_OUT * count };
		await expect.poll(figures, { timeout: 5000 }).toEqual(wanted);
		expectStream(await seen.arrived(6003, count, 10_000), { kind: "rtp", bytes: [1200], count });
		await expect.poll(() => lan.countArrived(), { timeout: 5000 }).toBe(FAN_OUT * count);
	});
});

describe.each(["af_xdp", "af_packet"] as const)("%s, killed again and again", (contender) => {
	let lan: Lan;
	beforeAll(() => {
		lan = createLan();
	});
	afterAll(() => lan?.remove());

	test(`${KILLS} times: it comes back each time, and nobody gets a packet twice`, async () => {
		const first = engineOf(contender, lan.server);
		const distribution = await Distribution.start(new StandbyEngine(first, engineOf("sockets", lan.server)));
		onTestFinished(() => distribution.stop());
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [{ address: lan.receivers.ipv4, port: 6000 }];
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await LiveCapture.start(lan, lan.receivers, "udp dst port 6000");
		onTestFinished(() => seen.stop());
		const publisher = startPublisher(lan, { kind: "rtp", to: match, bytes: [1200], packetsPerSecond: 1000 });
		for (let kill = 0; kill < KILLS; kill++) {
			const before = first.pid!;
			process.kill(before, "SIGKILL");
			const isBack = (): boolean => first.state.kind === "up" && first.pid !== before;
			await expect.poll(isBack, { timeout: 60_000, interval: 20 }).toBe(true);
			const sent = async (): Promise<number> => (await first.stats({})).sent.packets;
			await expect.poll(sent, { timeout: 10_000 }).toBeGreaterThan(200);
		}
		await publisher.stop();
		const numbers = seen.to(6000).map(({ payload }) => numberOf(payload));
		expect(new Set(numbers).size).toBe(numbers.length);
		console.log(`${contender}: ${KILLS} kills, ${numbers.at(-1)! + 1 - numbers.length} of ${numbers.at(-1)! + 1} lost`);
	});
});
