/** The sink of RTP's fuzzer: looks at all that a session gives, and keeps the first thing that is wrong. */
import { type ErrorCode, PenstockError } from "../../src/base/errors.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import type { RtpSession } from "../../src/media/rtp/session.ts";
import type { StreamSink } from "../../src/media/stream-reader.ts";
import type { Feed } from "./depacketizers-corpus.ts";

const CODES: readonly ErrorCode[] = [
	...(["RTP_DATAGRAM", "RTP_LOST", "RTP_PAYLOAD", "MPEGPS_SYNTAX", "MPEGTS_SYNTAX", "STREAM_UNSUPPORTED"] as const),
];
const LONGEST_MESSAGE = 600;
/** A NAL unit of one byte behind two bytes of length is one behind four; each packet has its header besides. */
const GROWTH = 5 / 3;
/** Waiting packets, the packet that followed nothing, the largest picture twice, and what is small. */
const MOST_HELD = 2 * 2 ** 20 + 2 * 4 * 2 ** 20 + 3 * 2 ** 16;

export class RtpJudge implements StreamSink {
	complaint: string | undefined;
	accessUnits = 0;
	faults = 0;
	readonly #feed: Feed;
	#decode: DecodeInformation = {};
	#pushed = 0;
	#given = 0;
	readonly #last = new Map<string, number>();
	readonly #kept: { readonly data: Uint8Array; readonly sum: number }[] = [];
	/** Since `mark`. */
	#data: Uint8Array[] = [];

	constructor(feed: Feed) {
		this.#feed = feed;
	}

	decodeInformation(decode: DecodeInformation): void {
		if (JSON.stringify(decode) === JSON.stringify(this.#decode))
			this.#complain("decode information that was told before");
		this.#decode = decode;
		const { video, audio } = decode;
		if (!video && !audio) this.#complain("decode information of no track");
		if (video && !(video.width > 0 && video.height > 0)) this.#complain(`a picture of ${video.width}x${video.height}`);
	}

	accessUnit({ track, pts, dts, key, data }: AccessUnit): void {
		this.accessUnits++;
		this.#given += data.length;
		this.#data.push(data);
		this.#kept.push({ data, sum: sumOf(data) });
		if (this.#decode[track] === undefined) this.#complain(`${track} before its decode information`);
		if (!Number.isSafeInteger(pts) || !Number.isSafeInteger(dts)) this.#complain(`times ${pts} and ${dts}`);
		if (data.length === 0) this.#complain(`${track} without a byte`);
		if (track === "audio" && (pts !== dts || !key)) this.#complain("sound with two times, or no key");
		if (this.#feed.hasOwnTimes) return;
		if (dts > pts) this.#complain(`decoded at ${dts}, shown at ${pts}`);
		if (dts <= (this.#last.get(track) ?? Number.NEGATIVE_INFINITY))
			this.#complain(`${track} at ${dts}, not behind the one before`);
		this.#last.set(track, dts);
	}

	fault(error: PenstockError): void {
		this.faults++;
		if (!(error instanceof PenstockError) || !CODES.includes(error.code))
			this.#complain(`a fault that is not ours: ${error}`);
		else if (error.message.length > LONGEST_MESSAGE) this.#complain(`a message of ${error.message.length} characters`);
	}

	look(session: RtpSession, byteLength: number, pendingTimers: number): void {
		this.#pushed += byteLength;
		if (!(session.heldBytes >= 0 && session.heldBytes <= MOST_HELD)) this.#complain(`${session.heldBytes} bytes held`);
		if (this.#given > this.#pushed * GROWTH) this.#complain(`${this.#given} bytes given of ${this.#pushed}`);
		if (pendingTimers > 1) this.#complain(`${pendingTimers} timers set`);
	}

	/** The intact stream begins here. */
	mark(): void {
		this.#data = [];
	}

	end(session: RtpSession, pendingTimers: number): void {
		if (session.faults !== this.faults) this.#complain(`${session.faults} faults counted but ${this.faults} told`);
		if (session.heldBytes !== 0 || pendingTimers !== 0)
			this.#complain(`${session.heldBytes} bytes or a timer at the end`);
		if (this.#kept.some(({ data, sum }) => sumOf(data) !== sum)) this.#complain("an access unit's data changed later");
		const { expected } = this.#feed;
		const last = this.#data.slice(-expected.length);
		const isSame = last.length === expected.length && expected.every((data, i) => Buffer.compare(data, last[i]!) === 0);
		if (!isSame) this.#complain("a sender that began afresh is not read to its end");
	}

	#complain(what: string): void {
		this.complaint ??= what;
	}
}

/** FNV-1a. */
function sumOf(bytes: Uint8Array): number {
	let sum = 0;
	for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x0100_0193);
	return sum;
}
