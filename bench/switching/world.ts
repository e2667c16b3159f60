/** A trace, a setting and conditions made into a world, with all its randomness; and into the words of its results. */
import { Link, lengthOf } from "./link.ts";
import { Media } from "./media.ts";
import { type Conditions, DEFAULT_CONDITIONS, SCALES, type Setting, type Trace, type World } from "./model.ts";
import { Random } from "./random.ts";

const SHORTEST_MS = 180_000;
const LONGEST_MS = 300_000;

/**
 * The same arguments give the same world. Link and place of the join do not depend on ladder, unit or scale, nor the
 * media's shape on anything but the unit: settings are paired as well.
 */
export function makeWorld(
	trace: Trace,
	setting: Setting,
	conditions: Conditions = DEFAULT_CONDITIONS,
	wantsTimeline = false,
): World {
	const durationMs = setting.durationMs ?? Math.min(Math.max(lengthOf(trace), SHORTEST_MS), LONGEST_MS);
	const random = (part: string): Random => new Random(`${part}|${trace.id}|${conditions.seed}`);
	const joinAt = setting.unitMs * random("join").next();
	const endAt = joinAt + durationMs;
	const meanBps = SCALES[setting.scale] * setting.ladder.rungs.at(-1)!.bitrateBps;
	const link = new Link(trace, { meanBps, jitter: conditions.jitter, lengthMs: endAt }, random("link"));
	const media = new Media(setting.ladder, setting.unitMs, endAt, random(`media|${setting.unitMs}`));
	return { trace, setting, conditions, link, media, joinAt, endAt, wantsTimeline };
}
