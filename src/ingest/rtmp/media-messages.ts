/**
 * A publisher's audio, video, data and aggregate messages, turned into access units: their bodies are those of FLV's tags
 * (RTMP 1.0, clauses 7.1.3 to 7.1.6; Enhanced RTMP v2). Of data messages, metadata are looked at for whether there is
 * going to be video; nothing of a publisher's can name units.
 */
import { readUint24, readUint32 } from "../../base/bytes.ts";
import { PenstockError } from "../../base/errors.ts";
import { type AmfValue, readValues } from "../../media/flv/amf0.ts";
import { isMultitrack } from "../../media/flv/media-body.ts";
import { TAG_AUDIO, TAG_HEADER_BYTES, TAG_SIZE_BYTES, TAG_VIDEO } from "../../media/flv/tag.ts";
import { FlvTagReader } from "../../media/flv/tag-reader.ts";
import type { StreamSink } from "../../media/stream-reader.ts";
import { COMMAND_LIMITS, withoutAmf3 } from "./command.ts";
import { AGGREGATE, AUDIO, type RtmpMessage, VIDEO } from "./message.ts";

/** In an aggregate; more are somebody's attempt to make us work. */
const MOST_PARTS = 1024;

export interface MediaCounts {
	videoMessages: number;
	audioMessages: number;
	dataMessages: number;
	accessUnits: number;
	/** Of access units. */
	mediaBytes: number;
}

export class MediaMessages {
	readonly #tags: FlvTagReader;
	readonly #counts: MediaCounts;

	constructor(sink: StreamSink, counts: MediaCounts) {
		this.#counts = counts;
		this.#tags = new FlvTagReader({
			accessUnit: (accessUnit) => {
				counts.accessUnits++;
				counts.mediaBytes += accessUnit.data.length;
				sink.accessUnit(accessUnit);
			},
			decodeInformation: (decode) => sink.decodeInformation?.(decode),
			unitStart: (unit) => sink.unitStart?.(unit),
			fault: (error) => sink.fault?.(error),
		});
	}

	get faults(): number {
		return this.#tags.faults;
	}

	/** @returns why the publication must end; undefined as long as it may go on */
	read(message: RtmpMessage): PenstockError | undefined {
		switch (message.type) {
			case AUDIO:
			case VIDEO:
				return this.#media(message.type, message.ms, message.body, message.offset);
			case AGGREGATE:
				return this.#aggregate(message);
			default:
				this.#data(withoutAmf3(message));
				return undefined;
		}
	}

	#media(type: number, ms: number, body: Uint8Array, offset: number): PenstockError | undefined {
		const track = type === VIDEO ? "video" : "audio";
		if (track === "video") this.#counts.videoMessages++;
		else this.#counts.audioMessages++;
		if (isMultitrack(track, body)) {
			return new PenstockError(
				"RTMP_UNSUPPORTED",
				`the client sends several ${track} tracks in one stream (multitrack); publish one video and one audio track, other renditions as streams of their own.`,
			);
		}
		this.#tags.read({ type: type === VIDEO ? TAG_VIDEO : TAG_AUDIO, ms, body, offset });
		return undefined;
	}

	/** Tags one behind the other, with FLV's headers; their times count from the message's own. */
	#aggregate({ ms, body, offset }: RtmpMessage): PenstockError | undefined {
		let first: number | undefined;
		let parts = 0;
		for (let at = 0; at + TAG_HEADER_BYTES <= body.length; ) {
			const type = body[at]!;
			const end = at + TAG_HEADER_BYTES + readUint24(body, at + 1);
			const time = readUint24(body, at + 4) + body[at + 7]! * 2 ** 24;
			first ??= time;
			if (end > body.length) return aggregateError(offset, `has a part that ends ${end - body.length} bytes behind it`);
			if (++parts > MOST_PARTS) return aggregateError(offset, `has more than ${MOST_PARTS} parts`);
			if (end + TAG_SIZE_BYTES <= body.length && readUint32(body, end) !== end - at) {
				return aggregateError(offset, "has a part whose size is not repeated behind it");
			}
			if (type === AUDIO || type === VIDEO) {
				const partMs = (ms + time - first + 2 ** 32) % 2 ** 32;
				const why = this.#media(type, partMs, body.subarray(at + TAG_HEADER_BYTES, end), offset);
				if (why !== undefined) return why;
			}
			at = end + TAG_SIZE_BYTES;
		}
		return undefined;
	}

	/** `@setDataFrame onMetaData {…}`, or without its first word. */
	#data(body: Uint8Array | undefined): void {
		this.#counts.dataMessages++;
		const values = (body && readValues(body, COMMAND_LIMITS)) ?? [];
		const [name, properties] = values[0] === "@setDataFrame" ? values.slice(1) : values;
		if (name === "onMetaData" && properties instanceof Map && saysVideo(properties)) this.#tags.expectVideo();
	}
}

const saysVideo = (properties: ReadonlyMap<string, AmfValue>): boolean =>
	properties.has("videocodecid") || properties.has("width");

const aggregateError = (offset: number, what: string): PenstockError =>
	new PenstockError(
		"RTMP_SYNTAX",
		`an aggregate message, about ${offset} bytes behind the handshake, ${what}; the connection is closed.`,
	);
