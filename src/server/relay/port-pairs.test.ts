import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test } from "vitest";
import { PortPairs } from "./port-pairs.ts";

test("pairs are even and odd, and nobody has one twice", async () => {
	const pairs = new PortPairs({ first: 40_001, last: 49_999 }, Math.random);
	const taken = await Promise.all(Array.from({ length: 50 }, () => pairs.take(4)));
	for (const pair of taken) {
		expect(pair!.rtp % 2).toBe(0);
		expect(pair!.rtcp).toBe(pair!.rtp + 1);
		expect(pair!.rtp).toBeGreaterThan(40_000);
		expect(pair!.rtcp).toBeLessThan(50_000);
	}
	expect(new Set(taken.map((pair) => pair!.rtp)).size).toBe(50);
});

test("a port that somebody has, shared or not, is passed over; what is given back can be had again", async () => {
	const socket = createSocket({ type: "udp4", reuseAddr: true });
	socket.bind(0, "127.0.0.1");
	await once(socket, "listening");
	const even = socket.address().port - (socket.address().port % 2);
	const pairs = new PortPairs({ first: even, last: even + 1 }, () => 0);
	expect(await pairs.take(4)).toBeUndefined();
	socket.close();
	await once(socket, "close");
	const pair = (await pairs.take(4))!;
	expect(pair).toEqual({ rtp: even, rtcp: even + 1 });
	expect(await pairs.take(4)).toBeUndefined();
	pairs.release(pair);
	expect(await pairs.take(4)).toEqual(pair);
});
