/** What the reading side makes of a stream for Media Source Extensions. Plain values: they cross from thread to thread. */
import type { TrackKind } from "../../media/access-unit.ts";
import type { ShownRendition } from "../player-model.ts";

/** Of each track that a source has, its MIME type with codec. They are fixed for a source's life. */
export type SourceTypes = Readonly<Partial<Record<TrackKind, string>>>;

/** Whole boxes of one track, in order. */
export interface MediaPiece {
	readonly track: TrackKind;
	readonly bytes: Uint8Array<ArrayBuffer>;
	/** The MIME type, where an initialization segment is at the front. */
	readonly type?: string;
	/** Where on the element's timeline it begins, in seconds, if it can be played from there: a key picture, or sound. */
	readonly keySeconds?: number;
}

/** Where a unit begins on the element's timeline, and what it is. */
export interface UnitNotice {
	/** Of its first picture (without video: of its first audio frame). */
	readonly atSeconds: number;
	/** The same on the channel's clock. */
	readonly ptsMs: number;
	readonly unit: number | undefined;
	readonly rendition: ShownRendition;
	/** From one picture to the next. */
	readonly pictureSeconds: number;
	/** Audio samples missing (below 0: too many) where it joins what came before; undefined without sound. */
	readonly audioGapSamples?: number;
}
