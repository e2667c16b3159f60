/**
 * The WebCodecs renderer: everything is done in a worker, from the request to the drawing; the page has the canvas and
 * the sound's way out. The default: the shortest way that a browser has from a byte to a pixel.
 */
import { browserClock } from "../browser-time.ts";
import type { CreateRenderer, Renderer, RendererEvents, RendererSettings } from "../renderer.ts";
import { startWorker } from "../start-worker.ts";
import type { PageMessage, WebCodecsStart, WorkerMessage } from "./messages.ts";
import { SoundOutput } from "./sound-output.ts";

export const createWebCodecsRenderer: CreateRenderer = (settings, events) => new WebCodecsRenderer(settings, events);

class WebCodecsRenderer implements Renderer {
	readonly kind = "webcodecs";
	readonly view: HTMLCanvasElement;
	readonly #events: RendererEvents;
	readonly #worker: Worker;
	readonly #sound: SoundOutput;

	constructor(settings: RendererSettings, events: RendererEvents) {
		const { src, targetMs, volume, muted, readSignal, audioOutput } = settings;
		this.#events = events;
		this.view = document.createElement("canvas");
		this.#worker = startWorker(this.kind);
		this.#worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => this.#told(data);
		this.#worker.onerror = (event) => {
			const why = event.message === "" ? "its script was not loaded" : event.message;
			events.unfit({ code: "UNSUPPORTED", message: `The player's worker failed: ${why}.` });
		};
		this.#sound = new SoundOutput({
			...{ clock: browserClock(), volume, muted, output: audioOutput },
			toWorker: (message: PageMessage, transfer = []) => this.#worker.postMessage(message, transfer),
			problem: (problem) => events.problem(problem),
		});
		const canvas = this.view.transferControlToOffscreen();
		const start: WebCodecsStart = {
			...{ kind: "start", renderer: "webcodecs", src, canvas, targetMs, readSignal },
			wantsSound: !muted,
		};
		this.#worker.postMessage(start, [canvas]);
	}

	setSound(volume: number, muted: boolean): void {
		this.#sound.set(volume, muted);
	}

	setHidden(hidden: boolean): void {
		this.#worker.postMessage({ kind: "hidden", hidden } satisfies PageMessage);
	}

	destroy(): void {
		this.#worker.onmessage = null;
		this.#worker.terminate();
		this.#sound.destroy();
	}

	#told(message: WorkerMessage): void {
		const events = this.#events;
		switch (message.kind) {
			case "connection":
				events.connection(message.message);
				break;
			case "started":
				events.started();
				break;
			case "figures":
				events.figures(message.figures);
				break;
			case "rendition-change":
				events.renditionChange(message.change);
				break;
			case "stall":
				events.stall(message.playing);
				break;
			case "signal":
				events.signal(message.readings);
				break;
			case "problem":
				events.problem(message.problem);
				break;
			case "unfit":
				events.unfit(message.problem);
				break;
			case "sound-format":
				this.#sound.setFormat(message.format);
				break;
		}
	}
}
