import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createShapedLink, type ShapedLink } from "./shaped-link.ts";

const RTT_MS = 30;
const QUEUE_BYTES = 60_000;
/** Of a packet of 1500 bytes, without the headers of IP and TCP. */
const PAYLOAD_SHARE = 1448 / 1500;

/**
 * Answers every datagram; and tells of each TCP connection how many bytes came in how many milliseconds: after the
 * first 200 ms, in which the connection finds its speed.
 */
const RECEIVER = `
const echo = require("dgram").createSocket("udp4");
echo.on("message", (bytes, from) => echo.send(bytes, from.port, from.address));
echo.bind(7001, () => require("net").createServer((socket) => {
	let bytes = 0, from, last;
	socket.on("data", (data) => {
		const now = performance.now();
		from ??= now + 200;
		if (now < from) return;
		if (last === undefined) from = now; else bytes += data.length;
		last = now;
	});
	socket.on("close", () => console.log("got " + bytes + " in " + (last - from)));
}).listen(7000, () => console.log("listening")));`;

/** Sends for so many milliseconds, as fast as it goes. */
const SENDER = `
const [ms, host] = process.argv.slice(1);
const socket = require("net").connect(7000, host, () => {
	const write = () => { while (socket.write(Buffer.alloc(16384))); };
	socket.on("drain", write);
	write();
	setTimeout(() => socket.destroy(), Number(ms));
});`;

/** Sends datagrams one after the other, and tells the round trips. */
const PINGER = `
const [count, host] = process.argv.slice(1);
const socket = require("dgram").createSocket("udp4");
const trips = [];
let at;
const send = () => { at = performance.now(); socket.send(Buffer.alloc(100), 7001, host); };
socket.on("message", () => {
	trips.push(performance.now() - at);
	if (trips.length < Number(count)) return setTimeout(send, 5);
	console.log("trips " + JSON.stringify(trips));
	socket.close();
});
send();`;

/** Sends datagrams of 1472 bytes, 1500 with their headers, all at once. */
const FLOODER = `
const [count, host] = process.argv.slice(1);
const socket = require("dgram").createSocket("udp4");
let left = Number(count);
for (let sent = 0; sent < Number(count); sent++)
	socket.send(Buffer.alloc(1472), 7002, host, () => --left === 0 && socket.close());`;

async function startReceiver(link: ShapedLink): Promise<ReturnType<ShapedLink["start"]>> {
	const receiver = link.start(link.far, process.execPath, ["-e", RECEIVER]);
	await receiver.waitForLine(/^listening$/);
	return receiver;
}

/** Bits of payload per second that a TCP connection of so many milliseconds carries. */
async function carriedBps(link: ShapedLink, ms: number): Promise<number> {
	const receiver = await startReceiver(link);
	link.start(link.near, process.execPath, ["-e", SENDER, `${ms}`, link.far.address]);
	const [, bytes, took] = await receiver.waitForLine(/^got (\d+) in (.+)$/, ms + 20_000);
	await receiver.stop();
	return (Number(bytes) * 8000) / Number(took);
}

/** Of what a link of this rate should carry; a machine that was away for a moment is asked again. */
async function carriedShare(link: ShapedLink, rateBps: number, ms: number): Promise<number> {
	let share = 0;
	for (let attempt = 0; attempt < 6 && share < 0.95; attempt++) {
		share = (await carriedBps(link, ms)) / (rateBps * PAYLOAD_SHARE);
	}
	return share;
}

async function roundTrips(link: ShapedLink, count: number): Promise<number[]> {
	const receiver = await startReceiver(link);
	const pinger = link.start(link.near, process.execPath, ["-e", PINGER, `${count}`, link.far.address]);
	const [, trips] = await pinger.waitForLine(/^trips (.+)$/, 20_000);
	await receiver.stop();
	return (JSON.parse(trips!) as number[]).sort((a, b) => a - b);
}

describe("a link through tun devices", () => {
	let link: ShapedLink;
	beforeAll(async () => {
		link = await createShapedLink({ down: { rateBps: 20e6, queueBytes: QUEUE_BYTES }, rttMs: RTT_MS });
	});
	afterAll(() => link.remove());

	it("has its round trip, with little jitter", async () => {
		// Machines are noisy: of the half that was not disturbed, in the first of some tries in which there was such a half.
		let trips: readonly number[] = [];
		const jitterMs = (): number => trips[30]! - trips[0]!;
		for (let attempt = 0; attempt < 6 && !(jitterMs() < 2); attempt++) trips = await roundTrips(link, 60);
		console.log(`round trips: ${[0, 30, 54, 59].map((index) => trips[index]!.toFixed(2)).join(", ")} ms`);
		expect(trips[0]).toBeGreaterThanOrEqual(RTT_MS);
		expect(trips[0]).toBeLessThan(RTT_MS + 2);
		expect(jitterMs()).toBeLessThan(2);
	});

	it.each([1, 5, 20])("carries %i Mbit/s to within 5 %", async (megabits) => {
		await link.setRate(megabits * 1e6);
		const share = await carriedShare(link, megabits * 1e6, 2000);
		expect(share).toBeGreaterThan(0.95);
		expect(share).toBeLessThan(1.05);
	});

	it("drops what its queue does not take, and counts it", async () => {
		await link.setRate(100_000);
		const { down: before } = await link.counts();
		const flooder = link.start(link.near, process.execPath, ["-e", FLOODER, "100", link.far.address]);
		await flooder.exited;
		const { down } = await link.counts();
		const dropped = down.droppedPackets - before.droppedPackets;
		// At 100 kbit/s a packet takes 120 ms: next to nothing leaves meanwhile.
		expect(dropped).toBeGreaterThanOrEqual(55);
		expect(dropped).toBeLessThanOrEqual(60);
		expect(down.droppedBytes - before.droppedBytes).toBe(dropped * 1500);
		expect(down.peakQueuedBytes).toBe(QUEUE_BYTES);
	});

	it("changes its rate at once, even for what waits already", async () => {
		await link.setRate(20e6);
		await roundTrips(link, 1);
		const at = await link.play([
			{ durationMs: 400, rateBps: 100_000 },
			{ durationMs: 0, rateBps: 20e6 },
		]);
		expect(Math.abs(performance.now() - at)).toBeLessThan(100);
		const receiver = await startReceiver(link);
		const flooder = link.start(link.near, process.execPath, ["-e", FLOODER, "30", link.far.address]);
		await flooder.exited;
		// 30 packets and a pinger's: 3.6 s at the first rate, 20 ms at the second.
		const pinger = link.start(link.near, process.execPath, ["-e", PINGER, "1", link.far.address]);
		const [, trips] = await pinger.waitForLine(/^trips \[(.+)\]$/, 20_000);
		expect(Number(trips)).toBeLessThan(400 + RTT_MS + 100);
		await receiver.stop();
	});
});

describe("a link through the kernel's token bucket", () => {
	it("carries its rate, and a new one, and goes without a trace", async () => {
		const link = await createShapedLink({ kind: "tbf", down: { rateBps: 2e6, queueBytes: QUEUE_BYTES } });
		for (const rateBps of [2e6, 8e6]) {
			await link.setRate(rateBps);
			const share = await carriedShare(link, rateBps, 1500);
			expect(share).toBeGreaterThan(0.93);
			expect(share).toBeLessThan(1.07);
		}
		expect((await link.counts()).down.droppedPackets).toBeGreaterThan(0);
		await link.remove();
		expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).not.toContain(link.near.namespace);
	});
});
