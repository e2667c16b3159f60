/**
 * MPEG-TS in RTP as a packaging: what `.rtp` responses are made of (requirement S9b). Packets are framed by RFC 4571,
 * since a response is a stream of bytes. Wire form and content type: `docs/wire/rtp.md`.
 */
import { refusalOf } from "../mpegts/program.ts";
import type { Packaging } from "../packaging.ts";
import { RTP_NAME } from "../packaging-names.ts";
import { readNumber, STRIDE_BYTES, writeNumber } from "./packet.ts";
import { RtpUnitWriter, writeRtpHole } from "./writer.ts";

export const rtp: Packaging = {
	...RTP_NAME,
	numbering: {
		// All packets of a piece are full but the last.
		count: (piece) => Math.ceil(piece.length / STRIDE_BYTES),
		shift: (piece, offset) => {
			for (let at = 0; at < piece.length; at += STRIDE_BYTES) writeNumber(piece, at, readNumber(piece, at) + offset);
		},
	},
	refusal: refusalOf,
	responseStart: () => undefined,
	openUnit: (head) => new RtpUnitWriter(head),
	hole: (head, allocate) => writeRtpHole(head, allocate),
};
