/**
 * Pairs of the server's own ports for media: the even one is RTP's, the next its RTCP's (RFC 3550, clause 11). A pair is
 * tried before it is given, for the whole machine: what carries packets shares its ports (SO_REUSEADDR), so that nobody
 * else would tell that somebody has them already.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { PortRange } from "../config-values.ts";

export interface MediaPorts {
	readonly rtp: number;
	readonly rtcp: number;
}

const MOST_TRIES = 64;

export class PortPairs {
	/** Even. */
	readonly #first: number;
	readonly #count: number;
	readonly #random: () => number;
	/** By their even port. */
	readonly #taken = new Set<number>();

	/** @param random from 0 to below 1: where nobody can tell the next port, nobody sends to it beforehand */
	constructor({ first, last }: PortRange, random: () => number) {
		this.#first = first + (first % 2);
		this.#count = Math.floor((last - this.#first + 1) / 2);
		this.#random = random;
	}

	/** @param family of the address that packets come to. @returns undefined where no free pair was found */
	async take(family: 4 | 6): Promise<MediaPorts | undefined> {
		for (let tries = 0; tries < MOST_TRIES; tries++) {
			const rtp = this.#first + 2 * Math.floor(this.#random() * this.#count);
			if (this.#taken.has(rtp)) continue;
			this.#taken.add(rtp);
			const ports = { rtp, rtcp: rtp + 1 };
			if ((await isFree(family, ports.rtp)) && (await isFree(family, ports.rtcp))) return ports;
			this.#taken.delete(rtp);
		}
		return undefined;
	}

	release({ rtp }: MediaPorts): void {
		this.#taken.delete(rtp);
	}
}

async function isFree(family: 4 | 6, port: number): Promise<boolean> {
	const socket = createSocket({ type: family === 4 ? "udp4" : "udp6", ipv6Only: family === 6 });
	try {
		socket.bind({ port, exclusive: true });
		await once(socket, "listening");
		return true;
	} catch {
		return false;
	} finally {
		socket.close();
	}
}
