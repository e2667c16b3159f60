/** The channels of a connection: which medium's RTP or RTCP a number stands for (RFC 2326, clause 10.12). */
import type { Pair } from "../wire/rtsp-transport.ts";
import type { PacketKind } from "./application.ts";

const CHANNELS = 256;

export interface Channel {
	readonly medium: number;
	readonly kind: PacketKind;
}

interface WholePair {
	readonly rtp: number;
	readonly rtcp: number;
}

export class Channels {
	readonly #byNumber = new Map<number, Channel>();
	readonly #byMedium = new Map<number, WholePair>();

	get size(): number {
		return this.#byMedium.size;
	}

	/**
	 * Gives a medium its two channels: those wished for where they are free, else others.
	 * @returns undefined where none are left
	 */
	take(medium: number, wish: Pair | undefined): WholePair | undefined {
		const pair = this.#wholePair(wish) ?? this.#freePair();
		if (pair === undefined) return undefined;
		this.#byMedium.set(medium, pair);
		this.#byNumber.set(pair.rtp, { medium, kind: "rtp" });
		this.#byNumber.set(pair.rtcp, { medium, kind: "rtcp" });
		return pair;
	}

	of(number: number): Channel | undefined {
		return this.#byNumber.get(number);
	}

	numberOf(medium: number, kind: PacketKind): number | undefined {
		return this.#byMedium.get(medium)?.[kind];
	}

	#wholePair(wish: Pair | undefined): WholePair | undefined {
		if (wish === undefined) return undefined;
		const { rtp, rtcp = rtp + 1 } = wish;
		const isFree = (number: number): boolean => number < CHANNELS && !this.#byNumber.has(number);
		return isFree(rtp) && isFree(rtcp) ? { rtp, rtcp } : undefined;
	}

	#freePair(): WholePair | undefined {
		for (let rtp = 0; rtp < CHANNELS; rtp += 2) {
			const pair = this.#wholePair({ rtp, rtcp: rtp + 1 });
			if (pair !== undefined) return pair;
		}
		return undefined;
	}
}
