/**
 * FLV, read as it comes (Adobe Flash Video File Format Specification 10.1, annex E): H.264 and AAC tags become access
 * units, script tags are passed over. Fed with pieces of any size, it says the same for every way to cut the input.
 *
 * Times: FFmpeg's muxer writes 31 bits of milliseconds (it masks TimestampExtended with 0x7F), so bit 31 is ignored
 * and the rest unwrapped. A stream that begins below zero therefore begins near 2³¹; whoever relates two FLV streams
 * to each other must relate them modulo 2³¹ ms.
 * Bounded: one tag, at most 16 MiB. There is no search for a next good tag: what writes to a pipe is in order, and a
 * byte out of place ends the stream with FLV_SYNTAX and the offset.
 */
import { PenstockError } from "../../base/errors.ts";
import { msToTicks, ticks90k } from "../../base/units.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import { type AacConfig, parseAudioSpecificConfig } from "../aac.ts";
import type { AccessUnit } from "../access-unit.ts";
import { type H264Config, parseAvcC } from "../h264.ts";
import { takeAccessUnit } from "./avc-payload.ts";

export type FlvEvent =
	| { readonly kind: "video-config"; readonly config: H264Config }
	| { readonly kind: "audio-config"; readonly config: AacConfig }
	| {
			readonly kind: "access-unit";
			readonly accessUnit: AccessUnit;
			/** The tag's own word for a key frame. True with `accessUnit.key` false is an open GOP: no IDR picture. */
			readonly flvKeyFrame: boolean;
	  }
	/** The encoder's end of sequence (AVCPacketType 2). */
	| { readonly kind: "video-end" };

export const FLV_MAX_TAG_BYTES = 16 * 1024 * 1024;
/** Width of the time stamps that FFmpeg's FLV muxer writes, in bits of milliseconds. */
export const FLV_TIME_BITS = 31;

const FILE_HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
const TAG_SIZE_BYTES = 4;
const TAG_AUDIO = 8;
const TAG_VIDEO = 9;
const TAG_SCRIPT = 18;
const FRAME_TYPE_KEY = 1;
const FRAME_TYPE_COMMAND = 5;
const CODEC_AVC = 7;
const SOUND_FORMAT_AAC = 10;

type Part = "file-header" | "tag-header" | "tag-body" | "tag-size";

export class FlvReader {
	readonly #onEvent: (event: FlvEvent) => void;
	readonly #unwrapper = new Unwrapper(FLV_TIME_BITS);
	/** Where the bytes of the part being read are gathered, and how many there are already. */
	#part: Part = "file-header";
	#buffer = new Uint8Array(FILE_HEADER_BYTES + TAG_SIZE_BYTES);
	#filled = 0;
	/** Bytes of whole parts, from the start of the stream. */
	#offset = 0;
	#tagType = 0;
	#tagBytes = 0;
	/** Timestamp and TimestampExtended; unwrapped with access units only, for headers and scripts often say 0. */
	#wrappedMs = 0;
	#video: H264Config | undefined;
	#audio: AacConfig | undefined;
	#failure: PenstockError | undefined;

	/** @param onEvent called in the order of the stream, from within `push` */
	constructor(onEvent: (event: FlvEvent) => void) {
		this.#onEvent = onEvent;
	}

	/**
	 * Takes the next bytes; keeps no view of `chunk`.
	 * @throws PenstockError FLV_SYNTAX or STREAM_UNSUPPORTED; the reader is spent then, and throws the same ever after
	 */
	push(chunk: Uint8Array): void {
		if (this.#failure !== undefined) throw this.#failure;
		try {
			for (let at = 0; at < chunk.length; ) {
				const count = Math.min(this.#buffer.length - this.#filled, chunk.length - at);
				this.#buffer.set(chunk.subarray(at, at + count), this.#filled);
				this.#filled += count;
				at += count;
				if (this.#filled === this.#buffer.length) this.#endPart();
			}
		} catch (thrown) {
			if (thrown instanceof PenstockError) this.#failure = thrown;
			throw thrown;
		}
	}

	#endPart(): void {
		const part = this.#buffer;
		switch (this.#part) {
			case "file-header":
				this.#fileHeader(part);
				this.#beginPart("tag-header", TAG_HEADER_BYTES);
				break;
			case "tag-header":
				this.#tagHeader(part);
				if (this.#tagBytes > 0) this.#beginPart("tag-body", this.#tagBytes);
				else this.#beginPart("tag-size", TAG_SIZE_BYTES);
				break;
			case "tag-body":
				if (this.#tagType === TAG_VIDEO) this.#videoTag(part);
				else if (this.#tagType === TAG_AUDIO) this.#audioTag(part);
				this.#beginPart("tag-size", TAG_SIZE_BYTES);
				break;
			case "tag-size":
				this.#tagSize(part);
				this.#beginPart("tag-header", TAG_HEADER_BYTES);
				break;
		}
	}

	/** The body's buffer is handed on with the access unit, so every part gets one of its own. */
	#beginPart(part: Part, byteLength: number): void {
		this.#offset += this.#buffer.length;
		this.#part = part;
		this.#buffer = new Uint8Array(byteLength);
		this.#filled = 0;
	}

	/** FLV header (E.2) and PreviousTagSize0 (E.3). */
	#fileHeader(header: Uint8Array): void {
		if (header[0] !== 0x46 || header[1] !== 0x4c || header[2] !== 0x56 || header[3] !== 1) {
			throw this.#syntax('must begin with "FLV" and version 1');
		}
		const dataOffset = readUint32(header, 5);
		if (dataOffset !== FILE_HEADER_BYTES) throw this.#syntax(`has a header of ${dataOffset} bytes, not 9`);
		if (readUint32(header, FILE_HEADER_BYTES) !== 0) throw this.#syntax("has a PreviousTagSize0 that is not 0");
	}

	/** FLVTAG (E.4.1). */
	#tagHeader(header: Uint8Array): void {
		const type = header[0]! & 0x3f; // Filter (encrypted) and TagType
		if (type !== TAG_AUDIO && type !== TAG_VIDEO && type !== TAG_SCRIPT) {
			throw this.#syntax(`has tag type ${type}, which is none of 8 (audio), 9 (video) and 18 (script)`);
		}
		const byteLength = readUint24(header, 1);
		if (byteLength > FLV_MAX_TAG_BYTES - TAG_HEADER_BYTES) {
			throw this.#syntax(`has a tag of ${byteLength} bytes; at most ${FLV_MAX_TAG_BYTES} are taken`);
		}
		this.#tagType = type;
		this.#tagBytes = byteLength;
		this.#wrappedMs = (header[7]! & 0x7f) * 2 ** 24 + readUint24(header, 4);
	}

	/** PreviousTagSize (E.3). */
	#tagSize(field: Uint8Array): void {
		const said = readUint32(field, 0);
		const actual = TAG_HEADER_BYTES + this.#tagBytes;
		if (said !== actual) throw this.#syntax(`says that the tag before had ${said} bytes, but it had ${actual}`);
	}

	/** VIDEODATA and AVCVIDEOPACKET (E.4.3). */
	#videoTag(body: Uint8Array): void {
		const frameType = body[0]! >> 4;
		const codec = body[0]! & 0xf;
		if (frameType === FRAME_TYPE_COMMAND) return;
		if (codec !== CODEC_AVC || frameType > FRAME_TYPE_COMMAND) {
			throw new PenstockError(
				"STREAM_UNSUPPORTED",
				`the FLV video tag at byte ${this.#offset} begins with 0x${body[0]!.toString(16)}; only H.264 (CodecID 7) is carried.`,
			);
		}
		if (body.length < 5) throw this.#syntax(`has an AVC tag of ${body.length} bytes; 5 are the least`);
		switch (body[1]) {
			case 0:
				this.#videoConfig(parseAvcC(body.subarray(5)));
				break;
			case 1:
				this.#picture(body, frameType === FRAME_TYPE_KEY);
				break;
			case 2:
				this.#onEvent({ kind: "video-end" });
				break;
			default:
				throw this.#syntax(`has AVCPacketType ${body[1]}, which is none of 0, 1 and 2`);
		}
	}

	#picture(body: Uint8Array, flvKeyFrame: boolean): void {
		const config = this.#video;
		if (config === undefined) throw this.#syntax("has a picture before its AVC sequence header");
		const compositionMs = (readUint24(body, 2) << 8) >> 8; // SI24
		const { data, key, config: inBand } = takeAccessUnit(body.subarray(5), config);
		if (inBand !== undefined) this.#videoConfig(inBand);
		if (data.length === 0) return;
		const dts = msToTicks(this.#unwrapper.unwrap(this.#wrappedMs));
		const pts = ticks90k(dts + msToTicks(compositionMs));
		this.#onEvent({ kind: "access-unit", accessUnit: { track: "video", pts, dts, key, data }, flvKeyFrame });
	}

	/** AUDIODATA and AACAUDIODATA (E.4.2). */
	#audioTag(body: Uint8Array): void {
		const format = body[0]! >> 4;
		if (format !== SOUND_FORMAT_AAC) {
			throw new PenstockError(
				"STREAM_UNSUPPORTED",
				`the FLV audio tag at byte ${this.#offset} has SoundFormat ${format}; only AAC (10) is carried.`,
			);
		}
		if (body.length < 2) throw this.#syntax("has an AAC tag of 1 byte; 2 are the least");
		if (body[1] === 0) {
			this.#audioConfig(parseAudioSpecificConfig(body.subarray(2)));
			return;
		}
		if (body[1] !== 1) throw this.#syntax(`has AACPacketType ${body[1]}, which is neither 0 nor 1`);
		if (this.#audio === undefined) throw this.#syntax("has an AAC frame before its AAC sequence header");
		if (body.length === 2) return;
		const time = msToTicks(this.#unwrapper.unwrap(this.#wrappedMs));
		const accessUnit: AccessUnit = { track: "audio", pts: time, dts: time, key: true, data: body.subarray(2) };
		this.#onEvent({ kind: "access-unit", accessUnit, flvKeyFrame: true });
	}

	/** Sequence headers may be repeated; only a change is told. */
	#videoConfig(config: H264Config): void {
		const old = this.#video;
		this.#video = config;
		if (old !== undefined && sameSets(old.sps, config.sps) && sameSets(old.pps, config.pps)) return;
		this.#onEvent({ kind: "video-config", config });
	}

	#audioConfig(config: AacConfig): void {
		const old = this.#audio;
		this.#audio = config;
		if (old !== undefined && sameSets([old.specificConfig], [config.specificConfig])) return;
		this.#onEvent({ kind: "audio-config", config });
	}

	#syntax(what: string): PenstockError {
		return new PenstockError("FLV_SYNTAX", `the FLV stream at byte ${this.#offset} ${what}; it is not read further.`);
	}
}

const readUint24 = (bytes: Uint8Array, at: number): number =>
	(bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;

const readUint32 = (bytes: Uint8Array, at: number): number => bytes[at]! * 2 ** 24 + readUint24(bytes, at + 1);

const sameSets = (one: readonly Uint8Array[], other: readonly Uint8Array[]): boolean =>
	one.length === other.length &&
	one.every((set, i) => set.length === other[i]!.length && set.every((byte, k) => byte === other[i]![k]));
