/** A port of a larger MTU than Ethernet's own: what fits goes out whole, what does not is refused, and counted. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Distribution, engineOf } from "../kit/distribution/distribution.ts";
import { expectStream } from "../kit/distribution/expect-stream.ts";
import { createLan, type Lan, PORT_DEVICE } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { publish } from "../kit/distribution/publisher.ts";

const MTU = 3000;
/** Of the way to one of the receivers, as a route says. Sockets are told to go by the port's alone. */
const NARROW = { address: "10.79.0.4", mtu: 1400 };
const [SMALL, LARGE, EACH] = [200, 2900, 20];

describe.each(["sockets", "af_xdp", "af_packet"] as const)("%s", (contender) => {
	let lan: Lan;
	let distribution: Distribution;
	beforeAll(async () => {
		lan = createLan(MTU);
		lan.run(lan.receivers, "ip", "address", "add", `${NARROW.address}/24`, "dev", PORT_DEVICE);
		const narrow = ["dev", PORT_DEVICE, "mtu", `${NARROW.mtu}`];
		lan.run(lan.server, "ip", "route", "add", `${NARROW.address}/32`, ...narrow);
		lan.run(lan.receivers, "ping", "-q", "-c", "1", "-W", "2", "-I", NARROW.address, lan.server.ipv4);
		distribution = await Distribution.start(engineOf(contender, lan.server));
	});
	afterAll(async () => {
		await distribution?.stop();
		lan?.remove();
	});

	test(`packets of ${LARGE} bytes`, async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [
			{ address: lan.receivers.ipv4, port: 6000 },
			{ address: NARROW.address, port: 6001 },
		];
		await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await LiveCapture.start(lan, lan.receivers);
		onTestFinished(() => seen.stop());
		const job = { kind: "rtp", to: match, count: EACH, packetsPerSecond: 500 } as const;
		await publish(lan, { ...job, bytes: [LARGE] });
		await publish(lan, { ...job, stream: 2, bytes: [SMALL] });
		const small = { kind: "rtp", stream: 2, bytes: [SMALL], count: EACH } as const;
		const large = { kind: "rtp", bytes: [LARGE], count: EACH } as const;
		// The ring that AF_PACKET's driver reads from has places of 2 KiB.
		const taken = contender !== "af_packet";
		const wide = await seen.arrived(6000, taken ? 2 * EACH : EACH);
		if (taken) expectStream(wide.slice(0, EACH), large);
		expectStream(wide.slice(taken ? EACH : 0), small);
		const narrow = await seen.arrived(6001, contender === "sockets" ? 2 * EACH : EACH);
		expectStream(narrow.slice(-EACH), small);
		const { drops, rules } = await distribution.engine.stats({ receivers: true });
		if (contender === "af_xdp") expect(rules[0]!.receivers![1]!.drops).toEqual({ "too-large": EACH });
		if (!taken) expect((drops.jumbo ?? 0) + (drops["ip-header"] ?? 0)).toBe(EACH);
	});
});
