/** Fullscreen, where there is: on an iPhone only for a `<video>`, by a way of its own. */

interface AppleVideo extends HTMLVideoElement {
	webkitEnterFullscreen?(): void;
}

export const hasFullscreen = (view: Element | null | undefined): boolean =>
	document.fullscreenEnabled === true || (view as AppleVideo | null | undefined)?.webkitEnterFullscreen !== undefined;

/** Into it, or back. Within a gesture of the user's. */
export async function toggleFullscreen(element: HTMLElement, view: Element | null | undefined): Promise<void> {
	if (document.fullscreenElement !== null) await document.exitFullscreen();
	else if (document.fullscreenEnabled) await element.requestFullscreen();
	else (view as AppleVideo | null | undefined)?.webkitEnterFullscreen?.();
}
