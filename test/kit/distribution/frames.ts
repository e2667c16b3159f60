/**
 * Ethernet frames of UDP, read and judged by themselves: headers as they stand, and whether the checksums are right.
 * Not the distributor's parser, which they bear witness about.
 */
import { parseAddress } from "../../../src/wire/distributor-address.ts";

export interface UdpFrame {
	/** When the kernel saw it, in milliseconds of the wall clock. */
	readonly atMs: number;
	readonly targetMac: string;
	readonly vlan: number | undefined;
	readonly family: 4 | 6;
	readonly source: string;
	readonly sourcePort: number;
	readonly destination: string;
	readonly destinationPort: number;
	/** Time to live, or hop limit. */
	readonly ttl: number;
	readonly dscp: number;
	readonly ecn: number;
	/** Of the IPv4 header; true in IPv6, which has none. */
	readonly ipChecksumRight: boolean;
	/** False, too, where there is none. */
	readonly udpChecksumRight: boolean;
	readonly payload: Buffer;
}

/** Undefined where it is not UDP, or a fragment. */
export function readUdpFrame(frame: Buffer, atMs: number): UdpFrame | undefined {
	if (frame.length < 14) return undefined;
	const targetMac = frame.toString("hex", 0, 6);
	const tagged = frame.readUInt16BE(12) === 0x8100;
	const vlan = tagged ? frame.readUInt16BE(14) & 0xfff : undefined;
	const etherType = frame.readUInt16BE(tagged ? 16 : 12);
	const packet = frame.subarray(tagged ? 18 : 14);
	const ip = etherType === 0x0800 ? readIpv4(packet) : etherType === 0x86dd ? readIpv6(packet) : undefined;
	if (ip === undefined) return undefined;
	const { udp, pseudoHeader, ...header } = ip;
	const length = udp.readUInt16BE(4);
	return {
		...{ atMs, targetMac, vlan },
		...header,
		sourcePort: udp.readUInt16BE(0),
		destinationPort: udp.readUInt16BE(2),
		udpChecksumRight: length === udp.length && udp.readUInt16BE(6) !== 0 && sum(pseudoHeader, udp) === 0xffff,
		payload: udp.subarray(8, length),
	};
}

type IpPart = Omit<
	UdpFrame,
	"atMs" | "targetMac" | "vlan" | "sourcePort" | "destinationPort" | "udpChecksumRight" | "payload"
> & { readonly udp: Buffer; readonly pseudoHeader: Buffer };

const UDP = 17;

function readIpv4(packet: Buffer): IpPart | undefined {
	if (packet.length < 28 || packet[9] !== UDP) return undefined;
	const headerBytes = (packet[0]! & 0xf) * 4;
	const flagsAndOffset = packet.readUInt16BE(6);
	if ((flagsAndOffset & 0x3fff) !== 0) return undefined;
	const udp = packet.subarray(headerBytes, packet.readUInt16BE(2));
	const pseudoHeader = Buffer.concat([
		packet.subarray(12, 20),
		Buffer.from([0, UDP, udp.length >> 8, udp.length & 0xff]),
	]);
	return {
		...{ family: 4, udp, pseudoHeader },
		source: [...packet.subarray(12, 16)].join("."),
		destination: [...packet.subarray(16, 20)].join("."),
		ttl: packet[8]!,
		dscp: packet[1]! >> 2,
		ecn: packet[1]! & 3,
		ipChecksumRight: sum(packet.subarray(0, headerBytes)) === 0xffff,
	};
}

function readIpv6(packet: Buffer): IpPart | undefined {
	if (packet.length < 48 || packet[6] !== UDP) return undefined;
	const udp = packet.subarray(40, 40 + packet.readUInt16BE(4));
	const trafficClass = (packet.readUInt16BE(0) >> 4) & 0xff;
	const pseudoHeader = Buffer.alloc(40);
	packet.copy(pseudoHeader, 0, 8, 40);
	pseudoHeader.writeUInt32BE(udp.length, 32);
	pseudoHeader[39] = UDP;
	return {
		...{ family: 6, udp, pseudoHeader },
		source: ipv6Text(packet.subarray(8, 24)),
		destination: ipv6Text(packet.subarray(24, 40)),
		ttl: packet[7]!,
		dscp: trafficClass >> 2,
		ecn: trafficClass & 3,
		ipChecksumRight: true,
	};
}

function ipv6Text(bytes: Buffer): string {
	const long = Array.from({ length: 8 }, (_, group) => bytes.toString("hex", 2 * group, 2 * group + 2)).join(":");
	return parseAddress(long)?.text ?? long;
}

/** The Internet checksum's sum (RFC 1071), not complemented: 0xffff over what carries a right checksum. */
function sum(...parts: readonly Buffer[]): number {
	let total = 0;
	for (const part of parts) {
		for (let at = 0; at + 1 < part.length; at += 2) total += part.readUInt16BE(at);
		if (part.length % 2 === 1) total += part[part.length - 1]! << 8;
	}
	while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
	return total;
}
