/**
 * Writes one unit as FLV tags: a script tag that names it, the sequence headers, then one tag for each access unit.
 * `docs/wire/flv.md` draws the bytes.
 *
 * Invariant: bytes are a function of the unit's head and its access units alone, and a demultiplexer keeps nothing over
 * a unit's end but what the next unit says anew. So a switch is tags, and nothing else.
 */
import { PenstockError } from "../../base/errors.ts";
import { parseName } from "../../base/name.ts";
import type { AccessUnit } from "../access-unit.ts";
import type { Allocate, UnitHead, UnitWriter } from "../packaging.ts";
import { inBandSets } from "../picture.ts";
import { scriptCall } from "./amf0.ts";
import {
	audioCodecId,
	audioPrelude,
	audioSequenceHeader,
	videoCodecId,
	videoPrelude,
	videoSequenceHeader,
} from "./media-body.ts";
import {
	FILE_HEADER_BYTES,
	FLAG_AUDIO,
	FLAG_VIDEO,
	LONGEST_TAG_BODY,
	TAG_AUDIO,
	TAG_FRAME_BYTES,
	TAG_SCRIPT,
	TAG_SIZE_BYTES,
	TAG_VIDEO,
	tagMs,
	writeFileHeader,
	writeTagFrame,
} from "./tag.ts";

/** The name of the script tag that opens each unit. */
export const ON_RENDITION = "onRendition";
/** CompositionTime has 24 bits with a sign. */
const LONGEST_COMPOSITION_MS = 0x7f_ffff;

interface Tag {
	readonly type: number;
	readonly body: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const NO_TAGS: readonly Tag[] = [];

export class FlvUnitWriter implements UnitWriter {
	readonly #head: UnitHead;
	/** What stands before a key picture: its parameter sets, as the codec's access units hold such things. */
	readonly #keySets: Uint8Array;
	/** What stands before a picture, a key picture or another, that is shown when it is decoded. */
	readonly #picturePreludes: readonly [Uint8Array, Uint8Array] | undefined;
	readonly #audioPrelude: Uint8Array | undefined;
	/** What opens the unit; empty when that is written. */
	#opening: readonly Tag[];

	/** @throws PenstockError NAME_INVALID, STREAM_UNSUPPORTED */
	constructor(head: UnitHead) {
		const { video, audio } = head.decode;
		this.#head = head;
		this.#keySets = inBandSets(video);
		this.#picturePreludes = video && [videoPrelude(video.codec, false, 0), videoPrelude(video.codec, true, 0)];
		this.#audioPrelude = audio === undefined ? undefined : audioPrelude(audio.codec);
		this.#opening = [unitName(head), ...sequenceHeaders(head)];
	}

	/** @throws PenstockError STREAM_UNSUPPORTED when the access unit is too large, or of a track that the head has not */
	write(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		return accessUnit.track === "video"
			? this.#writeVideo(accessUnit, allocate)
			: this.#writeAudio(accessUnit, allocate);
	}

	close(): undefined {
		return undefined;
	}

	#writeVideo({ data, pts, dts, key }: AccessUnit, allocate: Allocate): Uint8Array {
		const { video } = this.#head.decode;
		if (video === undefined) throw this.#refuse("is video, of which the unit's head says nothing");
		const compositionMs = tagMs(pts) - tagMs(dts);
		if (Math.abs(compositionMs) > LONGEST_COMPOSITION_MS) {
			throw this.#refuse(`is shown ${compositionMs} ms after it is decoded; look at the source's time stamps`);
		}
		const prelude =
			compositionMs === 0 ? this.#picturePreludes![key ? 1 : 0] : videoPrelude(video.codec, key, compositionMs);
		return this.#writeTag(TAG_VIDEO, tagMs(dts), prelude, key ? this.#keySets : NOTHING, data, allocate);
	}

	#writeAudio({ data, dts }: AccessUnit, allocate: Allocate): Uint8Array {
		if (this.#audioPrelude === undefined) throw this.#refuse("is audio, of which the unit's head says nothing");
		return this.#writeTag(TAG_AUDIO, tagMs(dts), this.#audioPrelude, NOTHING, data, allocate);
	}

	/**
	 * One tag, whose body is `prelude`, `sets` and `data`. The unit's first has the opening before it, in the same piece
	 * and at the same time. Hot path: allocates the piece and nothing else.
	 */
	#writeTag(
		type: number,
		ms: number,
		prelude: Uint8Array,
		sets: Uint8Array,
		data: Uint8Array,
		allocate: Allocate,
	): Uint8Array {
		const bodyBytes = prelude.length + sets.length + data.length;
		if (bodyBytes > LONGEST_TAG_BODY) {
			throw this.#refuse(`takes ${bodyBytes} bytes, but a tag can say ${LONGEST_TAG_BODY} at most`);
		}
		const opening = this.#opening;
		this.#opening = NO_TAGS;
		const out = allocate(bytesOf(opening) + TAG_FRAME_BYTES + bodyBytes);
		let at = 0;
		for (const tag of opening) at = putTag(out, at, tag, ms);
		at = writeTagFrame(out, at, type, ms, bodyBytes);
		out.set(prelude, at);
		out.set(sets, at + prelude.length);
		out.set(data, at + prelude.length + sets.length);
		return out;
	}

	#refuse(why: string): PenstockError {
		const { number, rendition } = this.#head;
		return new PenstockError(
			"STREAM_UNSUPPORTED",
			`an access unit in unit ${number} of rendition "${rendition}" ${why}.`,
		);
	}
}

/**
 * What opens a response: the FLV header, `onMetaData` with what is known of a live stream, and the sequence headers that
 * the unit behind it says again: FFmpeg numbers streams as they come, and would else number the units' names first.
 */
export function writeResponseStart(head: UnitHead, allocate: Allocate): Uint8Array {
	const { video, audio } = head.decode;
	const properties = {
		width: video?.width,
		height: video?.height,
		videocodecid: video && videoCodecId(video.codec),
		audiocodecid: audio && audioCodecId(audio.codec),
		audiosamplerate: audio?.sampleRateHz,
		audiosamplesize: audio && 16,
		stereo: audio && audio.channelCount > 1,
		encoder: "Penstock",
	};
	// Its time is 0 whenever the viewer comes: FFmpeg takes a later one for subtitles.
	const metadata: Tag = { type: TAG_SCRIPT, body: scriptCall("onMetaData", properties, "ecma-array") };
	const headers = sequenceHeaders(head);
	const start = FILE_HEADER_BYTES + TAG_SIZE_BYTES;
	const out = allocate(start + bytesOf([metadata, ...headers]));
	writeFileHeader(out, 0, (video ? FLAG_VIDEO : 0) | (audio ? FLAG_AUDIO : 0));
	let at = putTag(out, start, metadata, 0);
	for (const tag of headers) at = putTag(out, at, tag, tagMs(head.time));
	return out;
}

/** The script tag that names the unit. */
function unitName({ number, rendition, decode: { video, audio } }: UnitHead): Tag {
	const properties = {
		rendition: parseName(rendition, "the name of a rendition"),
		number,
		width: video?.width,
		height: video?.height,
		videocodec: video?.codecString,
		audiocodec: audio?.codecString,
	};
	return { type: TAG_SCRIPT, body: scriptCall(ON_RENDITION, properties, "object") };
}

function sequenceHeaders({ decode: { video, audio } }: UnitHead): Tag[] {
	const tags: Tag[] = [];
	if (video) tags.push({ type: TAG_VIDEO, body: videoSequenceHeader(video) });
	if (audio) tags.push({ type: TAG_AUDIO, body: audioSequenceHeader(audio) });
	return tags;
}

const bytesOf = (tags: readonly Tag[]): number =>
	tags.reduce((sum, { body }) => sum + TAG_FRAME_BYTES + body.length, 0);

/** @returns the end of the tag and its size */
function putTag(out: Uint8Array, at: number, { type, body }: Tag, ms: number): number {
	const start = writeTagFrame(out, at, type, ms, body.length);
	out.set(body, start);
	return start + body.length + TAG_SIZE_BYTES;
}
