/**
 * Backends of DPDK that need no network port: from a file to a file, from memory to nowhere, and from one distributor to
 * another by shared memory, with a kernel behind each.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { RuleStats } from "../../src/wire/distributor-answer.ts";
import { Distribution, engineFor } from "../kit/distribution/distribution.ts";
import { expectStream } from "../kit/distribution/expect-stream.ts";
import { readUdpFrame, type UdpFrame } from "../kit/distribution/frames.ts";
import { createLan } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { packetVectors, payloadOf } from "../kit/distribution/packet-vectors.ts";
import { PcapReader, pcapFile } from "../kit/distribution/pcap-reader.ts";
import { publish } from "../kit/distribution/publisher.ts";
import { eventually } from "../kit/eventually.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const NEXT_HOP = "02:00:00:00:00:77";
const SOURCE = "192.0.2.9";

/** An engine of DPDK in this process's own network, that takes no port of it. */
async function started(...more: string[]): Promise<Distribution> {
	const engine = engineFor({ kind: "dpdk", arguments: [...more, "--no-huge-pages"] });
	const distribution = await Distribution.start(engine);
	onTestFinished(() => distribution.stop());
	return distribution;
}

const figuresOf = async (distribution: Distribution, name: string): Promise<RuleStats> =>
	(await distribution.engine.stats({ names: [name] })).rules[0]!;

test("pcap: of the frames of a file, odd ones among them, media alone comes out, whole, and each other has its reason", async () => {
	const vectors = packetVectors().filter(({ frame }) => frame !== "");
	const directory = makeTempDir("pcap");
	const [input, output] = [join(directory, "in.pcap"), join(directory, "out.pcap")];
	writeFileSync(input, pcapFile(vectors.map(({ frame }) => Buffer.from(frame, "hex"))));
	// The file is read again and again, for rules come after the start; what is asked for by its rate stays small.
	const files = `rx_pcap=${input},tx_pcap=${output},infinite_rx=1`;
	const distribution = await started(
		...["--backend", "pcap", "--backend-arguments", `${files},next-hop=${NEXT_HOP},source=${SOURCE}`],
	);
	const match = { address: "10.79.0.1", port: 5004 };
	const receivers = [
		{ address: "10.78.0.2", port: 6000, maxPacketsPerSecond: 500, ttl: 9, dscp: 34 },
		{ address: "10.78.0.3", port: 6001, maxPacketsPerSecond: 500, vlan: 7 },
	];
	await distribution.put({ name: "cam-1", match, media: "any-media", receivers });
	await eventually(async () => expect((await figuresOf(distribution, "cam-1")).sent.packets).toBeGreaterThan(400));
	const { drops } = await distribution.engine.stats({});
	const { sent } = await figuresOf(distribution, "cam-1");
	await distribution.stop();

	const reasons = vectors.flatMap(({ reason }) => reason ?? []);
	for (const reason of reasons) expect(drops).toHaveProperty([reason]);
	const wanted = new Set(
		vectors.flatMap((vector) => {
			const { class: medium, view } = vector;
			if (medium === undefined || view === undefined || view.vlan !== undefined) return [];
			const isMatch = view.destination === match.address && view.destinationPort === match.port;
			return isMatch && view.udpChecksum !== "wrong" ? [payloadOf(vector, view)] : [];
		}),
	);
	const frames = new PcapReader().push(readFileSync(output)).map(({ bytes }) => readUdpFrame(bytes, 0));
	expect(frames.length).toBeGreaterThanOrEqual(sent.packets);
	for (const frame of frames) expect(frame).toBeDefined();
	for (const { address, port, ttl = 64, dscp = 0, vlan } of receivers as readonly (typeof receivers)[0 | 1][]) {
		const ofReceiver = frames.filter((frame): frame is UdpFrame => frame?.destinationPort === port);
		expect(ofReceiver.length).toBeGreaterThan(100);
		for (const { payload, ...header } of ofReceiver) {
			expect(wanted).toContain(payload.toString("hex"));
			expect(header).toMatchObject({
				...{ targetMac: NEXT_HOP.replaceAll(":", ""), source: SOURCE, sourcePort: 5004, destination: address },
				...{ ttl, dscp, vlan, ipChecksumRight: true, udpChecksumRight: true },
			});
		}
	}
});

test.each([
	["copied", 1],
	["by reference", 0],
])("ring: from memory to nowhere, payload %s, every copy accounted for", async (_, copy) => {
	const generated = ["--backend", "ring", "--backend-arguments", `generate=1200,copy=${copy}`];
	const distribution = await started(...generated);
	expect(distribution.description).toMatchObject({ engine: "dpdk", backend: "ring" });
	const match = { address: "192.0.2.1", port: 5004 };
	const receivers = Array.from({ length: 10 }, (_none, index) => ({ address: `10.78.0.${index + 1}`, port: 6000 }));
	await distribution.put({ name: "cam-1", match, media: "rtp", receivers });
	await eventually(async () => {
		expect((await figuresOf(distribution, "cam-1")).sent.packets).toBeGreaterThan(100_000);
	}, 20_000);
	// A rule for other media takes nothing more, so that its figures stand still; they go on from one rule to the next.
	await distribution.put({ name: "cam-1", match, media: "ts", receivers });
	const { received, sent, drops } = await figuresOf(distribution, "cam-1");
	const { "queue-full": full = 0, "no-buffer": noBuffer = 0 } = drops;
	expect(sent.packets + full + noBuffer).toBe(10 * received.packets);
	expect(sent.bytes).toBe(1200 * sent.packets);
});

test("null: nothing comes, nothing goes, and rules are kept all the same", async () => {
	const distribution = await started("--backend", "null", "--backend-arguments", "no-rx=1");
	const match = { address: "192.0.2.1", port: 5004 };
	await distribution.put({ name: "cam-1", match, media: "rtp", receivers: [{ address: "10.78.0.2", port: 6000 }] });
	expect(await figuresOf(distribution, "cam-1")).toMatchObject({ received: { packets: 0 }, sent: { packets: 0 } });
});

test("memif: two distributors by shared memory, each with a kernel behind: media and ping pass", async () => {
	const lan = createLan();
	onTestFinished(() => lan.remove());
	const directory = makeTempDir("memif");
	const socket = `socket=${join(directory, "memif.sock")},socket-abstract=no`;
	const place = async (role: "server" | "client", tap: string): Promise<Distribution> => {
		const device = ["--backend", "memif", "--interface", tap, "--backend-arguments", `role=${role},${socket}`];
		const side = role === "server" ? lan.server : lan.publisher;
		const engine = engineFor({ kind: "dpdk", side, arguments: [...device, "--no-huge-pages"] });
		const distribution = await Distribution.start(engine);
		onTestFinished(() => distribution.stop());
		lan.run(side, "ip", "address", "add", `10.80.0.${role === "server" ? 1 : 2}/24`, "dev", tap);
		lan.run(side, "ip", "link", "set", tap, "up");
		return distribution;
	};
	const server = await place("server", "tap-near");
	await place("client", "tap-far");
	const ping = async (count: number): Promise<string> => {
		const one = lan.start(lan.publisher, "ping", ["-q", "-i", "0.02", "-c", `${count}`, "-W", "1", "10.80.0.1"]);
		await one.exited;
		return one.stdout;
	};
	// The two find each other by themselves, once each has its end.
	await eventually(async () => expect(await ping(1)).toContain(" 1 received"), 15_000);
	const match = { address: "10.80.0.1", port: 5004 };
	const receivers = [6000, 6001].map((port) => ({ address: "10.80.0.2", port }));
	await server.put({ name: "cam-1", match, media: "rtp", receivers });
	const seen = await LiveCapture.start(lan, lan.publisher, "udp", "tap-far");
	onTestFinished(() => seen.stop());
	const bytes = [200, 1400];
	const pinged = ping(50);
	await publish(lan, { kind: "rtp", to: match, bytes, count: 300, packetsPerSecond: 500 });
	for (const { port } of receivers) expectStream(await seen.arrived(port, 300), { kind: "rtp", bytes, count: 300 });
	expect(await pinged).toContain("50 received, 0% packet loss");
});
