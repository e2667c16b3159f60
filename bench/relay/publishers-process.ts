/**
 * All publishers of the benchmark. Run by `fork` in the publishers' namespace as `publishers-process.ts SETTINGS`
 * (order.ts): each stream is an RTSP session that records, and RTP packets by UDP from a port of its own, each with
 * the moment of its making where the sink looks for it (native/distributor/bench/stamp.h).
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { stampNow } from "../kit/stamp.ts";
import type { Loaded, LoadOrder, PublisherSettings } from "./order.ts";
import { inRows, Signalling } from "./signalling.ts";

const settings = JSON.parse(process.argv[2] ?? "") as PublisherSettings;
const { streams, payloadBytes, bitsPerSecond } = settings;

const FIRST_PORT = 30_000;
const STAMP_MAGIC = 0x50454e53;
const RTP_BYTES = 12;
/** RTP's clock of video. */
const CLOCK_RATE = 90_000;
const TICK_MS = 1;
/** Sessions end that bring nothing; what is sent between loads has no stamp, and the sink does not count it. */
const IDLE_TICK_MS = 500;
/** Packets of a stream that may be on their way into the kernel. */
const BUFFERS = 16;

const packetsPerMs = bitsPerSecond / (8 * payloadBytes) / 1000;

class Stream {
	sent = 0;
	readonly #socket: Socket;
	readonly #packets: readonly Buffer[];
	/** Streams do not send at the same moments. */
	readonly #phase: number;
	#number = 0;

	constructor(socket: Socket, at: number) {
		this.#socket = socket;
		this.#phase = at / streams;
		this.#packets = Array.from({ length: BUFFERS }, () => {
			const packet = Buffer.alloc(payloadBytes, 0x5a);
			packet.writeUInt16BE(0x8060, 0);
			packet.writeUInt32BE(at + 1, 8);
			return packet;
		});
	}

	/** What is due so many milliseconds after a load's beginning, less what it has `sent` of it. */
	sendDue(elapsedMs: number): void {
		for (const due = Math.floor(elapsedMs * packetsPerMs + this.#phase); this.sent < due; this.sent++) this.send(true);
	}

	send(stamped: boolean): void {
		const packet = this.#packets[this.#number % BUFFERS]!;
		const now = Math.round(stampNow());
		packet.writeUInt16BE(this.#number++ & 0xffff, 2);
		packet.writeUInt32BE(Math.floor((now * CLOCK_RATE) / 1e9) >>> 0, 4);
		packet.writeUInt32LE(stamped ? STAMP_MAGIC : 0, RTP_BYTES);
		packet.writeUInt32LE(Math.floor(now / 2 ** 32), RTP_BYTES + 4);
		packet.writeUInt32LE(now % 2 ** 32, RTP_BYTES + 8);
		this.#socket.send(packet);
	}
}

const all: Stream[] = [];
let refused = 0;

async function open(at: number): Promise<void> {
	const port = FIRST_PORT + 2 * at;
	const socket = createSocket("udp4").bind(port, settings.address);
	await once(socket, "listening");
	socket.on("error", () => refused++);
	const serverPort = await new Signalling(`${settings.server}/live/cam-${at}`).record(port);
	socket.connect(serverPort, new URL(settings.server.replace(/^rtsp/, "http")).hostname);
	await once(socket, "connect");
	const stream = new Stream(socket, at);
	stream.send(false);
	all.push(stream);
}

/** @returns when it is over */
async function load(forMs: number): Promise<Loaded> {
	for (const stream of all) stream.sent = 0;
	refused = 0;
	const start = performance.now();
	for (;;) {
		const elapsed = performance.now() - start;
		for (const stream of all) stream.sendDue(Math.min(elapsed, forMs));
		if (elapsed >= forMs) break;
		await new Promise((resolve) => setTimeout(resolve, TICK_MS));
	}
	const packets = all.reduce((sum, { sent }) => sum + sent, 0);
	return { packets: packets - refused, refused, tookMs: performance.now() - start };
}

let idle: NodeJS.Timeout;
const rest = (): void => {
	idle = setInterval(() => {
		for (const stream of all) stream.send(false);
	}, IDLE_TICK_MS);
};

async function carryOut(order: LoadOrder): Promise<void> {
	if (order.do === "stop") process.exit(0);
	clearInterval(idle);
	const loaded = await load(order.forMs);
	rest();
	process.send?.(loaded);
}

process.on("message", (order) => void carryOut(order as LoadOrder));
process.on("disconnect", () => process.exit(1));
await inRows(streams, 8, open);
rest();
process.send?.({ packets: 0, refused: 0, tookMs: 0 } satisfies Loaded);
