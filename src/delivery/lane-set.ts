/**
 * The lanes of one channel: one per rendition and packaging that somebody has asked for. A lane without readers keeps
 * no chunks beyond the ring's own span and packages nothing.
 */
import type { PenstockError } from "../base/errors.ts";
import type { Channel, RenditionLog } from "../channel/channel.ts";
import type { Packaging } from "../media/packaging.ts";
import { Lane } from "./lane.ts";

export class LaneSet {
	readonly channel: Channel;
	readonly #lanes = new Map<string, Lane>();

	readonly #onRefused: (error: PenstockError) => void;

	/** @param onRefused gets the reason for each access unit that a packaging cannot carry */
	constructor(channel: Channel, onRefused: (error: PenstockError) => void = () => {}) {
		this.channel = channel;
		this.#onRefused = onRefused;
	}

	lane(rendition: RenditionLog, packaging: Packaging): Lane {
		const key = keyOf(rendition, packaging);
		const known = this.#lanes.get(key);
		if (known !== undefined) return known;
		const lane = new Lane(rendition, packaging, this.#onRefused);
		this.#lanes.set(key, lane);
		return lane;
	}

	/** The same, where somebody has asked for it before. */
	existing(rendition: RenditionLog, packaging: Packaging): Lane | undefined {
		return this.#lanes.get(keyOf(rendition, packaging));
	}

	dispose(): void {
		for (const lane of this.#lanes.values()) lane.dispose();
		this.#lanes.clear();
	}
}

const keyOf = (rendition: RenditionLog, packaging: Packaging): string => `${packaging.extension}/${rendition.name}`;
