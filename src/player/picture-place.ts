/**
 * The place in the page where pictures are. Between two renderers the last picture of the first stays, until the second
 * shows its own.
 */

type View = HTMLCanvasElement | HTMLVideoElement;

export class PicturePlace {
	readonly #container: HTMLElement;
	#view: View | undefined;
	#still: HTMLCanvasElement | undefined;
	#shown = false;

	constructor(container: HTMLElement) {
		this.#container = container;
	}

	/** Puts it behind what stands there. */
	put(view: View): void {
		this.#view = view;
		this.#shown = false;
		fill(view);
		this.#container.prepend(view);
	}

	/** There is something to see of it. */
	shown(): void {
		this.#shown = true;
		this.#still?.remove();
		this.#still = undefined;
	}

	/** Call before the renderer is destroyed, for nothing is left of its picture then. */
	take(keepPicture: boolean): void {
		const still = keepPicture && this.#view !== undefined && this.#shown ? stillOf(this.#view) : undefined;
		if (still !== undefined || !keepPicture) {
			this.#still?.remove();
			this.#still = still;
		}
		if (still !== undefined) this.#cover(still);
		this.#view?.remove();
		this.#view = undefined;
	}

	/** A view that is not laid out would not be drawn to either, and never be the first to show something. */
	#cover(still: HTMLCanvasElement): void {
		Object.assign(still.style, { position: "absolute", inset: "0" });
		if (getComputedStyle(this.#container).position === "static") this.#container.style.position = "relative";
		this.#container.append(still);
	}
}

function fill(view: View): void {
	Object.assign(view.style, { width: "100%", height: "100%", objectFit: "contain" });
}

function stillOf(view: View): HTMLCanvasElement | undefined {
	const [width, height] =
		view instanceof HTMLVideoElement ? [view.videoWidth, view.videoHeight] : [view.width, view.height];
	if (width === 0 || height === 0) return undefined;
	const still = document.createElement("canvas");
	Object.assign(still, { width, height });
	fill(still);
	still.getContext("2d")?.drawImage(view, 0, 0, width, height);
	return still;
}
