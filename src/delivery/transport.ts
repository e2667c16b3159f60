/**
 * The way from a chunk to a viewer's socket. One write is under way at a time; while it is, the viewer falls behind
 * in the ring and nothing queues up here. That is the whole of the bounded queue: at most one write per viewer, of
 * chunks shared with all others.
 */
import type { Socket } from "node:net";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { LinkReading, LinkSource } from "../switching/link-reading.ts";
import type { TcpInfo } from "./tcp-info.ts";

export interface Transport extends LinkSource {
	/** Nothing is under way: `send` may be called. */
	readonly idle: boolean;
	/** Bytes handed to the kernel so far, of what was sent. Stands still when the viewer takes nothing. */
	readonly progress: number;
	/** Sends `bytes`, which must not change afterwards. Only while `idle`. */
	send(bytes: Buffer): void;
	/** The same for several, in one write. The array is the transport's from then on. */
	sendAll(buffers: readonly Buffer[]): void;
	/** Sends `bytes` and then closes in good order. Only while `idle`. */
	end(bytes: Buffer): void;
	/** Drops the connection at once. */
	destroy(): void;
}

export interface TransportEvents {
	/** `idle` has become true again after `send` had left it false. */
	drained(): void;
	/**
	 * The connection is gone, by whoever's doing. Told once.
	 * @param timedOut the kernel gave it up, for its bytes were not taken in time (TCP_USER_TIMEOUT)
	 */
	closed(timedOut: boolean): void;
}

/** What Writable hands to `_write` as the encoding of a Buffer; its type forgets it. */
const BUFFER_ENCODING = "buffer" as BufferEncoding;

/** The slice of net.Socket's insides that the fast path reads; absent parts only cost precision. */
interface SocketInsides {
	readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/** The kernel has given a connection up, with what it last heard from the network on the way, if anything. */
const GIVEN_UP: readonly (string | undefined)[] = ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"];

/** The file descriptor of a TCP socket, which Node keeps in a part that it does not document. */
export function descriptorOf(socket: Socket): number {
	const { _handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
	return _handle?.fd ?? -1;
}

/** What stands for TCP_INFO where nobody has it: the kernel's taking of bytes instead of the viewer's. */
class ProgressLook {
	#progress = 0;
	#at = milliseconds(0);

	look(now: Milliseconds, progress: number): LinkReading {
		if (progress !== this.#progress) this.#at = now;
		this.#progress = progress;
		return {
			...{
				at: now,
				ackedBytes: progress,
				deliveredBytes: progress,
				lastAckAt: this.#at,
				coarse: true,
				segmentBytes: SEGMENT_BYTES,
			},
			...{ roundTrip: ZERO, minRoundTrip: ZERO, receiverLimited: ZERO, pacingRate: 0 },
		};
	}
}

const ZERO = milliseconds(0);
const SEGMENT_BYTES = 1448;

/** Errors of a socket need no handling of their own: "close" always follows. */
function whenClosed(socket: Socket, closed: (timedOut: boolean) => void): void {
	let timedOut = false;
	socket.on("error", (error: NodeJS.ErrnoException) => {
		timedOut = GIVEN_UP.includes(error.code);
	});
	socket.once("close", () => closed(timedOut));
}

/**
 * Plain TCP. `Socket._write`, the hook that Writable documents for implementers, skips the queue of the stream layer:
 * its callback runs at once when the kernel took all bytes, which makes back-pressure visible in the same tick,
 * and leaves the stream layer's bookkeeping out. Nothing else may write to the socket meanwhile.
 */
export class SocketTransport implements Transport {
	readonly #socket: Socket;
	readonly #written: (error?: Error | null) => void;
	#pending = true;
	#sending = false;
	#dispatched = 0;
	readonly #tcpInfo: TcpInfo | undefined;
	readonly #progressLook = new ProgressLook();
	/** Bytes on the connection before the stream's first. */
	readonly #before: number;
	/** Asked for once: it costs a call into the runtime, and each look wants it. */
	readonly #descriptor: number;

	/** @param socket with the response's header written or on its way */
	constructor(socket: Socket, events: TransportEvents, tcpInfo?: TcpInfo) {
		this.#socket = socket;
		this.#tcpInfo = tcpInfo;
		this.#before = socket.bytesWritten;
		this.#descriptor = descriptorOf(socket);
		this.#written = (error) => {
			this.#pending = false;
			// A write that fails means that the connection is gone; `closed` follows.
			if (error) socket.destroy(error);
			else if (!this.#sending) events.drained();
		};
		whenClosed(socket, (timedOut) => {
			this.#pending = true;
			events.closed(timedOut);
		});
		// The header may still wait in the stream layer: an empty write behind it tells when the socket is ours.
		if (socket.writableLength === 0) this.#pending = false;
		else socket.write("", () => this.#written());
	}

	get idle(): boolean {
		return !this.#pending;
	}

	get progress(): number {
		// Nothing waits in front of the kernel then, and to ask for it costs a call into the runtime.
		if (!this.#pending) return this.#dispatched;
		const { _handle } = this.#socket as unknown as SocketInsides;
		return this.#dispatched - (_handle?.writeQueueSize ?? 0);
	}

	/** A connection that is over has no descriptor: its number may be another's by now. */
	get #liveDescriptor(): number {
		return this.#socket.destroyed ? -1 : this.#descriptor;
	}

	acknowledged(): number | undefined {
		const waiting = this.#tcpInfo?.unacknowledged(this.#liveDescriptor);
		return waiting === undefined ? undefined : Math.max(0, this.progress - waiting);
	}

	look(now: Milliseconds): LinkReading | undefined {
		if (this.#tcpInfo === undefined) return this.#progressLook.look(now, this.progress);
		return this.#tcpInfo.look(this.#liveDescriptor, now, this.#before);
	}

	send(bytes: Buffer): void {
		this.#pending = true;
		this.#sending = true;
		this.#dispatched += bytes.length;
		this.#socket._write(bytes, BUFFER_ENCODING, this.#written);
		this.#sending = false;
	}

	sendAll(buffers: readonly Buffer[]): void {
		this.#pending = true;
		this.#sending = true;
		for (const { length } of buffers) this.#dispatched += length;
		const chunks = buffers.map((chunk) => ({ chunk, encoding: BUFFER_ENCODING }));
		this.#socket._writev!(chunks, this.#written);
		this.#sending = false;
	}

	end(bytes: Buffer): void {
		this.#pending = true;
		this.#socket.end(bytes);
	}

	destroy(): void {
		this.#socket.destroy();
	}
}

/** Any writable socket, TLS among them: through the stream layer, one write at a time. */
export class StreamTransport implements Transport {
	readonly #socket: Socket;
	readonly #written: (error?: Error | null) => void;
	readonly #progressLook = new ProgressLook();
	#pending = false;
	#dispatched = 0;

	constructor(socket: Socket, events: TransportEvents) {
		this.#socket = socket;
		this.#written = (error) => {
			this.#pending = false;
			if (!error) events.drained();
		};
		whenClosed(socket, (timedOut) => {
			this.#pending = true;
			events.closed(timedOut);
		});
	}

	get idle(): boolean {
		return !this.#pending;
	}

	get progress(): number {
		return this.#dispatched - this.#socket.writableLength;
	}

	/** What TLS adds cannot be told from what is acknowledged, so the kernel's account is of no use here. */
	look(now: Milliseconds): LinkReading | undefined {
		return this.#progressLook.look(now, this.progress);
	}

	send(bytes: Buffer): void {
		this.#pending = true;
		this.#dispatched += bytes.length;
		this.#socket.write(bytes, this.#written);
	}

	sendAll(buffers: readonly Buffer[]): void {
		this.#pending = true;
		this.#socket.cork();
		buffers.forEach((bytes, index) => {
			this.#dispatched += bytes.length;
			this.#socket.write(bytes, index === buffers.length - 1 ? this.#written : undefined);
		});
		this.#socket.uncork();
	}

	end(bytes: Buffer): void {
		this.#pending = true;
		this.#socket.end(bytes);
	}

	destroy(): void {
		this.#socket.destroy();
	}
}

/** Plain TCP gets the fast path; a TLS socket must not be written past its stream layer. */
export function transportFor(socket: Socket, events: TransportEvents, tcpInfo?: TcpInfo): Transport {
	const isPlain = !("encrypted" in socket) && socket._writev !== undefined;
	return isPlain ? new SocketTransport(socket, events, tcpInfo) : new StreamTransport(socket, events);
}
