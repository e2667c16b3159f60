/** Clients that mean no good, on real sockets: what they cost, and how soon they are gone. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type RunningProcess, startProcess } from "../kit/processes.ts";
import { HANDSHAKE, RtmpScript } from "../kit/rtmp-script.ts";
import { RtmpServer } from "../kit/rtmp-server.ts";
import { selfSigned } from "../kit/self-signed.ts";

const MANY = 1000;
const MIB = 1024 * 1024;

const ABUSER = fileURLToPath(new URL("../kit/rtmp-abuser.ts", import.meta.url));
const abuse = (port: number, count: number, kind: string): RunningProcess =>
	startProcess(process.execPath, [ABUSER, `${port}`, `${count}`, kind]);

async function connected(port: number): Promise<Socket> {
	const socket = connect({ host: "127.0.0.1", port });
	socket.on("error", () => undefined);
	await once(socket, "connect");
	return socket;
}

/** Until the server has closed it; what it sent is read and dropped. */
async function closed(socket: Socket): Promise<void> {
	socket.resume();
	if (!socket.destroyed) await once(socket, "close");
}

function collected(): NodeJS.MemoryUsage {
	setFlagsFromString("--expose-gc");
	(runInNewContext("gc") as () => void)();
	return process.memoryUsage();
}

test("SEC7: a thousand publishers that promise 60 MiB each and send 2 KiB cost less than 64 MiB in all", async () => {
	const limits = { maxConnections: 2 * MANY, maxConnectionsPerAddress: 2 * MANY, idleTimeoutMs: 60_000 };
	const server = await new RtmpServer(limits).start();
	const before = collected().rss;
	const abuser = abuse(server.port, MANY, "stall");
	await abuser.waitForLine(/^ready$/, 60_000);
	// The last bytes are on their way.
	await expect.poll(() => server.listener.list().length).toBe(MANY);
	await new Promise((resolve) => setTimeout(resolve, 1000));
	expect(server.published.length).toBe(MANY);
	expect(collected().rss - before).toBeLessThan(64 * MIB);
	await abuser.stop();
});

test("SEC7: publishers that flood us with messages of a byte are cut off at once, before they cost a second of CPU", async () => {
	const server = await new RtmpServer().start();
	const before = process.cpuUsage();
	const abuser = abuse(server.port, 4, "flood");
	const began = performance.now();
	await abuser.waitForLine(/^closed$/, 10_000);
	expect(performance.now() - began).toBeLessThan(5000);
	const { user, system } = process.cpuUsage(before);
	expect((user + system) / 1e6).toBeLessThan(1);
	expect(server.refused.map(({ code }) => code)).toEqual(new Array(4).fill("RTMP_LIMIT"));
	await expect.poll(() => server.listener.list()).toEqual([]);
	await abuser.stop();
});

test("two hundred clients that stop within the handshake are gone in time, and an honest one is served", async () => {
	const server = await new RtmpServer({
		setupTimeoutMs: 1000,
		maxConnections: 500,
		maxConnectionsPerAddress: 500,
	}).start();
	const stalled = await Promise.all(Array.from({ length: 200 }, () => connected(server.port)));
	for (const [index, socket] of stalled.entries()) socket.write(HANDSHAKE.subarray(0, index * 15));
	const honest = await connected(server.port);
	honest.write(new RtmpScript().beginning());
	await server.publication();
	const began = performance.now();
	await Promise.all(stalled.map(closed));
	expect(performance.now() - began).toBeLessThan(5000);
	expect(server.refused.length).toBe(200);
	await expect.poll(() => server.listener.list().length).toBe(1);
	honest.destroy();
});

test("connections beyond the limit, in all or of one address, are closed at once, and counted", async () => {
	const server = await new RtmpServer({ maxConnections: 6, maxConnectionsPerAddress: 4 }).start();
	const sockets = await Promise.all(Array.from({ length: 4 }, () => connected(server.port)));
	await closed(await connected(server.port));
	expect(server.refused.map(({ message }) => message)).toEqual([expect.stringContaining("4 of one address")]);
	for (const socket of sockets) socket.destroy();
	await expect.poll(() => server.listener.list().length).toBe(0);
	const again = await connected(server.port);
	again.write(new RtmpScript().beginning());
	await server.publication();
	again.destroy();
});

test("who stalls within TLS is gone in time, too, and counts among the connections", async () => {
	const limits = { tls: selfSigned(), setupTimeoutMs: 700, maxConnectionsPerAddress: 1 };
	const server = await new RtmpServer(limits).start();
	const stalled = await connected(server.port);
	await closed(await connected(server.port));
	expect(server.refused.length).toBe(1);
	await closed(stalled);
	expect(server.listener.list()).toEqual([]);
});

test("publishers that come and are killed at any point, 300 times, leave nothing behind", async () => {
	const server = await new RtmpServer({ second: "take-over" }).start();
	const whole = Buffer.concat([new RtmpScript().beginning(), new Uint8Array(2000)]);
	for (let round = 0; round < 300; round++) {
		const socket = await connected(server.port);
		socket.write(whole.subarray(0, (round * 37) % whole.length));
		await new Promise((resolve) => setTimeout(resolve, round % 5));
		if (round % 2 === 0) socket.resetAndDestroy();
		else socket.destroy();
	}
	await expect.poll(() => server.listener.list()).toEqual([]);
	expect(server.published.length).toBeGreaterThan(20);
	await Promise.all(server.published.map(({ ended }) => ended));
});

test("a client that goes while leave is asked for pushes nobody out", async () => {
	const slow = Promise.withResolvers<void>();
	let asked = 0;
	const server = await new RtmpServer({
		second: "take-over",
		answer: async () => {
			if (++asked > 1) await slow.promise;
			return { kind: "granted", principal: "test" };
		},
	}).start();
	const first = await connected(server.port);
	first.write(new RtmpScript().beginning());
	await server.publication();
	const second = await connected(server.port);
	second.write(new RtmpScript().beginning());
	await expect.poll(() => asked).toBe(2);
	second.resetAndDestroy();
	await expect.poll(() => server.listener.list().length).toBe(1);
	slow.resolve();
	await new Promise((resolve) => setImmediate(resolve));
	expect(server.published.length).toBe(1);
	expect(server.listener.list()).toMatchObject([{ publication: { app: "live", stream: "cam" } }]);
	first.destroy();
});

test("the listener closes whoever is there", async () => {
	const server = await new RtmpServer().start();
	const socket = await connected(server.port);
	socket.write(new RtmpScript().beginning());
	const { ended } = await server.publication();
	await server.listener.close();
	expect(await ended).toBe(undefined);
	await closed(socket);
});
