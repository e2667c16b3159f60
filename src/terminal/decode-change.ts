/** Tells two sets of decode information apart, as a decoder would. */
import type { VideoConfig } from "../media/access-unit.ts";
import { sameVideo } from "../media/picture.ts";
import type { DecodeChange } from "./figures.ts";

/** What differs; empty where a decoder may run on. A track that comes or goes is another codec. */
export function decodeChanges(one: VideoConfig | undefined, other: VideoConfig | undefined): DecodeChange[] {
	if (one === other) return [];
	const changes: DecodeChange[] = [];
	if (one?.codec !== other?.codec) changes.push("codec");
	if (one?.width !== other?.width || one?.height !== other?.height) changes.push("size");
	if (changes.length === 0 && !sameVideo(one, other)) changes.push("parameters");
	return changes;
}
