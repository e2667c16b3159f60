import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { bitsPerSecond } from "../base/units.ts";
import { nodeClock } from "../server/node-time.ts";
import { NarrowLink } from "./narrow-link.ts";
import { SocketTransport, type Transport, type TransportEvents } from "./transport.ts";

/** A network that takes all at once, or nothing until it is told to. */
class Wire implements Transport {
	readonly events: TransportEvents;
	sent = Buffer.alloc(0);
	idle = true;
	ended: string | undefined;
	constructor(events: TransportEvents) {
		this.events = events;
	}
	get progress(): number {
		return this.sent.length;
	}
	look = (): undefined => undefined;
	send = (bytes: Buffer): void => this.sendAll([bytes]);
	sendAll(buffers: readonly Buffer[]): void {
		expect(this.idle).toBe(true);
		this.sent = Buffer.concat([this.sent, ...buffers]);
	}
	end(bytes: Buffer): void {
		expect(this.idle).toBe(true);
		this.ended = bytes.toString();
		this.idle = false;
	}
	destroy(): void {
		this.idle = false;
	}
}

function setUp(rate?: number) {
	const clock = new ManualClock();
	let drained = 0;
	let wire!: Wire;
	const link = new NarrowLink(clock);
	link.open({ drained: () => drained++, closed: () => {} }, (own) => {
		wire = new Wire(own);
		return wire;
	});
	if (rate !== undefined) link.rate = bitsPerSecond(rate);
	return { clock, link, wire, drained: () => drained };
}

const SOME = randomBytes(100_000);
/** 1448 bytes each. */
const segments = (count: number): Buffer => SOME.subarray(0, count * 1448);

describe("a narrow link", () => {
	test("lets whole segments go at its rate, and the rest when its time has come", () => {
		const { clock, link, wire } = setUp(1_448_000); // one segment in 8 ms
		link.send(SOME.subarray(0, 10 * 1448 + 724));
		expect(wire.sent.length).toBe(0);
		clock.advance(7);
		expect(wire.sent.length).toBe(0);
		clock.advance(33);
		expect(wire.sent.length).toBe(5 * 1448);
		clock.advance(43);
		expect(wire.sent.length).toBe(10 * 1448);
		clock.advance(7);
		expect(wire.sent).toEqual(SOME.subarray(0, 10 * 1448 + 724));
	});

	test("keeps its rate over many writes, however late its timers are", () => {
		const { clock, link, wire } = setUp(1_448_000);
		for (let ms = 0; ms < 10_000; ms += 50) {
			while (link.idle) link.sendAll([segments(2), segments(1)]);
			clock.advance(50);
		}
		expect(wire.sent.length / 1448).toBeGreaterThan(1245);
		expect(wire.sent.length / 1448).toBeLessThanOrEqual(1250);
	});

	test("is busy with a queue, and tells when it takes more, as often as it was busy", () => {
		const { clock, link, drained } = setUp(1_448_000);
		link.send(segments(20));
		expect(link.idle).toBe(false);
		clock.advance(60);
		expect([link.idle, drained()]).toEqual([false, 0]);
		clock.advance(20);
		expect([link.idle, drained()]).toEqual([true, 1]);
		clock.advance(1000);
		expect(drained()).toBe(1);
		link.send(segments(1));
		expect(link.idle).toBe(true);
	});

	test("that has had nothing to do does not make up for it", () => {
		const { clock, link, wire } = setUp(1_448_000);
		clock.advance(60_000);
		link.send(segments(20));
		clock.advance(80);
		expect(wire.sent.length).toBe(10 * 1448);
	});

	test("nor for a network that took nothing", () => {
		const { clock, link, wire, drained } = setUp(1_448_000);
		link.send(segments(60));
		clock.advance(80);
		wire.idle = false;
		clock.advance(60_000);
		expect(wire.sent.length).toBe(10 * 1448);
		wire.idle = true;
		wire.events.drained();
		expect(wire.sent.length).toBeLessThanOrEqual((10 + 32) * 1448);
		expect(drained()).toBe(0);
	});

	test("that is lifted lets everything go at once, in order, and from then on is not there", () => {
		const { clock, link, wire, drained } = setUp(100_000);
		link.send(segments(20));
		clock.advance(200);
		link.rate = undefined;
		expect([wire.sent.equals(segments(20)), drained(), link.idle]).toEqual([true, 1, true]);
		link.send(Buffer.from("more"));
		expect(wire.sent.subarray(-4).toString()).toBe("more");
	});

	test("closes behind what waits", () => {
		const { clock, link, wire } = setUp(1_448_000);
		link.send(segments(5));
		link.end(Buffer.from("0"));
		expect([link.idle, wire.ended]).toEqual([false, undefined]);
		clock.advance(40);
		expect([wire.sent.length, wire.ended]).toEqual([5 * 1448, "0"]);
	});

	test("that is dropped lets nothing go any more", () => {
		const { clock, link, wire } = setUp(1_448_000);
		link.send(segments(5));
		link.destroy();
		clock.advance(1000);
		expect([wire.sent.length, link.idle]).toEqual([0, false]);
	});
});

test("a link that changes its width all the time brings every byte to a real socket, in order", async () => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const theirs = connect((server.address() as AddressInfo).port, "127.0.0.1");
	const [[ours]] = await Promise.all([once(server, "connection"), once(theirs, "connect")]);
	const link = new NarrowLink(nodeClock());
	const rates = [undefined, 400_000_000, 1_000_000_000, 50_000_000];
	const sent = createHash("sha256");
	let written = 0;
	let writes = 0;
	const pump = (): void => {
		while (link.idle && written < 8_000_000) {
			const bytes = SOME.subarray(0, 1 + ((writes * 7919) % SOME.length));
			const rate = rates[writes++ % rates.length];
			link.rate = rate === undefined ? undefined : bitsPerSecond(rate);
			sent.update(bytes);
			written += bytes.length;
			link.send(bytes);
		}
		if (written >= 8_000_000 && link.idle) link.end(Buffer.alloc(0));
	};
	link.open({ drained: pump, closed: () => {} }, (own) => new SocketTransport(ours, own));
	const got = createHash("sha256");
	theirs.on("data", (bytes) => got.update(bytes));
	pump();
	await once(theirs, "end");
	theirs.destroy();
	server.close();
	expect(got.digest("hex")).toBe(sent.digest("hex"));
});
