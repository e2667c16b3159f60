/**
 * Reads the test signal's bar from frames. Where a frame's luma can be had, only the bar's rows are copied; where it is
 * on a graphics card, the bar is drawn small and read back, which costs as much as drawing the whole frame.
 */
import { BAR_HEIGHT, BAR_SHARE, BAR_WIDTH, type FrameReading, readBar } from "../../media/test-signal.ts";

/** Of 8 bits, with luma in the first plane. */
const LUMA_FIRST: readonly (VideoPixelFormat | null)[] = ["I420", "I420A", "I422", "I444", "NV12"];

export class BarReader {
	#rows = new Uint8Array(0);
	#context: OffscreenCanvasRenderingContext2D | undefined;
	readonly #gray = new Uint8Array(BAR_WIDTH * BAR_HEIGHT);

	/** The frame is the caller's, and must not be closed before. */
	async read(frame: VideoFrame): Promise<FrameReading> {
		return LUMA_FIRST.includes(frame.format) ? await this.#readLuma(frame) : this.#readDrawn(frame);
	}

	async #readLuma(frame: VideoFrame): Promise<FrameReading> {
		const { x, y, width, height } = frame.visibleRect!;
		const bar = Math.floor(height / BAR_SHARE);
		// Chroma has half as many rows.
		const options = { rect: { x, y, width, height: bar + (bar % 2) } };
		const size = frame.allocationSize(options);
		if (this.#rows.length < size) this.#rows = new Uint8Array(size);
		await frame.copyTo(this.#rows, options);
		return readBar(this.#rows, width, bar);
	}

	#readDrawn(frame: VideoFrame): FrameReading {
		this.#context ??= new OffscreenCanvas(BAR_WIDTH, BAR_HEIGHT).getContext("2d", { willReadFrequently: true })!;
		const { displayWidth, displayHeight } = frame;
		this.#context.drawImage(frame, 0, 0, displayWidth, displayHeight / BAR_SHARE, 0, 0, BAR_WIDTH, BAR_HEIGHT);
		const { data } = this.#context.getImageData(0, 0, BAR_WIDTH, BAR_HEIGHT);
		for (let i = 0; i < this.#gray.length; i++) this.#gray[i] = data[4 * i]!;
		return readBar(this.#gray, BAR_WIDTH, BAR_HEIGHT);
	}
}
