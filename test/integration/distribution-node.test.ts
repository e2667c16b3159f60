/** Distribution by the engine of this process, on the loopback: rule table, sync, engine, real packets. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { describe, expect, onTestFinished, test } from "vitest";
import { NodeEngine } from "../../src/distribution/node-engine.ts";
import { DEFAULT_LIMITS } from "../../src/distribution/rule-limits.ts";
import { RuleSync } from "../../src/distribution/rule-sync.ts";
import { RuleTable } from "../../src/distribution/rule-table.ts";
import { nodeClock } from "../../src/server/node-time.ts";

const clock = nodeClock();

/** An RTP packet whose payload tells its number. */
function rtp(number: number, payloadBytes = 100): Buffer {
	const packet = Buffer.alloc(12 + payloadBytes, number & 0xff);
	packet.writeUInt16BE(0x8060, 0);
	packet.writeUInt16BE(number & 0xffff, 2);
	packet.writeUInt32BE(number, 12);
	return packet;
}

const rtcp = (): Buffer => Buffer.from("80c90001deadbeef", "hex");
const transportStream = (): Buffer => Buffer.concat(Array.from({ length: 7 }, () => Buffer.alloc(188, 0x47)));

interface Got {
	readonly packets: Buffer[];
	readonly from: { readonly address: string; readonly port: number }[];
	readonly port: number;
	readonly socket: Socket;
}

async function socketOf(address: string): Promise<Socket> {
	const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
	socket.bind({ address });
	await once(socket, "listening");
	socket.setRecvBufferSize(1_000_000);
	onTestFinished(() => void socket.close());
	return socket;
}

async function receiverAt(address: string): Promise<Got> {
	const socket = await socketOf(address);
	const got: Got = { packets: [], from: [], port: socket.address().port, socket };
	socket.on("message", (packet, { address: from, port }) => {
		got.packets.push(packet);
		got.from.push({ address: from, port });
	});
	return got;
}

async function publisherAt(
	address: string,
): Promise<{ port: number; send: (packet: Buffer, port: number) => Promise<void> }> {
	const socket = await socketOf(address);
	const send = (packet: Buffer, port: number): Promise<void> =>
		new Promise((resolve, reject) => {
			socket.send(packet, port, address, (error) => (error === null ? resolve() : reject(error)));
		});
	return { port: socket.address().port, send };
}

/** A port that nobody has had a moment ago. */
async function freePort(address: string): Promise<number> {
	const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
	socket.bind({ address });
	await once(socket, "listening");
	const { port } = socket.address();
	socket.close();
	return port;
}

async function rig() {
	const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
	const engine = new NodeEngine({ clock, version: "0.0.0" });
	const faults: string[] = [];
	const onFault = (rule: string, text: string | undefined): void => void faults.push(`${rule} ${text ?? "works"}`);
	const sync = new RuleSync({ table, engine, clock, onFault });
	await engine.start({
		state: (state) => (state.kind === "up" ? sync.engineUp() : sync.engineDown()),
		event: () => undefined,
	});
	onTestFinished(async () => {
		sync.close();
		await engine.stop();
	});
	return { table, engine, sync, faults };
}

const arrived = (got: Got, count: number): Promise<void> =>
	expect.poll(() => got.packets.length, { timeout: 5000, interval: 10 }).toBe(count);

describe.each(["127.0.0.1", "::1"])("over %s", (address) => {
	test("every receiver gets every packet of its rule, in order, byte by byte, and nothing else", async () => {
		const { table, engine, sync } = await rig();
		const [one, two, publisher, port] = [
			await receiverAt(address),
			await receiverAt(address),
			await publisherAt(address),
			await freePort(address),
		];
		const receivers = [one, two].map((got) => ({ address, port: got.port, ttl: 3 }));
		table.put({ name: "cam-1", match: { address, port }, media: "rtp", receivers });
		await sync.settled();
		const sent: Buffer[] = [];
		for (let number = 0; number < 500; number++) {
			const packet = rtp(number, 100 + (number % 1100));
			sent.push(packet);
			await publisher.send(packet, port);
			if (number % 50 === 0) await publisher.send(rtcp(), port);
			if (number % 100 === 0) await publisher.send(Buffer.from("no media"), port);
		}
		await arrived(one, 500);
		await arrived(two, 500);
		expect(Buffer.concat(one.packets)).toEqual(Buffer.concat(sent));
		expect(Buffer.concat(two.packets)).toEqual(Buffer.concat(sent));
		expect(one.from[0]).toEqual({ address, port });
		const bytes = Buffer.concat(sent).length;
		expect(await engine.stats({ receivers: true })).toMatchObject({
			received: { packets: 500, bytes },
			sent: { packets: 1000, bytes: 2 * bytes },
			drops: { "wrong-media": 10, "no-media": 5 },
			rules: [{ name: "cam-1", receivers: [{ packets: 500, bytes }, { packets: 500 }] }],
		});
	});
});

test("a receiver that comes or goes disturbs no other; one that was removed gets nothing after the answer", async () => {
	const { table, sync } = await rig();
	const address = "127.0.0.1";
	const [stays, comes, publisher, port] = [
		await receiverAt(address),
		await receiverAt(address),
		await publisherAt(address),
		await freePort(address),
	];
	const other = { address, port: comes.port };
	table.put({ name: "cam-1", match: { address, port }, media: "rtp", receivers: [{ address, port: stays.port }] });
	await sync.settled();
	let number = 0;
	for (let round = 0; round < 40; round++) {
		if (round % 2 === 0) table.addReceivers("cam-1", [other]);
		else table.removeReceivers("cam-1", [other]);
		for (let some = 0; some < 10; some++) await publisher.send(rtp(number++), port);
		await sync.settled();
		if (round % 2 === 1) {
			// What came while the change was made may be on its way to it still.
			await arrived(stays, number);
			const before = comes.packets.length;
			for (let some = 0; some < 5; some++) await publisher.send(rtp(number++), port);
			await arrived(stays, number);
			expect(comes.packets.length).toBe(before);
		}
	}
	await arrived(stays, number);
	expect(stays.packets.map((packet) => packet.readUInt32BE(12))).toEqual(Array.from({ length: number }, (_, at) => at));
});

test("a rule with a source takes nobody else's packets", async () => {
	const { table, engine, sync } = await rig();
	const address = "127.0.0.1";
	const [got, right, wrong, port] = [
		await receiverAt(address),
		await publisherAt(address),
		await publisherAt(address),
		await freePort(address),
	];
	const match = { address, port, source: { address, port: right.port } };
	table.put({ name: "cam-1", match, media: "any-media", receivers: [{ address, port: got.port }] });
	await sync.settled();
	await wrong.send(rtp(1), port);
	await right.send(rtcp(), port);
	await right.send(transportStream(), port);
	await arrived(got, 2);
	expect(got.packets).toEqual([rtcp(), transportStream()]);
	expect((await engine.stats({})).drops).toEqual({ "wrong-source": 1 });
});

test("a receiver's rate is kept, and what exceeds it is counted with the receiver", async () => {
	const { table, engine, sync } = await rig();
	const address = "127.0.0.1";
	const [slow, fast, publisher, port] = [
		await receiverAt(address),
		await receiverAt(address),
		await publisherAt(address),
		await freePort(address),
	];
	const receivers = [
		{ address, port: slow.port, maxPacketsPerSecond: 100 },
		{ address, port: fast.port },
	];
	table.put({ name: "cam-1", match: { address, port }, media: "rtp", receivers });
	await sync.settled();
	const start = performance.now();
	for (let number = 0; number < 300; number++) await publisher.send(rtp(number), port);
	await arrived(fast, 300);
	const seconds = (performance.now() - start) / 1000;
	const [limited] = (await engine.stats({ receivers: true })).rules[0]!.receivers!;
	expect(limited!.packets).toBeGreaterThanOrEqual(10);
	expect(limited!.packets).toBeLessThanOrEqual(11 + 100 * seconds);
	expect(limited!.drops).toEqual({ "packet-rate": 300 - limited!.packets });
	await arrived(slow, limited!.packets);
});

test("a receiver that is not there takes nothing away from the others", async () => {
	const { table, engine, sync } = await rig();
	const address = "127.0.0.1";
	const [got, publisher, port, nobody] = [
		await receiverAt(address),
		await publisherAt(address),
		await freePort(address),
		await freePort(address),
	];
	const receivers = [
		{ address, port: nobody },
		{ address, port: got.port },
	];
	table.put({ name: "cam-1", match: { address, port }, media: "rtp", receivers });
	await sync.settled();
	for (let number = 0; number < 100; number++) await publisher.send(rtp(number), port);
	await arrived(got, 100);
	const [dead, alive] = (await engine.stats({ receivers: true })).rules[0]!.receivers!;
	expect(dead!.drops["send-failed"]).toBeGreaterThan(0);
	expect(alive).toMatchObject({ packets: 100, drops: {} });
});

test("what the engine has no means for is refused and told, and works once it is left out", async () => {
	const { table, sync, faults } = await rig();
	const address = "127.0.0.1";
	const rule = (dscp: number) => ({
		name: "cam-1",
		match: { address, port: 5404 },
		media: "rtp",
		receivers: [{ address, port: 5406, dscp }],
	});
	table.put(rule(46));
	await sync.settled();
	expect(sync.faultOf("cam-1")).toContain("UNSUPPORTED: this engine has no dscp");
	table.put(rule(0));
	await sync.settled();
	expect(faults).toEqual(["cam-1 UNSUPPORTED: this engine has no dscp", "cam-1 works"]);
});

test("a group of one link is refused, for there is no interface in a rule", async () => {
	const { table, sync } = await rig();
	table.put({ name: "cam-1", match: { address: "ff12::79:1", port: 5404 }, media: "rtp", receivers: [] });
	table.put({
		...{ name: "cam-2", match: { address: "127.0.0.1", port: 5406 }, media: "rtp" },
		receivers: [{ address: "ff02::1", port: 5408 }],
	});
	await sync.settled();
	expect(sync.faultOf("cam-1")).toMatch(/^ENGINE_FAILED: ff12::79:1 is a group of one link/);
	expect(sync.faultOf("cam-2")).toMatch(/^ENGINE_FAILED: ff02::1 is a group of one link/);
});
