/** Conversations of RTMP publishers, behind the handshake, with their chunks as parts that mutations know of. */
import { type AmfValue, writeValues } from "../../src/media/flv/amf0.ts";
import { TagScanner } from "../../src/media/flv/tag-scanner.ts";
import { ChunkScribe, type SentMessage } from "../kit/rtmp-chunks.ts";
import { type Encode, encode } from "./encodes.ts";
import type { Specimen } from "./mutate.ts";
import type { Part } from "./structure.ts";

const FLV = ["-f", "flv"];
const ENCODES: readonly Encode[] = [
	{ muxer: FLV, video: "h264", audio: "aac" },
	{ muxer: FLV, video: "h264" },
	{ muxer: FLV, audio: "aac" },
];

const COMMANDS = 3;
const number = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

export interface RtmpSpecimen extends Specimen {
	/** What goes before it and is left as it is. */
	readonly prelude: Uint8Array;
}

/** Gathers chunks and where they lie. */
class Conversation {
	readonly scribe = new ChunkScribe();
	readonly #chunks: Uint8Array[] = [];
	readonly #parts: Part[] = [];
	#length = 0;
	#transaction = 0;
	#preludeBytes = 0;

	message(message: SentMessage, format = 0): this {
		for (const chunk of this.scribe.chunks(message, format)) {
			const at = this.#length;
			const hasLength = chunk[0]! >> 6 < 2 && (chunk[0]! & 0x3f) > 1;
			const length = hasLength ? { lengthAt: at + 4, lengthBytes: 3 } : { lengthAt: at, lengthBytes: 0 };
			this.#parts.push({ at, end: at + chunk.length, ...length });
			this.#chunks.push(chunk);
			this.#length += chunk.length;
		}
		return this;
	}

	control(type: number, body: Uint8Array): this {
		return this.message({ chunkStream: 2, type, ms: 0, streamId: 0, body });
	}

	command(name: string, ...values: AmfValue[]): this {
		const body = writeValues([name, ++this.#transaction, ...values]);
		return this.message({ chunkStream: COMMANDS, type: 20, ms: 0, streamId: 0, body }, 3);
	}

	/** @param shift of the time stamps */
	media(tags: readonly SentMessage[], shift: number): this {
		for (const [index, tag] of tags.entries()) {
			this.message({ ...tag, ms: (tag.ms + shift) % 2 ** 32 }, index % 4);
			if (index % 16 === 7) this.control(4, Uint8Array.of(0, 6, ...number(index)));
		}
		return this;
	}

	/** @param whole whether mutations reach the way to the publication, or what comes behind it alone */
	specimen(label: string, whole: boolean): RtmpSpecimen {
		const from = whole ? 0 : this.#preludeBytes;
		const all = Uint8Array.from(Buffer.concat(this.#chunks));
		const parts = this.#parts
			.filter(({ at }) => at >= from)
			.map(({ at, end, lengthAt, lengthBytes }) => {
				return { at: at - from, end: end - from, lengthAt: lengthAt - from, lengthBytes };
			});
		return { label, bytes: all.slice(from), parts, prelude: all.slice(0, from) };
	}

	/** What has been said so far is the way to the publication. */
	published(): this {
		this.#preludeBytes = this.#length;
		return this;
	}
}

/** Runs FFmpeg a few times; the same bytes every time. */
export async function rtmpSpecimens(): Promise<RtmpSpecimen[]> {
	const streams = await Promise.all(ENCODES.map(async (one) => tagsOf(await encode(one))));
	return streams.flatMap((tags, index) =>
		[true, false].flatMap((whole) => [
			begin(128).media(tags, 0).command("deleteStream", null, 1).specimen(`stream ${index}`, whole),
			// Over the wrap of 24 bits, and in larger chunks, again on the same connection.
			begin(4096)
				.media(tags, 0xff_ff80)
				.command("FCUnpublish", null)
				.command("publish", null, "again", "live")
				.media(tags, 0)
				.specimen(`stream ${index} twice`, whole),
			begin(1024).message(aggregate(tags)).specimen(`stream ${index} as an aggregate`, whole),
		]),
	);
}

function begin(chunkSize: number): Conversation {
	const conversation = new Conversation();
	const object = new Map<string, AmfValue>([
		["app", "live"],
		["tcUrl", "rtmp://host/live?token=x"],
		["fourCcList", ["av01", "hvc1"]],
	]);
	conversation.control(1, number(chunkSize));
	conversation.scribe.chunkSize = chunkSize;
	conversation.command("connect", object).control(5, number(50_000)).command("releaseStream", null, "cam");
	conversation.command("FCPublish", null, "cam").command("createStream", null);
	conversation.command("publish", null, "cam", "live").published();
	const metadata = new Map<string, AmfValue>([
		["videocodecid", 7],
		["encoder", "x"],
		["list", [1, null, true]],
	]);
	const body = writeValues(["@setDataFrame", "onMetaData", metadata]);
	return conversation.message({ chunkStream: 4, type: 18, ms: 0, streamId: 1, body });
}

function tagsOf(flv: Uint8Array): SentMessage[] {
	const tags: SentMessage[] = [];
	const scanner = new TagScanner({
		tag: ({ type, ms, body }) => {
			if (type !== 18) tags.push({ chunkStream: type - 2, type, ms, streamId: 1, body: body.slice() });
		},
		header: () => undefined,
		lost: (_, why) => {
			throw new Error(`FFmpeg's FLV ${why}`);
		},
	});
	scanner.push(flv);
	return tags;
}

function aggregate(tags: readonly SentMessage[]): SentMessage {
	const parts = tags.flatMap(({ type, ms, body }) => [
		Uint8Array.from([type, ...number(body.length).subarray(1), ...number(ms).subarray(1), ms >>> 24, 0, 0, 0]),
		body,
		number(11 + body.length),
	]);
	return { chunkStream: 4, type: 22, ms: 5000, streamId: 1, body: Uint8Array.from(Buffer.concat(parts)) };
}
