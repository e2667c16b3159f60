/**
 * The receiving side of the benchmarks of delay, in a process of its own: `count` connections, and for each stamped
 * picture the time from its write to the pipe until the last byte of its message (HTTP chunk, or FLV tag from the bare
 * server) was read here.
 *
 * Run by `fork` with a `LoadOrder` as its argument; sends a `LoadResult`.
 */
import { connect } from "node:net";
import { findStamp, stampNow } from "./stamp.ts";

export interface LoadOrder {
	readonly port: number;
	/** Of the stream to GET; undefined: raw FLV tags come unasked. */
	readonly path?: string;
	readonly count: number;
	/** What comes before is not counted: it was written before the connection was there. */
	readonly warmUpMs: number;
	readonly measureMs: number;
}

export interface LoadResult {
	/** One for each picture and viewer. */
	readonly delaysMs: readonly number[];
	readonly bytes: number;
}

/** Cuts the stream into messages; `end` is exclusive, undefined while the message is not whole. */
type MessageEnd = (buffer: Buffer) => number | undefined;

function chunkEnd(buffer: Buffer): number | undefined {
	const line = buffer.indexOf("\r\n");
	if (line < 0) return undefined;
	const end = line + 2 + Number.parseInt(buffer.toString("latin1", 0, line), 16) + 2;
	return end <= buffer.length ? end : undefined;
}

function flvTagEnd(buffer: Buffer): number | undefined {
	if (buffer.length < 11) return undefined;
	if (buffer.toString("latin1", 0, 3) === "FLV") return buffer.length >= 13 ? 13 : undefined;
	const end = 11 + buffer.readUIntBE(1, 3) + 4;
	return end <= buffer.length ? end : undefined;
}

function receive(order: LoadOrder, onMessage: (message: Buffer) => void): void {
	const socket = connect({ port: order.port, host: "127.0.0.1", noDelay: true });
	let rest = Buffer.alloc(0);
	let inBody = order.path === undefined;
	const messageEnd: MessageEnd = order.path === undefined ? flvTagEnd : chunkEnd;
	if (order.path !== undefined) socket.write(`GET ${order.path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
	socket.on("data", (bytes) => {
		rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
		if (!inBody) {
			const headerEnd = rest.indexOf("\r\n\r\n");
			if (headerEnd < 0) return;
			if (!rest.toString("latin1", 0, 12).endsWith("200")) throw new Error(rest.toString("latin1", 0, 300));
			rest = rest.subarray(headerEnd + 4);
			inBody = true;
		}
		for (let end = messageEnd(rest); end !== undefined; end = messageEnd(rest)) {
			onMessage(rest.subarray(0, end));
			rest = rest.subarray(end);
		}
	});
}

const order = JSON.parse(process.argv[2]!) as LoadOrder;
const delaysMs: number[] = [];
let bytes = 0;
const from = stampNow() + order.warmUpMs * 1e6;
for (let i = 0; i < order.count; i++) {
	receive(order, (message) => {
		const now = stampNow();
		const stamp = findStamp(message);
		if (stamp === undefined || stamp < from) return;
		delaysMs.push((now - stamp) / 1e6);
		bytes += message.length;
	});
}
setTimeout(() => {
	process.send!({ delaysMs, bytes } satisfies LoadResult, () => process.exit(0));
}, order.warmUpMs + order.measureMs);
