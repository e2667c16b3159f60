/** The element's own count of pictures, over all the sources that it has had: with each it begins at zero. */
import type { RendererFigures } from "../renderer.ts";

export class FrameCounts {
	readonly #video: HTMLVideoElement;
	#total = 0;
	#dropped = 0;
	#skipped = 0;

	constructor(video: HTMLVideoElement) {
		this.#video = video;
	}

	/** Before the element gets another. */
	sourceChanges(): void {
		const { totalVideoFrames, droppedVideoFrames } = this.#video.getVideoPlaybackQuality();
		this.#total += totalVideoFrames;
		this.#dropped += droppedVideoFrames;
	}

	/** Pictures over which the element was moved. */
	skipped(count: number): void {
		this.#skipped += count;
	}

	get figures(): Pick<RendererFigures, "framesDecoded" | "framesShown" | "framesDropped"> {
		const { totalVideoFrames, droppedVideoFrames } = this.#video.getVideoPlaybackQuality();
		const total = this.#total + totalVideoFrames;
		const dropped = this.#dropped + droppedVideoFrames;
		return { framesDecoded: total, framesShown: total - dropped, framesDropped: dropped + this.#skipped };
	}
}
