/** The most that is of use in a view of a given size: more pixels than the screen shows are not. */
import type { DescribedRendition } from "../wire/channel-description.ts";

/** A picture that is this much smaller than the view is not seen to be. */
const NEAR = 0.9;

/**
 * @param renditions from the best to the lowest
 * @param view in the screen's own pixels
 * @returns bits a second, between the rendition that suffices and the next better; undefined where the best is of use
 */
export function usefulBitrate(
	renditions: readonly DescribedRendition[],
	view: { readonly width: number; readonly height: number },
): number | undefined {
	if (view.width <= 0 || view.height <= 0) return undefined;
	const suffices = ({ width = 0, height = 0 }: DescribedRendition): boolean =>
		width >= view.width * NEAR || height >= view.height * NEAR;
	const index = renditions.findLastIndex(suffices);
	const [own, better] = [renditions[index]?.bitrateBps, renditions[index - 1]?.bitrateBps];
	return own === undefined || better === undefined ? undefined : Math.round((own + better) / 2);
}
