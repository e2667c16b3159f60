/**
 * What delivery needs to know of the world: which programmes there are, and when one can be watched. Fulfilled by
 * `server/`.
 */
import type { Name } from "../base/name.ts";
import type { BitsPerSecond } from "../base/units.ts";
import type { LaneSet } from "./lane-set.ts";

export interface Programme {
	readonly app: Name;
	readonly stream: Name;
	readonly lanes: LaneSet;
	/** As configured, or measured where nothing is configured (a copied rendition). */
	bitrateOf(rendition: Name): BitsPerSecond;
	/**
	 * Counts somebody who wants to watch, from now until the function that it returns is called (once). A programme
	 * that is made on demand is started by the first, and stopped some time after the last.
	 */
	claim(): () => void;
	/**
	 * Resolves when there is a unit to start from.
	 * @throws PenstockError CHANNEL_NOT_READY, or what keeps the source away, when that takes too long
	 */
	ready(): Promise<void>;
}

export interface Programmes {
	find(app: Name, stream: Name): Programme | undefined;
	/** The paths (without extension) that a stranger may be told of. */
	listed(): readonly string[];
}
