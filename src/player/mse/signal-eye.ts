/** Reads the test signal's bar from the picture that an element shows. */
import { ageMs, BAR_HEIGHT, BAR_SHARE, BAR_WIDTH, readBar } from "../../media/test-signal.ts";
import type { SignalReading } from "../player-model.ts";

export class SignalEye {
	readonly #context: CanvasRenderingContext2D;
	readonly #gray = new Uint8Array(BAR_WIDTH * BAR_HEIGHT);

	constructor() {
		const canvas = document.createElement("canvas");
		canvas.width = BAR_WIDTH;
		// The whole picture, whatever its size: while a size changes, the element's own and the picture's differ.
		canvas.height = BAR_HEIGHT * BAR_SHARE;
		this.#context = canvas.getContext("2d", { willReadFrequently: true })!;
	}

	read(video: HTMLVideoElement, wall: number): Pick<SignalReading, "counter" | "checksumOk" | "ageMs"> {
		const { width, height } = this.#context.canvas;
		this.#context.drawImage(video, 0, 0, width, height);
		const { data } = this.#context.getImageData(0, 0, BAR_WIDTH, BAR_HEIGHT);
		// The bar is gray: any of the colours will do.
		for (let i = 0; i < this.#gray.length; i++) this.#gray[i] = data[4 * i]!;
		const reading = readBar(this.#gray, BAR_WIDTH, BAR_HEIGHT);
		return { counter: reading.counter, checksumOk: reading.checksumOk, ageMs: ageMs(reading, wall) };
	}
}
