/**
 * The sink of the fuzzer: looks at everything that a reader gives and keeps the first thing that is wrong. Knows
 * nothing of containers, only what `StreamReader` promises of all of them.
 */
import { PenstockError } from "../../src/base/errors.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import type { StreamReader, StreamSink, UnitStart } from "../../src/media/stream-reader.ts";
import type { Target } from "./targets.ts";

const LONGEST_MESSAGE = 600;
const LONGEST_NAME = 255;
/** A start code of three bytes becomes a length of four: what comes out may be so much more than what went in. */
const GROWTH = 4 / 3;
const FNV_PRIME = 0x01000193;

export class Judge implements StreamSink {
	/** Since the last unit that began. */
	lastUnit: AccessUnit[] = [];
	accessUnits = 0;
	faults = 0;
	/** What is wrong with the reader; undefined while nothing is. */
	complaint: string | undefined;
	/** Of everything that came; only with `digesting`. */
	digest = 0;
	readonly #target: Target;
	readonly #digesting: boolean;
	/** Memory that nothing given may lie in. */
	readonly #foreign: ArrayBufferLike;
	#pushed = 0;
	#given = 0;
	#decode: DecodeInformation = {};
	/** Everything that came, and what it was then: it is the sink's to keep. */
	readonly #kept: { readonly data: Uint8Array; readonly sum: number }[] = [];

	constructor(target: Target, foreign: ArrayBufferLike, digesting: boolean) {
		this.#target = target;
		this.#foreign = foreign;
		this.#digesting = digesting;
	}

	decodeInformation(decode: DecodeInformation): void {
		this.#decode = decode;
		const { video, audio } = decode;
		if (video === undefined && audio === undefined) this.#complain("decode information of no track");
		if (video && !(video.width > 0 && video.height > 0)) this.#complain(`a picture of ${video.width}x${video.height}`);
		if (audio && !(audio.channelCount > 0 && audio.sampleRateHz > 0)) this.#complain("audio of no channels or rate");
		if (this.#digesting) this.#mixText(`${video?.codecString} ${video?.width} ${audio?.codecString}`);
	}

	unitStart({ time, number, rendition }: UnitStart): void {
		this.lastUnit = [];
		if (!Number.isSafeInteger(time)) this.#complain(`a unit at ${time}`);
		if (number !== undefined && !(Number.isSafeInteger(number) && number >= 0)) this.#complain(`unit number ${number}`);
		if ((rendition?.length ?? 0) > LONGEST_NAME)
			this.#complain(`a rendition's name of ${rendition?.length} characters`);
		if (this.#digesting) this.#mixText(`unit ${time} ${number} ${rendition}`);
	}

	accessUnit(accessUnit: AccessUnit): void {
		const { track, pts, dts, key, data } = accessUnit;
		this.accessUnits++;
		this.lastUnit.push(accessUnit);
		this.#given += data.length;
		this.#kept.push({ data, sum: sumOf(data) });
		if (track !== "video" && track !== "audio") this.#complain(`a track "${String(track)}"`);
		if (this.#decode[track] === undefined) this.#complain(`${track} before its decode information`);
		if (!Number.isSafeInteger(pts) || !Number.isSafeInteger(dts)) this.#complain(`times ${pts} and ${dts}`);
		if (track === "audio" && (pts !== dts || key !== true))
			this.#complain(`audio with times ${pts} and ${dts}, key ${key}`);
		if (data.length === 0) this.#complain(`${track} without a byte`);
		if (data.buffer === this.#foreign) this.#complain("a view on the bytes pushed, which are not the sink's to keep");
		const codec = this.#decode.video?.codec;
		if (track === "video" && codec !== "av1" && !isLengthPrefixed(data))
			this.#complain("NAL units that do not fill a picture");
		if (this.#digesting) {
			this.#mixText(`${track} ${pts} ${dts} ${key}`);
			this.digest = sumOf(data, this.digest);
		}
	}

	fault(error: PenstockError): void {
		this.faults++;
		if (!(error instanceof PenstockError)) this.#complain(`a fault that is no PenstockError: ${String(error)}`);
		else if (!this.#target.codes.includes(error.code)) this.#complain(`a fault of another code: ${error.message}`);
		else if (error.message.length > LONGEST_MESSAGE) this.#complain(`a message of ${error.message.length} characters`);
		if (this.#digesting) this.#mixText(error.message);
	}

	/** Hands the reader a piece, and looks at what it keeps. */
	push(reader: StreamReader, piece: Uint8Array): void {
		this.#pushed += piece.length;
		reader.push(piece);
		this.#checkReader(reader);
	}

	end(reader: StreamReader): void {
		reader.end();
		this.#checkReader(reader);
		if (reader.faults !== this.faults) this.#complain(`${reader.faults} faults counted but ${this.faults} told`);
		if (this.#kept.some(({ data, sum }) => sumOf(data) !== sum)) this.#complain("an access unit's data changed later");
		if (this.faults > this.#pushed) this.#complain(`${this.faults} faults in ${this.#pushed} bytes`);
	}

	#checkReader({ heldBytes }: StreamReader): void {
		if (!(heldBytes >= 0 && heldBytes <= this.#target.heldLimit)) this.#complain(`${heldBytes} bytes held`);
		if (this.#given > this.#pushed * GROWTH) this.#complain(`${this.#given} bytes given of ${this.#pushed} pushed`);
		if (this.accessUnits > this.#pushed) this.#complain(`${this.accessUnits} access units of ${this.#pushed} bytes`);
	}

	#complain(what: string): void {
		this.complaint ??= what;
	}

	#mixText(text: string): void {
		for (let i = 0; i < text.length; i++) this.digest = Math.imul(this.digest ^ text.charCodeAt(i), FNV_PRIME);
	}
}

/** FNV-1a. */
function sumOf(bytes: Uint8Array, from = 0): number {
	let sum = from;
	for (let i = 0; i < bytes.length; i++) sum = Math.imul(sum ^ bytes[i]!, FNV_PRIME);
	return sum;
}

/** NAL units, each behind its length in four bytes, to the last byte. */
function isLengthPrefixed(data: Uint8Array): boolean {
	let at = 0;
	while (at + 4 <= data.length) {
		at += 4 + (data[at]! * 2 ** 24 + ((data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!));
	}
	return at === data.length;
}

/** Whether both are the same access units, at times equal but for one multiple of `modulus`. */
export function sameUnits(one: readonly AccessUnit[], other: readonly AccessUnit[], modulus: number): boolean {
	if (one.length === 0 || one.length !== other.length) return false;
	const shift = one[0]!.pts - other[0]!.pts;
	return (
		shift % modulus === 0 &&
		one.every((unit, index) => {
			const { track, key, pts, dts, data } = other[index]!;
			const sameTimes = unit.pts === pts + shift && unit.dts === dts + shift;
			return unit.track === track && unit.key === key && sameTimes && sameBytes(unit.data, data);
		})
	);
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
	if (one.length !== other.length) return false;
	for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
	return true;
}
