/**
 * RTMP's handshake, the server's side (RTMP 1.0, clause 5.2): C0 and C1 in, S0 S1 S2 out, C2 read past. A client whose
 * C1 bears a digest gets one in S1 and S2, too (`digest.ts`).
 * Invariant: nothing is sent before C1 is whole, and then about twice as much as came.
 */
import { concatenate } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";
import { digestAnswer, HANDSHAKE_BYTES, type RandomBytes } from "./digest.ts";

const VERSION = 3;
/** Encrypted forms of Adobe's. */
const ENCRYPTED: readonly number[] = [6, 8, 9];

export interface HandshakeSink {
	send(bytes: Uint8Array): void;
	fault(error: PenstockError): void;
}

export class Handshake {
	readonly #sink: HandshakeSink;
	readonly #random: RandomBytes;
	/** C0 and C1, as far as they have come; empty when they have been answered. */
	#first = new Uint8Array(1 + HANDSHAKE_BYTES);
	#filled = 0;
	#left = HANDSHAKE_BYTES;

	constructor(sink: HandshakeSink, random: RandomBytes) {
		this.#sink = sink;
		this.#random = random;
	}

	get isDone(): boolean {
		return this.#left === 0;
	}

	/** @returns how many of the bytes belong to the handshake; behind it, chunks begin */
	push(bytes: Uint8Array): number {
		let at = 0;
		if (this.#first.length > 0) {
			at = Math.min(bytes.length, this.#first.length - this.#filled);
			this.#first.set(bytes.subarray(0, at), this.#filled);
			this.#filled += at;
			if (at > 0 && this.#first[0] !== VERSION) {
				this.#sink.fault(refusal(this.#first.subarray(0, this.#filled)));
				return bytes.length;
			}
			if (this.#filled < this.#first.length) return at;
			this.#answer(this.#first.subarray(1));
			this.#first = new Uint8Array(0);
		}
		// What C2 says, nobody holds a client to: old ones put there what they like.
		const second = Math.min(this.#left, bytes.length - at);
		this.#left -= second;
		return at + second;
	}

	#answer(clientFirst: Uint8Array): void {
		const serverFirst = this.#random(HANDSHAKE_BYTES);
		serverFirst.fill(0, 0, 8); // our clock begins now; no version
		const withDigest = digestAnswer(clientFirst, serverFirst, this.#random);
		const { serverFirst: first, serverSecond: second } = withDigest ?? { serverFirst, serverSecond: clientFirst };
		this.#sink.send(concatenate(Uint8Array.of(VERSION), first, second));
	}
}

/** Why a first byte is none of ours; people take the wrong port, and should be told which is right. */
function refusal(start: Uint8Array): PenstockError {
	const [first = 0] = start;
	if (ENCRYPTED.includes(first)) {
		return new PenstockError("RTMP_UNSUPPORTED", `the client asks for RTMPE (version ${first}); use rtmps:// instead.`);
	}
	const looks = /^[A-Z]/.test(String.fromCharCode(first))
		? "looks like a request in HTTP"
		: first === 0x16
			? "looks like TLS, which has a port of its own"
			: "is none of RTMP's";
	return new PenstockError("RTMP_SYNTAX", `the connection's first byte is ${first}, not ${VERSION}: it ${looks}.`);
}
