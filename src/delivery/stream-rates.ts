/**
 * What the viewers of each rendition are sent per second, in one packaging: pictures, sound and what the packaging
 * adds. Measured over the units that the ring holds, at most once a second.
 */
import type { Name } from "../base/name.ts";
import { type BitsPerSecond, bitsPerSecond, type Milliseconds, milliseconds, type Ticks90k } from "../base/units.ts";
import type { RenditionLog } from "../channel/channel.ts";
import type { Packaging } from "../media/packaging.ts";
import type { RenditionFacts } from "../switching/state.ts";
import type { Programme } from "./programme.ts";

const FRESH_MS = 1000;
/** Quiet pictures take less than their encoder may use; the next ones may take it. */
const LEAST_OF_CONFIGURED = 0.7;
/** Chunk lines, and what a container adds to each access unit of pictures or sound, until it has been measured. */
const OVERHEAD_BPS = 50_000;

export class StreamRates {
	readonly #programme: Programme;
	readonly #packaging: Packaging;
	#facts: readonly RenditionFacts[] = [];
	#at = milliseconds(Number.NEGATIVE_INFINITY);

	constructor(programme: Programme, packaging: Packaging) {
		this.#programme = programme;
		this.#packaging = packaging;
	}

	/** Of all renditions, from the best to the lowest. */
	facts(now: Milliseconds): readonly RenditionFacts[] {
		const { renditions } = this.#programme.lanes.channel;
		if (
			now - this.#at >= FRESH_MS ||
			this.#facts.some(({ available }, index) => available !== isThere(renditions[index]!))
		) {
			this.#at = now;
			this.#facts = this.#measure(renditions);
		}
		return this.#facts;
	}

	#measure(renditions: readonly RenditionLog[]): RenditionFacts[] {
		const overheads = renditions.flatMap((rendition) => this.#overhead(rendition) ?? []);
		const overhead = overheads.length === 0 ? OVERHEAD_BPS : Math.max(...overheads);
		return renditions.map((rendition) => {
			const bitrate = this.#programme.bitrateOf(rendition.name);
			const media = Math.max(rendition.measuredBitrate ?? 0, LEAST_OF_CONFIGURED * bitrate);
			return {
				name: rendition.name,
				bitrate,
				streamBitrate: bitsPerSecond(media + overhead),
				available: isThere(rendition),
			};
		});
	}

	/** Bits per second that packaging and chunks add; undefined where no unit of the rendition is packaged and whole. */
	#overhead(rendition: RenditionLog): BitsPerSecond | undefined {
		const lane = this.#programme.lanes.existing(rendition, this.#packaging);
		if (lane === undefined) return undefined;
		for (let unit = rendition.units.oldest; unit?.next !== undefined; unit = unit.next) {
			const packaged = lane.packagedBytes(unit.head.number);
			if (packaged === undefined) continue;
			let media = 0;
			for (const { data } of unit.items) media += data.length;
			const ticks = (unit.next.head.time - unit.head.time) as Ticks90k;
			return bitsPerSecond(Math.max(0, ((packaged - media) * 8 * 90_000) / ticks));
		}
		return undefined;
	}
}

const isThere = (rendition: RenditionLog): boolean => !rendition.withdrawn && rendition.units.newest !== undefined;

/** The rate of one rendition, or of the lowest where it has none. */
export const streamBitrateOf = (facts: readonly RenditionFacts[], name: Name): BitsPerSecond =>
	(facts.find((one) => one.name === name) ?? facts.at(-1))?.streamBitrate ?? bitsPerSecond(0);
