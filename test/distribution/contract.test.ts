/**
 * What every engine does alike, each on the port of a server of its own: packets come from a publisher's machine, and a
 * capture on the receivers' decides what has arrived. Rules go the whole way: table, sync, control protocol, engine.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CONTENDERS, type Contender, Distribution, engineOf } from "../kit/distribution/distribution.ts";
import { expectStream } from "../kit/distribution/expect-stream.ts";
import { readUdpFrame } from "../kit/distribution/frames.ts";
import { createLan, type Lan, TAGGED } from "../kit/distribution/lan.ts";
import { LiveCapture } from "../kit/distribution/live-capture.ts";
import { mediaPacket } from "../kit/distribution/media-packets.ts";
import { PcapReader } from "../kit/distribution/pcap-reader.ts";
import { publish } from "../kit/distribution/publisher.ts";
import { startUdpSink } from "../kit/distribution/udp-sink.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

/** Unhurried: far below what the slowest engine can do on a busy machine. */
const PACE = 1000;

/** Packets of 1200 bytes a second to ten receivers that stay below half of what each engine can do (docs/benchmarks.md). */
const LOADS: Readonly<Record<Contender, number>> = { node: 500, sockets: 2000, af_xdp: 2000, af_packet: 2000 };
const LOAD_SECONDS = 2;
const FAN_OUT = 10;

describe.each(CONTENDERS)("%s", (contender) => {
	let lan: Lan;
	let distribution: Distribution;
	beforeAll(async () => {
		lan = createLan();
		distribution = await Distribution.start(engineOf(contender, lan.server));
	});
	afterAll(async () => {
		await distribution?.stop();
		lan?.remove();
	});

	const isDpdk = contender === "af_xdp" || contender === "af_packet";

	/** A rule that works for the length of a test. */
	async function rule(draft: { readonly name: string; readonly [key: string]: unknown }): Promise<void> {
		await distribution.put(draft);
		onTestFinished(() => distribution.drop(draft.name));
	}

	async function capture(filter?: string): Promise<LiveCapture> {
		const started = await LiveCapture.start(lan, lan.receivers, filter);
		onTestFinished(() => started.stop());
		return started;
	}

	const figuresOf = async (name: string) => (await distribution.engine.stats({ names: [name] })).rules[0]!;
	const dropsOf = async () => (await distribution.engine.stats({ names: [] })).drops;

	test("says what it is", () => {
		const [engine, backend] = isDpdk ? ["dpdk", contender] : [contender, contender];
		expect(distribution.description).toMatchObject({ engine, backend });
	});

	test.each(["ipv4", "ipv6"] as const)("%s in: whole, in order, checksums right, to both families", async (family) => {
		const [to, port] = [lan.server[family], 5004];
		const { receivers } = lan;
		await rule({
			...{ name: "cam-1", match: { address: to, port }, media: "rtp" },
			receivers: [
				{ address: receivers.ipv4, port: 6000 },
				{ address: receivers.ipv4, port: 6001 },
				{ address: receivers.ipv6, port: 6002 },
			],
		});
		const seen = await capture();
		const bytes = [12, 13, 200, 1316, 1452];
		const before = await dropsOf();
		await Promise.all([
			publish(lan, { kind: "rtp", to: { address: to, port }, bytes, count: 300, packetsPerSecond: PACE }),
			publish(lan, { kind: "rtcp", to: { address: to, port }, bytes: [28], count: 10, packetsPerSecond: 50 }),
			publish(lan, { kind: "text", to: { address: to, port }, bytes: [40], count: 10, packetsPerSecond: 50 }),
		]);
		for (const [receiver, sender] of [
			[{ address: receivers.ipv4, port: 6000 }, lan.server.ipv4],
			[{ address: receivers.ipv4, port: 6001 }, lan.server.ipv4],
			[{ address: receivers.ipv6, port: 6002 }, lan.server.ipv6],
		] as const) {
			const frames = await seen.arrived(receiver.port, 300);
			expectStream(frames, { kind: "rtp", bytes, count: 300 });
			for (const { source, sourcePort, destination, ttl, dscp, ecn, vlan } of frames) {
				const [wanted, expected] = [{ source, sourcePort, destination, ttl, dscp, ecn, vlan }, receiver.address];
				expect(wanted).toEqual({
					...{ source: sender, sourcePort: port, destination: expected },
					...{ ttl: 64, dscp: 0, ecn: 0, vlan: undefined },
				});
			}
		}
		const payload = 60 * bytes.reduce((sum, size) => sum + size, 0);
		expect(await figuresOf("cam-1")).toMatchObject({
			received: { packets: 300, bytes: payload },
			sent: { packets: 900, bytes: 3 * payload },
		});
		const after = await dropsOf();
		expect((after["wrong-media"] ?? 0) - (before["wrong-media"] ?? 0)).toBe(10);
		expect((after["no-media"] ?? 0) - (before["no-media"] ?? 0)).toBeGreaterThanOrEqual(10);
	});

	test("a publisher on the same host, whose kernel leaves checksums to the device", async () => {
		lan.offloadChecksums(lan.publisher, "device");
		onTestFinished(() => lan.offloadChecksums(lan.publisher, "kernel"));
		const match = { address: lan.server.ipv4, port: 5004 };
		await rule({ name: "cam-1", match, media: "rtp", receivers: [{ address: lan.receivers.ipv4, port: 6000 }] });
		const seen = await capture();
		await publish(lan, { kind: "rtp", to: match, bytes: [100, 1400], count: 100, packetsPerSecond: PACE });
		expectStream(await seen.arrived(6000, 100), { kind: "rtp", bytes: [100, 1400], count: 100 });
	});

	test("as large as the MTU, and what exceeds it is not sent and counted", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = [
			{ address: lan.receivers.ipv4, port: 6000 },
			{ address: lan.receivers.ipv6, port: 6001 },
		];
		await rule({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await capture();
		await publish(lan, { kind: "rtp", to: match, bytes: [1472], count: 50, packetsPerSecond: PACE });
		expectStream(await seen.arrived(6000, 50), { kind: "rtp", bytes: [1472], count: 50 });
		// The engine inside Penstock has no means to forbid fragments.
		if (contender === "node") return;
		expect(seen.to(6001)).toEqual([]);
		expect((await distribution.receivers("cam-1")).map(({ packets, drops }) => ({ packets, drops }))).toEqual([
			{ packets: 50, drops: {} },
			{ packets: 0, drops: { "too-large": 50 } },
		]);
	});

	test("time to live, source port and, where it can, DSCP are the receiver's own", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const { dscp: able } = distribution.description.capabilities;
		const dscp = able ? { dscp: 46 } : {};
		const receivers = [
			{ address: lan.receivers.ipv4, port: 6000, ttl: 3, sourcePort: 7004, ...dscp },
			{ address: lan.receivers.ipv6, port: 6001, ttl: 255, sourcePort: 7006, ...dscp },
			{ address: lan.receivers.ipv4, port: 6002, ttl: 64, sourcePort: 5004, dscp: 0 },
		];
		await rule({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await capture();
		await publish(lan, { kind: "rtp", to: match, bytes: [200], count: 20, packetsPerSecond: PACE });
		for (const { port, ttl, sourcePort, ...more } of receivers) {
			const frames = await seen.arrived(port, 20);
			expectStream(frames, { kind: "rtp", bytes: [200], count: 20 });
			const wanted = { ttl, sourcePort, dscp: "dscp" in more ? more.dscp : 0, ecn: 0 };
			for (const frame of frames) expect(frame).toMatchObject(wanted);
		}
	});

	test("what it cannot do it refuses, and says what", async () => {
		const { dscp, vlan } = distribution.description.capabilities;
		const match = { address: lan.server.ipv4, port: 5004 };
		const [address, port] = [lan.receivers.ipv4, 6000];
		const tagged = { name: "tag", match: { ...match, vlan: 7 }, media: "rtp", receivers: [] };
		const marked = { name: "mark", match, media: "rtp", receivers: [{ address, port, dscp: 46 }] };
		const fault = (able: boolean) => (able ? undefined : expect.stringContaining("UNSUPPORTED"));
		expect(await distribution.refused(tagged)).toEqual(fault(vlan));
		expect(await distribution.refused(marked)).toEqual(fault(dscp));
	});

	if (isDpdk)
		test("a tag is a part of the match, and each receiver has his own or none", async () => {
			lan.tagPackets(lan.publisher);
			const { vlan: tag, port: taggedPort } = TAGGED;
			const match = { address: lan.server.ipv4, port: taggedPort };
			const receivers = [
				{ address: lan.receivers.ipv4, port: 6000, vlan: 7 },
				{ address: lan.receivers.ipv4, port: 6001 },
			];
			await rule({ name: "tagged", match: { ...match, vlan: tag }, media: "rtp", receivers });
			const untagged = [{ address: lan.receivers.ipv4, port: 6002 }];
			await rule({ name: "untagged", match, media: "rtp", receivers: untagged });
			const seen = await capture();
			await publish(lan, { kind: "rtp", to: match, bytes: [200, 1472], count: 50, packetsPerSecond: PACE });
			for (const [port, vlan] of [
				[6000, 7],
				[6001, undefined],
			] as const) {
				const frames = await seen.arrived(port, 50);
				expectStream(frames, { kind: "rtp", bytes: [200, 1472], count: 50 });
				expect(new Set(frames.map((frame) => frame.vlan))).toEqual(new Set([vlan]));
			}
			expect(seen.to(6002)).toEqual([]);
			expect((await figuresOf("untagged")).received.packets).toBe(0);
		});

	test.each([
		["IPv4", { from: "239.79.0.1", to: "239.79.0.2", mac: "01005e4f0002" }],
		["IPv6", { from: "ff15::79:1", to: "ff15::79:2", mac: "333300790002" }],
	])("from a group of %s, and to a group", async (_, { from, to, mac }) => {
		const match = { address: from, port: 5004 };
		const receivers = [
			{ address: lan.receivers.ipv4, port: 6000 },
			{ address: to, port: 6001, ttl: 5 },
		];
		await rule({ name: "group", match, media: "rtp", receivers });
		const seen = await capture();
		await publish(lan, { kind: "rtp", to: match, bytes: [600], count: 50, packetsPerSecond: PACE });
		expectStream(await seen.arrived(6000, 50), { kind: "rtp", bytes: [600], count: 50 });
		const frames = await seen.arrived(6001, 50);
		expectStream(frames, { kind: "rtp", bytes: [600], count: 50 });
		for (const frame of frames) expect(frame).toMatchObject({ targetMac: mac, ttl: 5, destination: to });
	});

	test("each rule takes its kind of media, and any-media takes all", async () => {
		const [address, ports] = [lan.server.ipv4, [5004, 5005, 5006, 5007]];
		const kinds = ["rtp", "rtcp", "ts", "any-media"] as const;
		for (const [index, media] of kinds.entries()) {
			const receivers = [{ address: lan.receivers.ipv4, port: 6000 + index }];
			await rule({ name: `only-${media}`, match: { address, port: ports[index] }, media, receivers });
		}
		const seen = await capture();
		const bytes = { rtp: [200], rtcp: [28], ts: [1316] } as const;
		const sent = ports.flatMap((port) =>
			(["rtp", "rtcp", "ts"] as const).map((kind, stream) => {
				const shape = { kind, stream, bytes: bytes[kind] };
				return publish(lan, { ...shape, to: { address, port }, count: 20, packetsPerSecond: PACE });
			}),
		);
		await Promise.all(sent);
		await seen.arrived(6003, 60);
		for (const [index, kind] of (["rtp", "rtcp", "ts"] as const).entries()) {
			expectStream(await seen.arrived(6000 + index, 20), { kind, stream: index, bytes: bytes[kind], count: 20 });
			const ofKind = seen.to(6003).filter(({ payload }) => payload.length === bytes[kind][0]);
			expectStream(ofKind, { kind, stream: index, bytes: bytes[kind], count: 20 });
		}
	});

	test("a rule with a source takes nobody else's packets", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const source = { address: lan.publisher.ipv4, port: 4000 };
		const receivers = [{ address: lan.receivers.ipv4, port: 6000 }];
		await rule({ name: "cam-1", match: { ...match, source }, media: "rtp", receivers });
		const seen = await capture();
		const job = { kind: "rtp", to: match, bytes: [200], count: 30, packetsPerSecond: PACE } as const;
		await publish(lan, { ...job, stream: 2, fromPort: 4001 });
		await publish(lan, { ...job, stream: 1, fromPort: 4000 });
		expectStream(await seen.arrived(6000, 30), { kind: "rtp", bytes: [200], count: 30 });
		expect(await figuresOf("cam-1")).toMatchObject({ received: { packets: 30 }, drops: { "wrong-source": 30 } });
	});

	test("fragments are not distributed, and counted", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		await rule({ name: "cam-1", match, media: "rtp", receivers: [{ address: lan.receivers.ipv4, port: 6000 }] });
		const seen = await capture();
		const before = await dropsOf();
		await publish(lan, { kind: "rtp", to: match, bytes: [3000], count: 10, packetsPerSecond: 100 });
		await publish(lan, { kind: "rtp", to: match, bytes: [200], first: 10, count: 10, packetsPerSecond: 100 });
		// The kernel has put them together for an engine on sockets; of those one may cut them again.
		const after = await dropsOf();
		const more = (reason: "fragment" | "ip-header" | "jumbo" | "too-large"): number =>
			(after[reason] ?? 0) - (before[reason] ?? 0);
		if (isDpdk) expect(more("fragment") + more("ip-header") + more("jumbo")).toBeGreaterThanOrEqual(10);
		else if (contender === "sockets") expect(more("too-large")).toBe(10);
		const whole = await seen.arrived(6000, 10);
		expectStream(whole, { kind: "rtp", bytes: [200], first: 10, count: 10 });
	});

	if (contender !== "node") {
		test("a capture has a rule's packets as they came in", async () => {
			const match = { address: lan.server.ipv4, port: 5004 };
			const receivers = [{ address: lan.receivers.ipv4, port: 6000 }];
			await rule({ name: "cam-1", match, media: "rtp", receivers });
			const path = join(makeTempDir("capture"), "cam-1.pcapng");
			await distribution.engine.capture({ name: "cam-1", path, packets: 50 });
			const job = { kind: "rtp", to: match, bytes: [200, 1400], packetsPerSecond: PACE } as const;
			await publish(lan, { ...job, count: 60, fromPort: 4000 });
			const ended = { event: "capture.ended", name: "cam-1", path, packets: 50 };
			await expect.poll(() => distribution.events, { timeout: 5000 }).toContainEqual(ended);
			const pcap = execFileSync("tcpdump", ["-r", path, "-Z", "root", "-w", "-"], {
				stdio: ["ignore", "pipe", "ignore"],
			});
			const frames = new PcapReader().push(pcap).map(({ bytes, atMs }) => readUdpFrame(bytes, atMs)!);
			expectStream(frames, { kind: "rtp", bytes: [200, 1400], count: 50 });
			const wanted = {
				source: lan.publisher.ipv4,
				sourcePort: 4000,
				destination: match.address,
				destinationPort: 5004,
			};
			for (const frame of frames) expect(frame).toMatchObject(wanted);
		});
	}

	test("receivers on the server itself get every packet, as others do", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const sinks = await Promise.all([
			startUdpSink(lan, lan.server, lan.server.ipv4, 6100),
			startUdpSink(lan, lan.server, "127.0.0.1", 6101),
			startUdpSink(lan, lan.server, "::1", 6102),
		]);
		onTestFinished(async () => void (await Promise.all(sinks.map((sink) => sink.stop()))));
		const receivers = [
			{ address: lan.receivers.ipv4, port: 6000 },
			{ address: lan.server.ipv4, port: 6100 },
			{ address: "127.0.0.1", port: 6101 },
			{ address: "::1", port: 6102 },
		];
		await rule({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await capture();
		await publish(lan, { kind: "rtp", to: match, bytes: [200, 1300], count: 100, packetsPerSecond: PACE });
		expectStream(await seen.arrived(6000, 100), { kind: "rtp", bytes: [200, 1300], count: 100 });
		const sent = Array.from({ length: 100 }, (_, number) =>
			mediaPacket({ kind: "rtp", stream: 1, bytes: number % 2 === 0 ? 200 : 1300 }, number),
		);
		for (const sink of sinks) {
			await expect.poll(() => sink.payloads().length, { timeout: 5000 }).toBe(100);
			expect(Buffer.concat(sink.payloads()).equals(Buffer.concat(sent))).toBe(true);
		}
	});

	test("a receiver that is not there takes nothing away from the others", async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const [absent, there] = [
			{ address: "10.79.0.99", port: 6000 },
			{ address: lan.receivers.ipv4, port: 6001 },
		];
		distribution.table.put({ name: "cam-1", match, media: "rtp", receivers: [absent, there] });
		onTestFinished(() => distribution.drop("cam-1"));
		await distribution.settled();
		const seen = await capture();
		await publish(lan, { kind: "rtp", to: match, bytes: [200], count: 100, packetsPerSecond: PACE });
		expectStream(await seen.arrived(6001, 100), { kind: "rtp", bytes: [200], count: 100 });
		expect(seen.to(6000)).toEqual([]);
		if (!isDpdk) return;
		const [unresolved, ready] = await distribution.receivers("cam-1");
		expect(unresolved).toMatchObject({ packets: 0, state: "unresolved", drops: { "no-neighbour": 100 } });
		expect(ready).toMatchObject({ packets: 100, state: "ready", drops: {} });
	});

	test(`one to ten at ${LOADS[contender]} packets a second: none lost, none twice, none late`, async () => {
		const match = { address: lan.server.ipv4, port: 5004 };
		const receivers = Array.from({ length: FAN_OUT }, (_, index) => ({
			...{ address: lan.receivers.ipv4, port: 6000 + index },
		}));
		await rule({ name: "cam-1", match, media: "rtp", receivers });
		const seen = await capture("udp dst port 6003");
		const arrivedBefore = lan.countArrived();
		const packetsPerSecond = LOADS[contender];
		const count = packetsPerSecond * LOAD_SECONDS;
		await publish(lan, { kind: "rtp", to: match, bytes: [1200], count, packetsPerSecond });
		// Of what is lost, this tells where: before the engine, in it, or behind it.
		await expect
			.poll(() => figuresOf("cam-1"), { timeout: 5000 })
			.toMatchObject({
				received: { packets: count },
				sent: { packets: FAN_OUT * count },
				drops: {},
			});
		expectStream(await seen.arrived(6003, count), { kind: "rtp", bytes: [1200], count });
		const arrived = (): number => lan.countArrived() - arrivedBefore;
		await expect.poll(arrived, { timeout: 5000 }).toBe(FAN_OUT * count);
	});
});
