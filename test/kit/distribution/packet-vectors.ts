/** The golden vectors of packets (test/vectors/distributor/README.md). */
import { readFileSync } from "node:fs";

export interface PacketVector {
	readonly name: string;
	/** In hex. */
	readonly frame: string;
	readonly class?: "rtp" | "rtcp" | "ts";
	readonly reason?: string;
	readonly view?: {
		readonly source: string;
		readonly sourcePort: number;
		readonly destination: string;
		readonly destinationPort: number;
		readonly vlan?: number;
		readonly payloadOffset: number;
		readonly payloadLength: number;
		readonly udpChecksum: "right" | "none" | "partial" | "wrong";
	};
}

const FILE = new URL("../../vectors/distributor/packets.json", import.meta.url);

export const packetVectors = (): readonly PacketVector[] => JSON.parse(readFileSync(FILE, "utf8")) as PacketVector[];

/** The payload's bytes, in hex. */
export const payloadOf = ({ frame }: PacketVector, view: NonNullable<PacketVector["view"]>): string =>
	frame.slice(2 * view.payloadOffset, 2 * (view.payloadOffset + view.payloadLength));
