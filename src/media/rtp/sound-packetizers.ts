/** From sound to RTP payloads: AAC by RFC 3640 (AAC-hbr), Opus by RFC 7587. One frame in a packet: nothing waits. */
import { PenstockError } from "../../base/errors.ts";
import type { AccessUnit } from "../access-unit.ts";
import type { Packetizer, PayloadRoom } from "./packetizer.ts";

/** AU-headers-length, and one AU-header: 13 bits of size, 3 of index. */
const AU_HEADER_BYTES = 4;
const LARGEST_AAC_FRAME = 0x1fff;

export const AAC_PACKETIZER: Packetizer = {
	write({ data }: AccessUnit, room: PayloadRoom): void {
		if (data.length > LARGEST_AAC_FRAME) {
			throw new PenstockError(
				"RTP_PAYLOAD_TOO_LARGE",
				`an AAC frame has ${data.length} bytes but RFC 3640's headers say at most ${LARGEST_AAC_FRAME}; lower the audio's bit rate.`,
			);
		}
		const most = room.mostBytes - AU_HEADER_BYTES;
		for (let at = 0; at < data.length; at += most) {
			const end = Math.min(at + most, data.length);
			const out = room.open(AU_HEADER_BYTES + end - at, end === data.length);
			out[0] = 0;
			out[1] = 16; // bits of headers
			out[2] = data.length >> 5; // of the whole frame, in a fragment as well
			out[3] = (data.length & 0x1f) << 3; // AU-Index 0
			out.set(data.subarray(at, end), AU_HEADER_BYTES);
		}
	},
};

export const OPUS_PACKETIZER: Packetizer = {
	write({ data }: AccessUnit, room: PayloadRoom): void {
		if (data.length > room.mostBytes) {
			throw new PenstockError(
				"RTP_PAYLOAD_TOO_LARGE",
				`a packet of Opus has ${data.length} bytes but the path's MTU leaves ${room.mostBytes}; lower the audio's bit rate or raise the MTU.`,
			);
		}
		room.open(data.length, false).set(data); // the marker is for speech after silence
	},
};
