/** RTMP's messages as chunks, for what a server says to a publisher: a few short ones. */
import { writeUint24, writeUint32 } from "../../base/bytes.ts";
import { type AmfValue, writeValues } from "../../media/flv/amf0.ts";
import {
	ACKNOWLEDGEMENT,
	COMMAND,
	FIRST_CHUNK_SIZE,
	SET_PEER_BANDWIDTH,
	USER_CONTROL,
	WINDOW_ACKNOWLEDGEMENT_SIZE,
} from "./message.ts";

/** Chunk streams: 2 is for what the protocol itself says (5.4), the others are ours to choose. */
const CONTROL_CHUNKS = 2;
const COMMAND_CHUNKS = 3;
const HEADER_BYTES = 12;
/** The peer may choose by itself whether it keeps to the bandwidth said (5.4.5). */
const DYNAMIC = 2;

/** One message, with a whole header; its time stamp is 0, as nothing of ours has a place in the programme. */
function message(chunkStream: number, type: number, streamId: number, body: Uint8Array): Uint8Array {
	const chunks = Math.max(1, Math.ceil(body.length / FIRST_CHUNK_SIZE));
	const out = new Uint8Array(HEADER_BYTES + body.length + chunks - 1);
	out[0] = chunkStream; // format 0
	writeUint24(out, 4, body.length);
	out[7] = type;
	out[8] = streamId; // least byte first, and ours are small
	let at = HEADER_BYTES;
	for (let from = 0; from < body.length; from += FIRST_CHUNK_SIZE) {
		if (from > 0) out[at++] = (3 << 6) | chunkStream;
		const piece = body.subarray(from, from + FIRST_CHUNK_SIZE);
		out.set(piece, at);
		at += piece.length;
	}
	return out;
}

function numbers(type: number, value: number, more: readonly number[] = []): Uint8Array {
	const body = new Uint8Array(4 + more.length);
	writeUint32(body, 0, value);
	body.set(more, 4);
	return message(CONTROL_CHUNKS, type, 0, body);
}

export const acknowledgement = (receivedBytes: number): Uint8Array => numbers(ACKNOWLEDGEMENT, receivedBytes % 2 ** 32);

export const windowAcknowledgementSize = (bytes: number): Uint8Array => numbers(WINDOW_ACKNOWLEDGEMENT_SIZE, bytes);

export const peerBandwidth = (bytes: number): Uint8Array => numbers(SET_PEER_BANDWIDTH, bytes, [DYNAMIC]);

/** A user control message with one number (7.1.7). */
export function userControl(event: number, value: number): Uint8Array {
	const body = new Uint8Array(6);
	body[1] = event;
	writeUint32(body, 2, value);
	return message(CONTROL_CHUNKS, USER_CONTROL, 0, body);
}

/** A command, or the answer to one (7.1.1). */
export function command(streamId: number, name: string, transaction: number, ...values: AmfValue[]): Uint8Array {
	return message(COMMAND_CHUNKS, COMMAND, streamId, writeValues([name, transaction, ...values]));
}
