/**
 * The packet numbers of one viewer, for packagings that have such (RTP's sequence numbers): they run on over the whole
 * response, whatever lanes its units come from.
 *
 * Within a lane the numbers of unit n + 1 follow those of unit n, so a viewer that stays there is sent the shared
 * chunks as they are. One that has switched is at another count than its new lane, and gets copies with its own
 * numbers: the only bytes in the house that are made per viewer.
 */
import type { PacketNumbering } from "../media/packaging.ts";
import { type Chunk, copyChunk } from "./chunk.ts";

export class PacketNumbers {
	readonly #numbering: PacketNumbering;
	/** Of the packet that comes next, not wrapped; the first chunk's own at the start. */
	#next: number | undefined;

	constructor(numbering: PacketNumbering) {
		this.#numbering = numbering;
	}

	/** The chunk with the numbers that follow what was given before; itself where it has them already. */
	follow(chunk: Chunk): Chunk {
		const number = this.#next ?? chunk.number;
		this.#next = number + this.#numbering.count(chunk.payload);
		if (number === chunk.number) return chunk;
		return copyChunk(chunk, number, (payload) => this.#numbering.shift(payload, number - chunk.number));
	}
}
