/**
 * One programme in which every frame and every sample has a number, watched in several packagings at the same time:
 * the server leads all viewers from rendition to rendition (policy `tour`), then it is drained, so that each response
 * ends whole.
 */
import { makeClip } from "./media-maker.ts";
import { type ConfigFile, type Penstock, startPenstock } from "./penstock.ts";
import { type Recording, record } from "./recording.ts";
import { SOUND_BITRATE_BPS } from "./sound-signal.ts";
import { TINY_LADDER, TINY_UNIT_MS } from "./tiny-ladder.ts";

/** A channel of the numbered clip, played once. */
export async function numberedChannel(changes: ConfigFile = {}): Promise<ConfigFile> {
	const file = await makeClip({ container: "mkv", audio: "numbered", seconds: 60, bitrateKbps: 900 });
	const source = { file, loop: false };
	return {
		...{ source, unitMs: TINY_UNIT_MS, renditions: TINY_LADDER, audio: { bitrateBps: SOUND_BITRATE_BPS } },
		...changes,
	};
}

/** Another rendition in every unit, for everybody. */
export const startTour = (channels: ConfigFile): Promise<Penstock> =>
	startPenstock({ channels, switching: { policy: "tour", tour: { stayMs: TINY_UNIT_MS } } });

/** How often the rendition changed from one unit to the next, as the units say. */
export const switchesIn = ({ units }: Recording): number =>
	units.filter(({ rendition }, index) => index > 0 && rendition !== units[index - 1]!.rendition).length;

/**
 * Records each of the paths until all have been switched so often (where there is no video to switch: have as many
 * units), then drains the server; every response must end whole.
 */
export async function recordTour(penstock: Penstock, paths: readonly string[], switches: number): Promise<Recording[]> {
	const recordings = await Promise.all(paths.map((path) => record(`${penstock.http}/${path}`)));
	const isEnough = (seen: Recording): boolean =>
		switchesIn(seen) >= switches || (seen.decode.video === undefined && seen.units.length > switches);
	await Promise.all(recordings.map((recording) => recording.until(isEnough)));
	const stopped = penstock.stop();
	await Promise.all(recordings.map((recording) => recording.until(() => false)));
	await stopped;
	for (const { viewer, extension } of recordings) {
		const ending = await viewer.ended;
		if (ending.kind !== "complete") throw new Error(`the .${extension} response was ${ending.kind}`);
	}
	return recordings;
}
