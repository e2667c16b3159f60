/** The player's element as the console uses it; `/player/element.js`, which the page loads beside, defines it. */
import type { PenstockPlayerElement } from "../player/element/player-element.ts";

export interface PictureSettings {
	readonly src: string;
	/** What it is a picture of. */
	readonly label: string;
	/** Left out: the server chooses. */
	readonly rendition?: string | undefined;
	readonly controls?: boolean;
	/** Reads from the test picture how old it is. */
	readonly readSignal?: boolean;
}

/** A player, muted, that plays as soon as it is in the page and ends when it is taken out. */
export function openPicture(settings: PictureSettings): PenstockPlayerElement {
	const { src, label, rendition, controls = false, readSignal = false } = settings;
	const element = document.createElement("penstock-player") as PenstockPlayerElement;
	element.toggleAttribute("muted", true);
	element.toggleAttribute("autoplay", true);
	element.toggleAttribute("controls", controls);
	element.toggleAttribute("read-signal", readSignal);
	if (rendition !== undefined) element.setAttribute("rendition", rendition);
	element.setAttribute("aria-label", label);
	element.setAttribute("src", src);
	return element;
}
