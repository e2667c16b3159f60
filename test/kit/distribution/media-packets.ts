/**
 * Media packets whose every byte follows from who sends them and which of his they are, so that a receiver can tell
 * whether one is whole, and which are missing, twice or late.
 */

/** `text` is no media. */
export type PacketKind = "rtp" | "rtcp" | "ts" | "text";

export interface PacketShape {
	readonly kind: PacketKind;
	/** Whose it is. */
	readonly stream: number;
	/** Of the payload: 12 at least; of RTCP a multiple of 4, of MPEG-TS one of 188. */
	readonly bytes: number;
}

const TS_PACKET_BYTES = 188;
/** In front of what is filled in: two words for the kind, one for the number, one for the stream. */
const NUMBER_AT = 4;
const STREAM_AT = 8;
const FILL_AT = 12;

export function mediaPacket({ kind, stream, bytes }: PacketShape, number: number): Buffer {
	const packet = Buffer.allocUnsafe(bytes);
	for (let at = FILL_AT; at < bytes; at++) packet[at] = (number * 31 + stream * 13 + at * 7) & 0xff;
	packet.writeUInt32BE(number, NUMBER_AT);
	packet.writeUInt32BE(stream, STREAM_AT);
	switch (kind) {
		case "rtp":
			// The number is where RTP has its timestamp, the stream where it has the SSRC.
			packet.writeUInt16BE(0x8060, 0);
			packet.writeUInt16BE(number & 0xffff, 2);
			return packet;
		case "rtcp":
			packet.writeUInt16BE(0x80c8, 0);
			packet.writeUInt16BE(bytes / 4 - 1, 2);
			return packet;
		case "ts":
			for (let at = 0; at < bytes; at += TS_PACKET_BYTES) packet[at] = 0x47;
			packet.writeUInt16BE(0x1fff, 1);
			packet[3] = 0x10;
			return packet;
		case "text":
			packet.write("text", 0, "latin1");
			return packet;
	}
}

export const numberOf = (payload: Buffer): number => payload.readUInt32BE(NUMBER_AT);
export const streamOf = (payload: Buffer): number => payload.readUInt32BE(STREAM_AT);
