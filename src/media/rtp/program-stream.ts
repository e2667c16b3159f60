/**
 * Reads an MPEG program stream as cameras send it by RTP (GB/T 28181, annex C): pack headers, system headers, program
 * stream maps, and PES packets of H.264 or HEVC and of AAC with ADTS headers. Sound that is not carried, G.711 mostly,
 * is told once and left out. Follows ISO/IEC 13818-1, clause 2.5.
 *
 * What is found is told by its length; where no start code is, the next is looked for, after a loss the next pack
 * header. No start code of a program stream can be in a NAL unit, whose first byte is below 0x80.
 * Invariant: at most two elements and one picture are kept; a picture that has lost a part is left out whole.
 */
import { PenstockError } from "../../base/errors.ts";
import { ticks90k } from "../../base/units.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import type { AudioConfig, DecodeInformation } from "../access-unit.ts";
import { sameAudio } from "../audio.ts";
import { AdtsPayloads, type AudioFrame } from "../mpegts/audio-payloads.ts";
import { TIME_BITS } from "../mpegts/packet.ts";
import { PES_START_BYTES, parsePes } from "../mpegts/pes.ts";
import { MOST_PES_BYTES } from "../mpegts/pes-assembler.ts";
import { STREAM_TYPE_H264 } from "../mpegts/psi.ts";
import { VideoPayloads } from "../mpegts/video-payloads.ts";
import { sameVideo } from "../picture.ts";
import type { StreamReader, StreamSink } from "../stream-reader.ts";
import { ByteQueue } from "./byte-queue.ts";
import { PesPicture } from "./pes-picture.ts";
import { isAudioType, isVideoType, type MappedStream, parseProgramStreamMap, unfitName } from "./program-stream-map.ts";

const END_CODE = 0xb9;
const PACK = 0xba;
const MAP = 0xbc;
const FIRST_AUDIO_ID = 0xc0;
const FIRST_VIDEO_ID = 0xe0;
const LAST_VIDEO_ID = 0xef;
/** Of a pack header before its stuffing. */
const PACK_BYTES = 14;

/** Running totals. */
export interface ProgramStreamCounts {
	readonly packs: number;
	readonly pesPackets: number;
	/** Bytes that were no element, or of one that had lost a part. */
	readonly skippedBytes: number;
	/** Pictures that had lost a part. */
	readonly dropped: number;
}

export class ProgramStreamReader implements StreamReader {
	readonly #sink: StreamSink;
	readonly #queue = new ByteQueue();
	readonly #time = new Unwrapper(TIME_BITS);
	readonly #picture = new PesPicture();
	readonly #onBroken = (what: string): void => {
		this.#what ??= what;
	};
	readonly #unfitTold = new Set<number>();
	#pictures: VideoPayloads | undefined;
	readonly #frames = new AdtsPayloads(this.#onBroken);
	#audioConfig: AudioConfig | undefined;
	#told: DecodeInformation = {};
	/** The first streams of their kinds. */
	#video: MappedStream | undefined;
	#audio: MappedStream | undefined;
	/** Of an element without a length: so much has been searched for the next one. */
	#searched = 0;
	/** After a loss: anything before the next pack header may be the middle of something. */
	#wantsPack = true;
	#isSkipping = false;
	#what: string | undefined;
	#faults = 0;
	#packs = 0;
	#pesPackets = 0;
	#skippedBytes = 0;
	#dropped = 0;

	constructor(sink: StreamSink) {
		this.#sink = sink;
	}

	get heldBytes(): number {
		return this.#queue.length + this.#picture.length;
	}

	get faults(): number {
		return this.#faults;
	}

	get counts(): ProgramStreamCounts {
		return {
			packs: this.#packs,
			pesPackets: this.#pesPackets,
			skippedBytes: this.#skippedBytes,
			dropped: this.#dropped,
		};
	}

	push(bytes: Uint8Array): void {
		this.#queue.push(bytes);
		while (this.#element(false));
	}

	/** Bytes are missing here: what has begun is dropped. */
	lost(): void {
		this.#searched = 0;
		this.#skippedBytes += this.#queue.length;
		this.#queue.clear();
		this.#wantsPack = true;
		if (this.#picture.length > 0) this.#dropped++;
		this.#picture.clear();
		this.#frames.reset();
	}

	/** The sender says that an access unit ends here: a picture need not wait for the next one to begin. */
	endOfFrame(): void {
		while (this.#element(true));
		if (this.#queue.length === 0) this.#finishPicture();
	}

	end(): void {
		this.endOfFrame();
		this.#finishPicture();
		this.#skippedBytes += this.#queue.length;
		this.#queue.clear();
	}

	/** Takes one element off the queue. @param ending what has no length ends here. @returns whether there was one */
	#element(ending: boolean): boolean {
		const data = this.#queue.content;
		if (data.length < 4) return false;
		if (!isStartCode(data, 0) || (this.#wantsPack && data[3] !== PACK)) return this.#skip();
		this.#wantsPack = false;
		const length = this.#elementBytes(data, ending);
		if (length === "cut") return false;
		if (length === "broken") return this.#skip();
		this.#isSkipping = false;
		this.#searched = 0;
		this.#take(data.subarray(0, length));
		this.#queue.take(length);
		this.#tellFault();
		return true;
	}

	/** @returns the length of the element that begins here; "cut" while that is not all there */
	#elementBytes(data: Uint8Array, ending: boolean): number | "cut" | "broken" {
		const id = data[3]!;
		const isEndless = id >= FIRST_VIDEO_ID && id <= LAST_VIDEO_ID && data[4] === 0 && data[5] === 0;
		if (!isEndless) return elementBytes(data);
		// Some cameras say a length of 0 for a picture that is larger than the field can say: up to the next element.
		for (let at = Math.max(this.#searched, PES_START_BYTES); at + 4 <= data.length; at++) {
			at = data.indexOf(1, at + 2) - 2;
			if (at < 0) break;
			if (isStartCode(data, at)) return at;
		}
		this.#searched = Math.max(PES_START_BYTES, data.length - 3);
		if (data.length > MOST_PES_BYTES) return "broken";
		return ending ? data.length : "cut";
	}

	/** Up to the next start code, or as far as none can begin. */
	#skip(): boolean {
		const data = this.#queue.content;
		let at = 1;
		while (at + 4 <= data.length && !(isStartCode(data, at) && (!this.#wantsPack || data[at + 3] === PACK))) at++;
		if (!this.#isSkipping && !this.#wantsPack) {
			this.#onBroken("something is no element of a program stream");
			this.#tellFault();
		}
		this.#isSkipping = true;
		this.#skippedBytes += at;
		this.#queue.take(at);
		return this.#queue.length >= 4;
	}

	#take(element: Uint8Array): void {
		const id = element[3]!;
		if (id === PACK) this.#packs++;
		else if (id === MAP) this.#map(element);
		else if (id === this.#video?.streamId) this.#onVideo(element);
		else if (id === this.#audio?.streamId) this.#onAudio(element);
	}

	#map(element: Uint8Array): void {
		const streams = parseProgramStreamMap(element);
		if (streams === undefined) {
			this.#onBroken("a program stream map has lengths that do not add up");
			return;
		}
		const video = streams.find(({ streamType }) => isVideoType(streamType));
		const audio = streams.find(({ streamType }) => isAudioType(streamType));
		const carried = [video?.streamType, audio?.streamType];
		for (const { streamType } of streams) if (!carried.includes(streamType)) this.#tellUnfit(streamType);
		if (!sameStream(video, this.#video)) {
			this.#finishPicture();
			this.#video = video;
			const codec = video?.streamType === STREAM_TYPE_H264 ? "h264" : "hevc";
			this.#pictures = video && new VideoPayloads(codec, this.#onBroken);
		}
		if (!sameStream(audio, this.#audio)) {
			this.#audio = audio;
			this.#audioConfig = undefined;
			this.#frames.reset();
		}
	}

	#tellUnfit(streamType: number): void {
		if (this.#unfitTold.has(streamType)) return;
		this.#unfitTold.add(streamType);
		this.#faults++;
		const message = `the program stream carries ${unfitName(streamType)}, which Penstock does not; it is left out: set the camera to H.264 or HEVC, and AAC.`;
		this.#sink.fault?.(new PenstockError("STREAM_UNSUPPORTED", message));
	}

	#onVideo(element: Uint8Array): void {
		this.#pesPackets++;
		const pes = parsePes(element);
		if (pes === undefined) {
			this.#onBroken("a PES packet has a broken header");
			this.#picture.clear();
			return;
		}
		if (pes.pts !== undefined && this.#picture.isOther(pes.pts)) this.#finishPicture();
		if (!this.#picture.push(pes)) this.#onBroken(`a picture has more than ${MOST_PES_BYTES} bytes`);
	}

	#finishPicture(): void {
		const whole = this.#picture.take();
		if (whole === undefined) return;
		const picture = this.#pictures?.read(whole.data);
		if (picture === undefined) return;
		const dts = ticks90k(this.#time.unwrap(whole.dts));
		const pts = ticks90k(this.#time.unwrap(whole.pts));
		this.#tell();
		this.#sink.accessUnit({ track: "video", pts, dts, key: picture.key, data: picture.data });
		this.#tellFault();
	}

	#onAudio(element: Uint8Array): void {
		this.#pesPackets++;
		const pes = parsePes(element);
		if (pes === undefined) this.#onBroken("a PES packet has a broken header");
		else this.#frames.read(pes.payload, pes.pts === undefined ? undefined : this.#time.unwrap(pes.pts), this.#onFrame);
	}

	readonly #onFrame = ({ config, pts, data }: AudioFrame): void => {
		this.#audioConfig = config;
		this.#tell();
		this.#sink.accessUnit({ track: "audio", pts: ticks90k(pts), dts: ticks90k(pts), key: true, data });
	};

	/** Says the decode information if it is not what was said last. */
	#tell(): void {
		const video = this.#pictures?.config;
		const audio = this.#audioConfig;
		const { video: toldVideo, audio: toldAudio } = this.#told;
		if (video === toldVideo && audio === toldAudio) return;
		this.#told = { ...(video && { video }), ...(audio && { audio }) };
		// A map that changed its mind and back brings the same again.
		if (sameVideo(video, toldVideo) && sameAudio(audio, toldAudio)) return;
		this.#sink.decodeInformation?.(this.#told);
	}

	#tellFault(): void {
		const what = this.#what;
		if (what === undefined) return;
		this.#what = undefined;
		this.#faults++;
		this.#sink.fault?.(
			new PenstockError("MPEGPS_SYNTAX", `the program stream at byte ${this.#queue.offset}: ${what}; it was left out.`),
		);
	}
}

const isStartCode = (data: Uint8Array, at: number): boolean =>
	data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1 && data[at + 3]! >= END_CODE;

const sameStream = (one: MappedStream | undefined, other: MappedStream | undefined): boolean =>
	one?.streamId === other?.streamId && one?.streamType === other?.streamType;

/** The length of an element that says it. */
function elementBytes(data: Uint8Array): number | "cut" | "broken" {
	const id = data[3]!;
	if (id === END_CODE) return 4;
	if (id === PACK) {
		if (data.length < PACK_BYTES) return "cut";
		if (data[4]! >> 6 !== 1) return "broken"; // MPEG-1 has another form
		const length = PACK_BYTES + (data[13]! & 7);
		return length <= data.length ? length : "cut";
	}
	if (data.length < PES_START_BYTES) return "cut";
	const said = (data[4]! << 8) | data[5]!;
	if (said === 0 && id >= FIRST_AUDIO_ID) return "broken";
	const length = PES_START_BYTES + said;
	return length <= data.length ? length : "cut";
}
