/** RTCP's good-bye to those who get a stream by UDP: without it some players wait for packets without end. */
import { createSocket } from "node:dgram";
import { receiverGoodbyeCompound } from "../../media/rtp/rtcp-writer.ts";

export interface Farewell {
	/** Of the source that goes. */
	readonly ssrc: number;
	readonly address: string;
	/** RTCP's. */
	readonly port: number;
	readonly ttl?: number;
}

/** Ours, in all RTCP. */
export const CNAME = "penstock";

/** Sends them all, at once; nobody answers. */
export function sayGoodBye(farewells: readonly Farewell[]): void {
	for (const family of [4, 6] as const) {
		const ours = farewells.filter(({ address }) => address.includes(":") === (family === 6));
		if (ours.length === 0) continue;
		const socket = createSocket(family === 4 ? "udp4" : "udp6");
		socket.on("error", () => undefined);
		let left = ours.length;
		socket.bind(0, () => {
			for (const { ssrc, address, port, ttl } of ours) {
				if (ttl !== undefined) socket.setMulticastTTL(ttl);
				socket.send(receiverGoodbyeCompound(ssrc, CNAME), port, address, () => {
					if (--left === 0) socket.close();
				});
			}
		});
	}
}
