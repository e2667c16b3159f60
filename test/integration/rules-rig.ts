/** `penstock distribute` from the build, in a process of its own, and packets for it. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { Penstock, startCli } from "../kit/penstock.ts";

export const LOOPBACK = "127.0.0.1";

/** Starts the distribution plane alone, for one test, and resolves when its API listens. */
export async function startDistribute(
	args: readonly string[] = [],
	env: Record<string, string | undefined> = {},
): Promise<Penstock> {
	const penstock = await distributing(args, env);
	onTestFinished(() => penstock.stop());
	return penstock;
}

/** The same; who asks stops it. */
export async function distributing(
	args: readonly string[],
	env: Record<string, string | undefined> = {},
): Promise<Penstock> {
	const running = startCli(["distribute", "--api-listen", "127.0.0.1:0", ...args], env);
	const [line] = await running.waitForLine(/^\{.*"msg":"listening".*\}$/, 30_000);
	const { api } = JSON.parse(line) as { api: string };
	return new Penstock(running, "", api);
}

/** The engine of its own process. */
export const NODE = ["--engine", "node"] as const;

/** An RTP packet whose payload tells its number. */
export function rtpPacket(number: number): Buffer {
	const packet = Buffer.alloc(112, number & 0xff);
	packet.writeUInt16BE(0x8060, 0);
	packet.writeUInt16BE(number & 0xffff, 2);
	packet.writeUInt32BE(number, 12);
	return packet;
}

export interface UdpEnd {
	readonly port: number;
	/** Numbers of the packets that came. */
	readonly numbers: number[];
	send(packet: Buffer, port: number): Promise<void>;
}

export async function udpEnd(): Promise<UdpEnd> {
	const socket = await bound();
	onTestFinished(() => void socket.close());
	const numbers: number[] = [];
	socket.on("message", (packet) => void numbers.push(packet.readUInt32BE(12)));
	return {
		port: socket.address().port,
		numbers,
		send: (packet, port) =>
			new Promise((resolve, reject) => {
				socket.send(packet, port, LOOPBACK, (error) => (error === null ? resolve() : reject(error)));
			}),
	};
}

/** A UDP port that nobody has had a moment ago; even, with the next one free as well. */
export async function freeUdpPort(): Promise<number> {
	for (;;) {
		const first = await bound();
		const { port } = first.address();
		first.close();
		if (port % 2 !== 0) continue;
		const second = await bound(port + 1).catch(() => undefined);
		second?.close();
		if (second !== undefined) return port;
	}
}

async function bound(port = 0): Promise<Socket> {
	const socket = createSocket("udp4");
	socket.bind({ address: LOOPBACK, port });
	try {
		await once(socket, "listening");
	} catch (thrown) {
		socket.close();
		throw thrown;
	}
	return socket;
}
