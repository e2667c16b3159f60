/**
 * Header fields of RTSP with a form of their own (RFC 2326, clause 12): what comes in is read up to its limits, and a
 * fault is an answer and never thrown.
 */
import { type ErrorCode, PenstockError } from "../base/errors.ts";

/** What a reader of text from outside gives. */
export type Read<Value> =
	| { readonly kind: "read"; readonly value: Value }
	| { readonly kind: "fault"; readonly error: PenstockError };

export const read = <Value>(value: Value): Read<Value> => ({ kind: "read", value });

/** @param detail a sentence; see PenstockError */
export const fault = (code: ErrorCode, detail: string): { readonly kind: "fault"; readonly error: PenstockError } => ({
	kind: "fault",
	error: new PenstockError(code, detail),
});

/** CSeq; undefined where it is missing or no number. */
export const readCSeq = (text: string | undefined): number | undefined =>
	text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;

export interface SessionField {
	readonly id: string;
	readonly timeoutS?: number;
}

/** `Session: 1234;timeout=60`; undefined where it is none. */
export function readSession(text: string | undefined): SessionField | undefined {
	const match = /^([\x21-\x3a\x3c-\x7e]{1,128})[ \t]*(?:;[ \t]*timeout=(\d{1,6}))?/i.exec(text ?? "");
	if (match === null) return undefined;
	const [, id = "", timeout] = match;
	return { id, ...(timeout !== undefined && { timeoutS: Number(timeout) }) };
}

export const writeSession = ({ id, timeoutS }: SessionField): string =>
	timeoutS === undefined ? id : `${id};timeout=${timeoutS}`;

/** Where in a stream a track begins to be sent: RTP-Info. */
export interface TrackStart {
	readonly url: string;
	readonly sequence?: number;
	readonly rtpTime?: number;
}

export const writeRtpInfo = (starts: readonly TrackStart[]): string =>
	starts
		.map(({ url, sequence, rtpTime }) => {
			const number = sequence === undefined ? "" : `;seq=${sequence & 0xffff}`;
			return `url=${url}${number}${rtpTime === undefined ? "" : `;rtptime=${rtpTime >>> 0}`}`;
		})
		.join(",");

/** Splits at a separator that stands outside quotes. @param most pieces; what is behind stays unread */
export function splitOutsideQuotes(text: string, separator: string, most: number): string[] {
	const parts: string[] = [];
	let from = 0;
	let quoted = false;
	for (let at = 0; at < text.length && parts.length < most; at++) {
		const character = text[at];
		if (quoted && character === "\\") at++;
		else if (character === '"') quoted = !quoted;
		else if (character === separator && !quoted) {
			parts.push(text.slice(from, at).trim());
			from = at + 1;
		}
	}
	if (parts.length < most) parts.push(text.slice(from).trim());
	return parts.filter((part) => part !== "");
}
