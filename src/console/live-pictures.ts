/**
 * Small live pictures of channels. A browser opens six connections to a server, and each picture holds one: at most
 * four play, of those that are in view, and none while the page is hidden.
 */
import { openPicture, type PictureSettings } from "./picture.ts";

const MOST_PLAYING = 4;

export class LivePictures {
	readonly #boxes = new Map<string, Box>();
	readonly #inView: IntersectionObserver;
	readonly #look = (): void => this.#play();

	constructor() {
		this.#inView = new IntersectionObserver((entries) => {
			for (const { target, isIntersecting } of entries) target.toggleAttribute("data-in-view", isIntersecting);
			this.#play();
		});
		document.addEventListener("visibilitychange", this.#look);
	}

	/** The place of a picture: the same element for the same key. */
	place(key: string, settings: PictureSettings): HTMLElement {
		const known = this.#boxes.get(key);
		if (known !== undefined && known.settings.src === settings.src) return known.element;
		known?.element.remove();
		const element = document.createElement("div");
		element.className = "picture";
		this.#boxes.set(key, { element, settings });
		this.#inView.observe(element);
		return element;
	}

	/** Forgets places that are gone. */
	keepOnly(keys: ReadonlySet<string>): void {
		for (const [key, { element }] of this.#boxes) {
			if (keys.has(key)) continue;
			this.#inView.unobserve(element);
			element.replaceChildren();
			this.#boxes.delete(key);
		}
	}

	close(): void {
		document.removeEventListener("visibilitychange", this.#look);
		this.keepOnly(new Set());
		this.#inView.disconnect();
	}

	#play(): void {
		const seen = document.hidden
			? []
			: [...this.#boxes.values()].filter(({ element }) => element.hasAttribute("data-in-view"));
		const playing = new Set(seen.slice(0, MOST_PLAYING));
		for (const box of this.#boxes.values()) {
			const plays = box.element.querySelector("penstock-player") !== null;
			if (playing.has(box)) {
				if (!plays) box.element.replaceChildren(openPicture(box.settings));
			} else if (plays || box.element.childNodes.length === 0) {
				box.element.replaceChildren(seen.includes(box) ? `${MOST_PLAYING} pictures play at once` : "");
			}
		}
	}
}

interface Box {
	readonly element: HTMLElement;
	readonly settings: PictureSettings;
}
