/** A unit in the words of `figures.ts`: what is not known is left out. */
import { ticksToMs } from "../base/units.ts";
import type { VideoConfig } from "../media/access-unit.ts";
import type { PlayEvent, SwitchTold } from "./figures.ts";
import type { OpenedUnit } from "./playback.ts";

type StartOfUnit = Pick<
	Extract<PlayEvent, { event: "start" }>,
	"rendition" | "unit" | "ptsMs" | "codec" | "width" | "height" | "audioCodec"
>;

export function toldStart({ start: { rendition, number: unit, time }, decode }: OpenedUnit): StartOfUnit {
	return {
		...(rendition !== undefined && { rendition }),
		...(unit !== undefined && { unit }),
		ptsMs: tenthsOfMs(time),
		...pictureOf(decode.video),
		...(decode.audio && { audioCodec: decode.audio.codecString }),
	};
}

export function toldSwitch(
	{ start: { rendition: to, number: unit, time }, decode, changed }: OpenedUnit,
	from: string | undefined,
): Omit<SwitchTold, "timeMs"> {
	return {
		...(from !== undefined && { from }),
		...(to !== undefined && { to }),
		...(unit !== undefined && { unit }),
		ptsMs: tenthsOfMs(time),
		changed,
		...pictureOf(decode.video),
	};
}

const pictureOf = (video: VideoConfig | undefined): Pick<SwitchTold, "codec" | "width" | "height"> =>
	video === undefined ? {} : { codec: video.codecString, width: video.width, height: video.height };

const tenthsOfMs = (ticks: Parameters<typeof ticksToMs>[0]): number => Math.round(ticksToMs(ticks) * 10) / 10;
