/** The forms that charts of bit rates share: their units, their levels, and where their axis ends. */
import type { ChannelAnswer, RenditionAnswer } from "./api-answers.ts";
import type { ChartLevel, ChartSettings } from "./chart.ts";
import { bitrateText } from "./figure-text.ts";

export const BIT_RATE: Pick<ChartSettings, "text" | "tick"> = {
	text: bitrateText,
	tick: (bps) => String(Number((bps / 1e6).toFixed(2))),
};

/** What a rendition takes: as measured, else as configured. */
export const bitrateOf = (rendition: RenditionAnswer | undefined): number | undefined =>
	rendition?.measuredBps ?? rendition?.configuredBps;

/** A channel's renditions as heights with names. Configured rates, where there are: they do not wobble. */
export function levelsOf(channel: ChannelAnswer | undefined): ChartLevel[] {
	return (channel?.renditions ?? []).flatMap(({ name, configuredBps, measuredBps }) => {
		const value = configuredBps ?? measuredBps;
		return value === undefined ? [] : [{ name, value }];
	});
}

/** An estimate may be a hundred times what the stream takes: the axis ends somewhat above the best rendition. */
export function topOf(levels: readonly ChartLevel[]): number | undefined {
	return levels.length === 0 ? undefined : Math.max(...levels.map(({ value }) => value)) * 1.6;
}
