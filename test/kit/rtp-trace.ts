/**
 * What a real sender sends by RTP, as it came: datagrams of one or two streams with the times of their arrival, so that
 * a test can give them to a session again and again, as they came or as a worse network would have brought them.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { PayloadDescription } from "../../src/media/rtp/payload-description.ts";
import type { RtpStreamSettings } from "../../src/media/rtp/stream.ts";
import { onCleanup } from "./cleanup.ts";
import { openRtp, type RtpRig } from "./rtp-rig.ts";

export interface Datagram {
	readonly stream: number;
	readonly bytes: Uint8Array;
	readonly ms: number;
}

/** A port that is even, for RTP, and the next one, for RTCP (RFC 3550, clause 11). */
export interface PortPair {
	readonly port: number;
	/** What came to either so far. */
	readonly datagrams: Omit<Datagram, "stream">[];
	close(): void;
}

const RECEIVE_BYTES = 4 * 2 ** 20;
const ATTEMPTS = 100;

async function bound(port: number): Promise<Socket> {
	const socket = createSocket({ type: "udp4", recvBufferSize: RECEIVE_BYTES });
	socket.bind(port, "127.0.0.1");
	try {
		await once(socket, "listening");
	} catch (error) {
		socket.close();
		throw error;
	}
	return socket;
}

async function boundPair(): Promise<readonly [rtp: Socket, rtcp: Socket]> {
	const rtp = await bound(0);
	const { port } = rtp.address();
	try {
		if (port % 2 === 1) throw new Error(`port ${port} is odd`);
		return [rtp, await bound(port + 1)];
	} catch (error) {
		rtp.close();
		throw error;
	}
}

export async function openPortPair(): Promise<PortPair> {
	for (let attempt = 1; ; attempt++) {
		try {
			const sockets = await boundPair();
			const datagrams: Omit<Datagram, "stream">[] = [];
			for (const socket of sockets) {
				socket.on("message", (bytes) => datagrams.push({ bytes, ms: performance.now() }));
			}
			const close = (): void => {
				forget();
				for (const socket of sockets) socket.close();
			};
			const forget = onCleanup(close);
			return { port: sockets[0].address().port, datagrams, close };
		} catch (error) {
			if (attempt === ATTEMPTS) throw error;
		}
	}
}

/** All that came to the pairs, in the order in which it came. */
export const traceOf = (pairs: readonly PortPair[]): Datagram[] =>
	pairs
		.flatMap(({ datagrams }, stream) => datagrams.map((datagram) => ({ ...datagram, stream })))
		.toSorted((one, other) => one.ms - other.ms);

/** Gives a trace to a session, at its own times. */
export function replay(
	trace: readonly Datagram[],
	descriptions: readonly PayloadDescription[],
	settings: RtpStreamSettings = {},
): RtpRig {
	const rig = openRtp(descriptions, settings);
	const startMs = trace[0]?.ms ?? 0;
	for (const { stream, bytes, ms } of trace) {
		rig.clock.advanceTo(Math.max(rig.clock.now(), ms - startMs));
		rig.push(bytes, stream);
	}
	rig.clock.advance(1000);
	rig.session.end();
	return rig;
}
