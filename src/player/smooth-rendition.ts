/** Which of a channel's renditions this browser plays smoothly, by its own account. */
import type { DescribedRendition } from "../wire/channel-description.ts";

/** What `navigator.mediaCapabilities` has of it. */
export type AskDecoder = (
	configuration: MediaDecodingConfiguration,
) => Promise<Pick<MediaCapabilitiesDecodingInfo, "supported" | "smooth">>;

const USUAL_FRAME_RATE = 30;
/** Where nobody knows the bit rate yet: what H.264 takes for a picture of usual content. */
const BITS_PER_PIXEL = 0.1;

/**
 * The best that is smooth; where none is, the lowest that plays at all; undefined where the browser says nothing, or
 * plays none (it decodes by other ways than it was asked for).
 */
export async function smoothUpTo(
	renditions: readonly DescribedRendition[],
	ask: AskDecoder | undefined = askBrowser(),
): Promise<string | undefined> {
	if (ask === undefined) return undefined;
	let playable: string | undefined;
	for (const rendition of renditions) {
		const video = videoOf(rendition);
		if (video === undefined) return undefined;
		const answer = await ask({ type: "media-source", video }).catch(() => undefined);
		if (answer?.supported !== true) continue;
		if (answer.smooth) return rendition.name;
		playable = rendition.name;
	}
	return playable;
}

function askBrowser(): AskDecoder | undefined {
	const { mediaCapabilities } = navigator as Partial<Navigator>;
	return mediaCapabilities && ((configuration) => mediaCapabilities.decodingInfo(configuration));
}

function videoOf({ width, height, codec, frameRate, bitrateBps }: DescribedRendition): VideoConfiguration | undefined {
	if (width === undefined || height === undefined || codec === undefined) return undefined;
	const framerate = frameRate ?? USUAL_FRAME_RATE;
	const bitrate = bitrateBps ?? Math.round(width * height * framerate * BITS_PER_PIXEL);
	return { contentType: `video/mp4; codecs="${codec}"`, width, height, bitrate, framerate };
}
