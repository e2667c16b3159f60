/** What all contenders' pages have alike: a place for the picture, the eye in front of it, and `globalThis.glass`. */
import type { GlassPage, PlayOrder } from "./page-model.ts";
import { FRAME_RATE } from "./signal.ts";
import { Watcher } from "./watcher.ts";

export interface Stage {
	readonly container: HTMLElement;
	/** Something that the player said and that is not in order. */
	complain(text: string): void;
	/** The player read a picture's number, and knows its time. */
	readPicture(counter: number, ptsMs: number): void;
}

/** @param make makes the page's player in the container, once; what it gives plays */
export function serveBenchmark<Player extends PlayOrder["player"]>(
	player: Player,
	make: (order: Extract<PlayOrder, { player: Player }>, stage: Stage) => () => void,
): void {
	const container = document.createElement("div");
	container.style.cssText = "width: 848px; height: 480px";
	document.body.append(container);
	let counterOfZero: number | undefined;
	let start: (() => void) | undefined;
	const watcher = new Watcher(() => container.querySelector<HTMLVideoElement | HTMLCanvasElement>("video, canvas"));
	const isOwn = (order: PlayOrder): order is Extract<PlayOrder, { player: Player }> => order.player === player;
	globalThis.glass = {
		get counterOfZero() {
			return counterOfZero;
		},
		take: () => watcher.take(),
		prepare: (order) => {
			if (!isOwn(order)) throw new Error(`this page has ${player}, and was asked for ${order.player}`);
			start = make(order, {
				container,
				complain: (text) => watcher.complain(text),
				readPicture: (counter, ptsMs) => {
					counterOfZero = counter - (ptsMs * FRAME_RATE) / 1000;
				},
			});
		},
		play: async (timeoutMs) => {
			const asked = performance.now();
			start?.();
			const late = new Promise<never>((_, reject) => {
				const why = (): string => watcher.complaints.join("; ") || "it said nothing";
				setTimeout(() => reject(new Error(`no picture within ${timeoutMs} ms: ${why()}`)), timeoutMs);
			});
			await Promise.race([watcher.first, late]);
			return performance.now() - asked;
		},
	} satisfies GlassPage;
}

export function videoIn(stage: Stage): HTMLVideoElement {
	const video = document.createElement("video");
	video.playsInline = true;
	video.style.cssText = "display: block; width: 100%; height: 100%";
	video.addEventListener("error", () => stage.complain(`video: ${video.error?.message ?? "error"}`));
	stage.container.append(video);
	return video;
}
