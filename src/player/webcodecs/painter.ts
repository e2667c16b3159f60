/** Draws frames into the page's canvas, which has the size of the frame that it shows. */
export class Painter {
	readonly #canvas: OffscreenCanvas;
	readonly #context: OffscreenCanvasRenderingContext2D;

	constructor(canvas: OffscreenCanvas) {
		this.#canvas = canvas;
		this.#context = canvas.getContext("2d", { alpha: false })!;
	}

	paint(frame: VideoFrame): void {
		const { displayWidth: width, displayHeight: height } = frame;
		// Setting a size clears the canvas, even where it is the same.
		if (this.#canvas.width !== width) this.#canvas.width = width;
		if (this.#canvas.height !== height) this.#canvas.height = height;
		this.#context.drawImage(frame, 0, 0, width, height);
	}
}
