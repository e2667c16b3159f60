/** A network between a sender and a receiver of RTP by UDP: it loses packets and delays each by another time. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { onCleanup } from "./cleanup.ts";
import { Sfc32 } from "./sfc32.ts";

export interface Weather {
	/** From 0 to 1. */
	readonly lossShare: number;
	/** Packets wait from 0 to so long: those of one picture overtake each other. */
	readonly jitterMs: number;
}

const SEQUENCE_NUMBERS = 2 ** 16;
/** The first packets go straight through: a receiver counts from the first that it gets. */
const CALM_PACKETS = 50;

/** A pair of ports of the loopback that were free a moment ago: an even one, and the next. */
export async function freePortPair(): Promise<number> {
	for (let tries = 0; tries < 100; tries++) {
		const rtp = await bound(0);
		const { port } = rtp.address();
		rtp.close();
		if (port % 2 === 1) continue;
		try {
			(await bound(port + 1)).close();
			return port;
		} catch {
			// Somebody has it: another pair.
		}
	}
	throw new Error("no two free UDP ports side by side");
}

async function bound(port: number): Promise<Socket> {
	const socket = createSocket({ type: "udp4", recvBufferSize: 2 ** 21 });
	socket.bind(port, "127.0.0.1");
	try {
		await once(socket, "listening");
	} catch (error) {
		socket.close();
		throw error;
	}
	return socket;
}

/** Passes RTP from a port of its own to another; RTCP goes nowhere. */
export class LossyUdp {
	readonly port: number;
	/** Numbers of the packets that were passed on and kept back, counted on over 65535, in the order in which they came. */
	readonly passed: number[] = [];
	readonly kept: number[] = [];
	readonly #chance = new Sfc32(1, 2, 3);
	#last: number | undefined;

	private constructor(socket: Socket, target: number, { lossShare, jitterMs }: Weather) {
		this.port = socket.address().port;
		const share = (): number => this.#chance.uint32() / 2 ** 32;
		socket.on("message", (datagram) => {
			const number = this.#count(datagram.readUInt16BE(2));
			const isCalm = this.passed.length < CALM_PACKETS;
			if (!isCalm && share() < lossShare) {
				this.kept.push(number);
				return;
			}
			this.passed.push(number);
			const pass = (): void => socket.send(datagram, target, "127.0.0.1", () => undefined);
			if (isCalm) pass();
			else setTimeout(pass, share() * jitterMs);
		});
	}

	static async start(target: number, weather: Weather): Promise<LossyUdp> {
		const socket = await bound(0);
		onCleanup(() => socket.close());
		return new LossyUdp(socket, target, weather);
	}

	/** Of those kept back, the ones that a receiver can miss: others came before and behind. */
	get missing(): number {
		const [first, last] = [Math.min(...this.passed), Math.max(...this.passed)];
		return this.kept.filter((number) => number > first && number < last).length;
	}

	#count(number: number): number {
		const last = this.#last ?? number;
		const step = (number - last) & (SEQUENCE_NUMBERS - 1);
		this.#last = last + step;
		return this.#last;
	}
}
