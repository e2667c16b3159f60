/**
 * RTSP 1.0 as text (RFC 2326): what a message has, and writing it. Packets on the same connection lie behind a dollar
 * sign, their channel and their length (clause 10.12).
 * Invariant: whatever stands in a value, what is written is one message: no value ends its line (`lineText`).
 */
import { concatenate } from "../base/bytes.ts";

/** What a message has at most; a reader asks before it keeps anything. */
export const MOST_HEADER_BYTES = 16 * 1024;
export const MOST_HEADER_LINES = 64;
export const MOST_BODY_BYTES = 64 * 1024;
/** The length of a packet on the connection is 16 bits wide. */
export const MOST_PACKET_BYTES = 0xffff;

export const PACKET_MARK = 0x24;
export const PACKET_HEAD_BYTES = 4;

export type HeaderField = readonly [name: string, value: string];

/** The fields of a message that came in, by their names in lower case. */
export class RtspHeaders {
	readonly #fields: readonly HeaderField[];

	/** @param fields names in lower case */
	constructor(fields: readonly HeaderField[]) {
		this.#fields = fields;
	}

	/** Of several of the name, the first. */
	get(name: string): string | undefined {
		return this.#fields.find(([one]) => one === name)?.[1];
	}

	all(name: string): readonly string[] {
		return this.#fields.filter(([one]) => one === name).map(([, value]) => value);
	}

	get entries(): readonly HeaderField[] {
		return this.#fields;
	}
}

interface MessageParts {
	/** "1.0" is the one that is spoken here; others are framed alike. */
	readonly version: string;
	readonly headers: RtspHeaders;
	/** Valid during the call that brings it. */
	readonly body: Uint8Array;
}

export interface RtspRequest extends MessageParts {
	readonly method: string;
	/** As it came: a URL, or `*`. */
	readonly target: string;
}

export interface RtspResponse extends MessageParts {
	readonly status: number;
	readonly reason: string;
}

/** The names that Penstock writes; so that none can come from outside. */
export type WrittenField =
	| "Accept"
	| "Allow"
	| "Authorization"
	| "CSeq"
	| "Connection"
	| "Content-Base"
	| "Content-Type"
	| "Public"
	| "RTP-Info"
	| "Range"
	| "Server"
	| "Session"
	| "Transport"
	| "Unsupported"
	| "User-Agent"
	| "WWW-Authenticate";

export type WrittenHeader = readonly [name: WrittenField, value: string];

export interface WrittenMessage {
	readonly headers: readonly WrittenHeader[];
	readonly body?: Uint8Array;
}

/** Players keep so much of it. */
const MOST_REASON = 160;

const REASONS: Readonly<Record<number, string>> = {
	200: "OK",
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	406: "Not Acceptable",
	408: "Request Timeout",
	409: "Conflict",
	413: "Request Message Body Too Large",
	415: "Unsupported Media Type",
	451: "Parameter Not Understood",
	453: "Not Enough Bandwidth",
	454: "Session Not Found",
	455: "Method Not Valid In This State",
	456: "Header Field Not Valid for Resource",
	457: "Invalid Range",
	459: "Aggregate Operation Not Allowed",
	460: "Only Aggregate Operation Allowed",
	461: "Unsupported Transport",
	463: "Destination Prohibited",
	500: "Internal Server Error",
	501: "Not Implemented",
	503: "Service Unavailable",
	505: "RTSP Version Not Supported",
	551: "Option Not Supported",
};

const reasonOf = (status: number): string => REASONS[status] ?? "Unknown";

/** A text that can stand in a line: what would end the line, or is no character of Latin-1, becomes a space. */
const lineText = (text: string): string => text.replace(/[^\x20-\x7e\xa0-\xff]/g, " ");

export function writeRequest(method: string, target: string, message: WrittenMessage): Uint8Array {
	return writeMessage(`${word(method)} ${word(target)} RTSP/1.0`, message);
}

/** @param why words behind the status's own, which players show to people */
export function writeResponse(status: number, message: WrittenMessage, why?: string): Uint8Array {
	const words = why === undefined ? "" : ` (${lineText(why.slice(0, MOST_REASON))})`;
	return writeMessage(`RTSP/1.0 ${status} ${reasonOf(status)}${words}`, message);
}

/** A packet as it lies between messages. @param channel 0 to 255 */
export function writePacket(channel: number, payload: Uint8Array): Uint8Array {
	const out = new Uint8Array(PACKET_HEAD_BYTES + payload.length);
	out[0] = PACKET_MARK;
	out[1] = channel;
	out[2] = payload.length >> 8;
	out[3] = payload.length; // a Uint8Array keeps the low eight bits
	out.set(payload, PACKET_HEAD_BYTES);
	return out;
}

/** Without spaces too: they part the words of a first line. */
const word = (text: string): string => lineText(text).replaceAll(" ", "%20");

function writeMessage(firstLine: string, { headers, body }: WrittenMessage): Uint8Array {
	const lines = headers.map(([name, value]) => `${name}: ${lineText(value)}`);
	if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
	const head = latin1Bytes(`${[firstLine, ...lines].join("\r\n")}\r\n\r\n`);
	return body === undefined ? head : concatenate(head, body);
}

function latin1Bytes(text: string): Uint8Array {
	const out = new Uint8Array(text.length);
	for (let at = 0; at < text.length; at++) out[at] = text.charCodeAt(at);
	return out;
}
