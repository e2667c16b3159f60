/** Tells two sets of decode information apart, as a decoder would. */
import type { AudioConfig, VideoConfig } from "../media/access-unit.ts";
import type { DecodeChange } from "./figures.ts";

/** What differs; empty where a decoder may run on. A track that comes or goes is another codec. */
export function decodeChanges(one: VideoConfig | undefined, other: VideoConfig | undefined): DecodeChange[] {
	if (one === other) return [];
	const changes: DecodeChange[] = [];
	if (one?.codec !== other?.codec) changes.push("codec");
	if (one?.width !== other?.width || one?.height !== other?.height) changes.push("size");
	if (changes.length === 0 && !same(one, other)) changes.push("parameters");
	return changes;
}

export const sameAudio = (one: AudioConfig | undefined, other: AudioConfig | undefined): boolean =>
	one === other || same(one, other);

/** Compares plain values, bytes, and lists and records of them. */
function same(one: unknown, other: unknown): boolean {
	if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return one === other;
	const keys = Object.keys(one);
	return (
		keys.length === Object.keys(other).length &&
		keys.every((key) => same((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]))
	);
}
