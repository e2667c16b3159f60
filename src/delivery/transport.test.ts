import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { nodeClock } from "../server/node-time.ts";
import { NarrowLink } from "./narrow-link.ts";
import { SocketTransport, StreamTransport, type Transport, type TransportEvents } from "./transport.ts";

let server: Server | undefined;
afterEach(() => {
	server?.close();
});

async function pair(): Promise<{ ours: Socket; theirs: Socket }> {
	server = createServer();
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	const theirs = connect((server.address() as AddressInfo).port, "127.0.0.1");
	const [[ours]] = await Promise.all([once(server, "connection"), once(theirs, "connect")]);
	return { ours, theirs };
}

function narrowLink(socket: Socket, events: TransportEvents): Transport {
	const link = new NarrowLink(nodeClock());
	link.open(events, (own) => new SocketTransport(socket, own));
	return link;
}

describe.each([
	["SocketTransport", (socket: Socket, events: TransportEvents): Transport => new SocketTransport(socket, events)],
	["StreamTransport", (socket: Socket, events: TransportEvents): Transport => new StreamTransport(socket, events)],
	["NarrowLink that is not narrow", narrowLink],
])("%s", (_, create) => {
	test("brings 24 MB to a reader that stops now and then, byte for byte, one write at a time", async () => {
		const { ours, theirs } = await pair();
		const chunks = Array.from({ length: 24 }, () => randomBytes(1_000_000));
		const sent = createHash("sha256");
		for (const chunk of chunks) sent.update(chunk);
		let blocked = 0;
		let next = 0;
		const pump = (): void => {
			while (transport.idle && next < chunks.length) {
				const several = chunks.slice(next, next + (next % 4));
				if (several.length < 2) transport.send(chunks[next]!);
				else transport.sendAll(several);
				next += Math.max(1, several.length);
			}
			if (next < chunks.length) blocked++;
			else if (transport.idle) transport.end(Buffer.from("!"));
		};
		const transport = create(ours, { drained: pump, closed: () => {} });
		const got = createHash("sha256");
		let received = 0;
		theirs.on("data", (bytes) => {
			got.update(received + bytes.length > 24e6 ? bytes.subarray(0, 24e6 - received) : bytes);
			received += bytes.length;
			theirs.pause();
			setImmediate(() => theirs.resume());
		});
		pump();
		await once(theirs, "end");
		theirs.destroy();
		expect(received).toBe(24e6 + 1);
		expect(blocked).toBeGreaterThan(0);
		expect(got.digest("hex")).toBe(sent.digest("hex"));
	});

	test("is not idle, and makes no progress, while the reader takes nothing", async () => {
		const { ours, theirs } = await pair();
		theirs.pause();
		const transport = create(ours, { drained: () => {}, closed: () => {} });
		const chunk = Buffer.alloc(1_000_000);
		for (let i = 0; i < 64 && transport.idle; i++) {
			transport.send(chunk);
			await new Promise((resolve) => setImmediate(resolve));
		}
		expect(transport.idle).toBe(false);
		const before = transport.progress;
		await new Promise((resolve) => setTimeout(resolve, 100));
		expect(transport.progress).toBe(before);
		expect(before).toBeLessThan(64_000_000);
		theirs.destroy();
		ours.destroy();
	});

	test("tells once that the connection is gone, and is never idle again", async () => {
		const { ours, theirs } = await pair();
		let told = 0;
		const closed = new Promise<void>((resolve) => {
			const transport = create(ours, {
				drained: () => {},
				closed: () => {
					told++;
					expect(transport.idle).toBe(false);
					resolve();
				},
			});
			theirs.resetAndDestroy();
		});
		await closed;
		ours.destroy();
		expect(told).toBe(1);
	});
});

test("bytes that the stream layer still holds go out before the first send", async () => {
	const { ours, theirs } = await pair();
	const header = Buffer.alloc(30_000_000, "h");
	ours.write(header);
	const transport = new SocketTransport(ours, { drained: () => transport.end(Buffer.from("body")), closed: () => {} });
	expect(transport.idle).toBe(false);
	let received = 0;
	let tail = "";
	for await (const bytes of theirs) {
		received += (bytes as Buffer).length;
		tail = (tail + (bytes as Buffer).subarray(-8).toString()).slice(-4);
	}
	expect(received).toBe(30_000_004);
	expect(tail).toBe("body");
});
