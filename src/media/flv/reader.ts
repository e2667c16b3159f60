/**
 * Reads FLV that comes in pieces of any size: ours, what FFmpeg's pipes carry, and other people's. `tag-scanner.ts` finds
 * the tags, `tag-reader.ts` reads what is in them.
 */
import type { StreamReader } from "../stream-reader.ts";
import { FLAG_VIDEO } from "./tag.ts";
import { type FlvSink, FlvTagReader } from "./tag-reader.ts";
import { TagScanner } from "./tag-scanner.ts";

export { FLV_TIME_BITS, type FlvSink } from "./tag-reader.ts";
export { FLV_MAX_TAG_BYTES } from "./tag-scanner.ts";

export class FlvReader implements StreamReader {
	readonly #tags: FlvTagReader;
	readonly #scanner = new TagScanner({
		tag: (tag) => this.#tags.read(tag),
		header: (flags) => {
			if ((flags & FLAG_VIDEO) !== 0) this.#tags.expectVideo();
		},
		lost: (offset, why) =>
			this.#tags.lost(`the FLV stream at byte ${offset} ${why}; it is taken up again at the next whole tag.`),
	});

	constructor(sink: FlvSink) {
		this.#tags = new FlvTagReader(sink);
	}

	get heldBytes(): number {
		return this.#scanner.heldBytes;
	}

	get faults(): number {
		return this.#tags.faults;
	}

	push(bytes: Uint8Array): void {
		this.#scanner.push(bytes);
	}

	end(): void {
		this.#scanner.end();
	}
}
