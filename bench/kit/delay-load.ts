/**
 * The receiving side of the benchmarks of delay, in a process of its own: `count` connections, and for each stamped
 * picture the time from its write to the pipe until the last byte of its message (HTTP chunk, or FLV tag from the bare
 * server) was read here.
 *
 * Run by `fork` with a `LoadOrder` as its argument; sends "begun" when it begins to measure, and then a `LoadResult`.
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

/** Cuts the stream into messages: where the first one ends, exclusive; undefined while it is not whole. */
type MessageEnd = (buffer: Buffer) => number | undefined;

function chunkEnd(buffer: Buffer): number | undefined {
	let size = 0;
	for (let at = 0; at < buffer.length; at++) {
		const byte = buffer[at]!;
		if (byte === CR) {
			const end = at + 2 + size + 2;
			return end <= buffer.length ? end : undefined;
		}
		size = size * 16 + (byte >= LOWER_A ? byte - LOWER_A + 10 : byte - ZERO);
	}
	return undefined;
}

const CR = 13;
const ZERO = 48;
const LOWER_A = 97;

function flvTagEnd(buffer: Buffer): number | undefined {
	if (buffer.length < 11) return undefined;
	if (buffer.toString("latin1", 0, 3) === "FLV") return buffer.length >= 13 ? 13 : undefined;
	const end = 11 + buffer.readUIntBE(1, 3) + 4;
	return end <= buffer.length ? end : undefined;
}

/** Where all reads go: what they bring is looked at before the next one. Saves an allocation per read. */
const READ_BUFFER = Buffer.alloc(256 * 1024);

function receive(order: LoadOrder, onMessage: (message: Buffer) => void): void {
	let rest = Buffer.alloc(0);
	let inBody = order.path === undefined;
	const messageEnd: MessageEnd = order.path === undefined ? flvTagEnd : chunkEnd;
	const onRead = (length: number): boolean => {
		const read = READ_BUFFER.subarray(0, length);
		let bytes = rest.length === 0 ? read : Buffer.concat([rest, read]);
		if (!inBody) {
			const headerEnd = bytes.indexOf("\r\n\r\n");
			if (headerEnd >= 0 && bytes.toString("latin1", 9, 12) !== "200")
				throw new Error(bytes.toString("latin1", 0, 300));
			inBody = headerEnd >= 0;
			if (inBody) bytes = bytes.subarray(headerEnd + 4);
		}
		if (inBody) {
			for (let end = messageEnd(bytes); end !== undefined; end = messageEnd(bytes)) {
				onMessage(bytes.subarray(0, end));
				bytes = bytes.subarray(end);
			}
		}
		rest = bytes.length === 0 ? EMPTY : Buffer.from(bytes);
		return true;
	};
	const socket = connect({
		...{ port: order.port, host: "127.0.0.1", noDelay: true },
		onread: { buffer: READ_BUFFER, callback: onRead },
	});
	if (order.path !== undefined) socket.write(`GET ${order.path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
}

const EMPTY = Buffer.alloc(0);
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
setTimeout(() => process.send!("begun"), order.warmUpMs);
setTimeout(() => {
	process.send!({ delaysMs, bytes } satisfies LoadResult, () => process.exit(0));
}, order.warmUpMs + order.measureMs);
