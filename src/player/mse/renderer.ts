/**
 * Plays by Media Source Extensions: everywhere, http pages included, with a delay of some 150 ms where there is sound. A
 * worker reads the stream and cuts it; the page has the `<video>` element, and the source where the worker cannot.
 */
import type { Timer } from "../../base/clock.ts";
import { browserClock } from "../browser-time.ts";
import type { PlayerProblem } from "../player-model.ts";
import type { CreateRenderer, Renderer, RendererEvents, RendererSettings } from "../renderer.ts";
import { startWorker } from "../start-worker.ts";
import type { StartMessage } from "../worker-side.ts";
import { BreakCount } from "./break-count.ts";
import { FrameCounts } from "./frame-counts.ts";
import { FrameWatch } from "./frame-watch.ts";
import type { SourceTypes } from "./media-piece.ts";
import type { MseMessage, MseRequest } from "./mse-message.ts";
import { Playhead } from "./playhead.ts";
import { SourceFeeder } from "./source-feeder.ts";

export const createMseRenderer: CreateRenderer = (settings, events) => new MseRenderer(settings, events);

const FIGURES_MS = 250;

class MseRenderer implements Renderer {
	readonly kind = "mse";
	readonly view: HTMLVideoElement;
	readonly #settings: RendererSettings;
	readonly #events: RendererEvents;
	readonly #clock = browserClock();
	readonly #worker: Worker;
	readonly #playhead: Playhead;
	readonly #frames: FrameWatch;
	readonly #counts: FrameCounts;
	readonly #breaks = new BreakCount();
	/** Only used where the worker has no source. */
	readonly #feeder: SourceFeeder;
	#soundNode: MediaElementAudioSourceNode | undefined;
	#url: string | undefined;
	/** Of the worker's beginnings. */
	#run = 0;
	#types: SourceTypes = {};
	/** Sound was asked for: a source without it is of no use. */
	#wantsSound = false;
	#isBroken = false;
	#started = false;
	#timer: Timer | undefined;
	#toldPlayedAt = Number.NEGATIVE_INFINITY;
	#progress: Extract<MseMessage, { kind: "progress" }> | undefined;
	#stalls = 0;

	constructor(settings: RendererSettings, events: RendererEvents) {
		this.#settings = settings;
		this.#events = events;
		this.view = createVideo(settings);
		this.#soundNode = this.#connectSound();
		this.#playhead = this.#createPlayhead();
		this.#counts = new FrameCounts(this.view);
		this.#frames = new FrameWatch(this.view, this.#clock, settings.readSignal, {
			first: () => this.#start(),
			renditionChange: (change) => events.renditionChange(change),
		});
		this.view.onerror = () => this.#broken(this.view.error?.message || `media error ${this.view.error?.code}`);
		this.view.onplaying = () => {
			if (this.#types.video === undefined) this.#start();
		};
		this.#feeder = this.#createFeeder();
		this.#worker = startWorker(this.kind);
		this.#worker.onmessage = ({ data }: MessageEvent<MseMessage>) => this.#take(data);
		this.#worker.onerror = ({ message }) => this.#workerFailed(message);
		const start: StartMessage = { kind: "start", renderer: "mse", src: settings.src };
		this.#worker.postMessage(start);
		if (!settings.muted) this.#addSound();
		this.#keepTelling();
	}

	setSound(volume: number, muted: boolean): void {
		this.view.volume = volume;
		this.view.muted = muted;
		if (!muted) this.#addSound();
		this.#playhead.resume();
	}

	setHidden(hidden: boolean): void {
		if (!hidden) this.#playhead.hasten();
	}

	destroy(): void {
		this.#timer?.cancel();
		this.#worker.onmessage = null;
		this.#worker.terminate();
		this.#playhead.destroy();
		this.#frames.destroy();
		this.#feeder.close();
		this.view.onerror = null;
		this.view.onplaying = null;
		this.#soundNode?.disconnect();
		this.#attach(null);
	}

	#connectSound(): MediaElementAudioSourceNode | undefined {
		const output = this.#settings.audioOutput;
		if (output === undefined) return undefined;
		const node = new MediaElementAudioSourceNode(output.context as AudioContext, { mediaElement: this.view });
		node.connect(output);
		return node;
	}

	#createPlayhead(): Playhead {
		return new Playhead(this.view, this.#clock, this.#settings.targetMs, {
			stall: (playing) => {
				if (!playing) this.#stalls++;
				this.#events.stall(playing);
			},
			autoplayRefused: (isMuted) => this.#events.problem(autoplayProblem(isMuted)),
			jumped: (seconds) => this.#counts.skipped(Math.round(seconds / (this.#frames.pictureSeconds ?? seconds))),
		});
	}

	#createFeeder(): SourceFeeder {
		return new SourceFeeder({
			source: (source) => this.#attach(source),
			appended: () => this.#appended(),
			broken: (reason) => this.#broken(reason),
			unsupported: (type) => this.#unfit(unsupportedProblem(type)),
		});
	}

	#take(message: MseMessage): void {
		switch (message.kind) {
			case "connection":
				this.#events.connection(message.message);
				break;
			case "begin":
				this.#run = message.run;
				this.#begin(message.types, message.handle);
				break;
			case "pieces":
				this.#feeder.append(message.pieces);
				break;
			case "end":
				this.#feeder.end();
				break;
			case "appended":
				this.#appended();
				break;
			case "broken":
				this.#broken(message.reason);
				break;
			case "unsupported":
				this.#unfit(unsupportedProblem(message.type));
				break;
			case "unit":
				this.#frames.announce(message.notice);
				break;
			case "progress":
				this.#progress = message;
				break;
		}
	}

	#begin(types: SourceTypes, handle: MediaSourceHandle | undefined): void {
		this.#types = types;
		this.#isBroken = false;
		this.#counts.sourceChanges();
		this.#frames.begin();
		this.#playhead.begin(types.audio !== undefined);
		if (handle === undefined) this.#feeder.begin(types);
		else this.#attach(handle);
	}

	#appended(): void {
		this.#playhead.appended();
		// In a page that nobody sees timers may come once a minute; the worker would take the element to stand still.
		if (this.#clock.now() - this.#toldPlayedAt > FIGURES_MS) this.#tellPlayed();
	}

	#tellPlayed(): void {
		const seconds = this.view.currentTime;
		this.#toldPlayedAt = this.#clock.now();
		this.#feeder.played(seconds);
		this.#ask({ kind: "played", run: this.#run, seconds });
	}

	/** Gives the element its source, in place of the one before. */
	#attach(source: MediaSource | MediaSourceHandle | null): void {
		const before = this.#url;
		this.#url = undefined;
		if (source === null) {
			this.view.srcObject = null;
			this.view.removeAttribute("src");
			this.view.load();
		} else if ("addSourceBuffer" in source) {
			this.#url = URL.createObjectURL(source);
			this.view.src = this.#url;
		} else {
			this.view.srcObject = source as unknown as MediaProvider;
		}
		if (before !== undefined) URL.revokeObjectURL(before);
	}

	#addSound(): void {
		if (this.#wantsSound) return;
		this.#wantsSound = true;
		this.#ask({ kind: "add-audio" });
	}

	/** The browser takes no more of this source: there is another with the next unit, unless that helps nothing. */
	#broken(reason: string): void {
		if (this.#isBroken) return;
		this.#isBroken = true;
		this.#feeder.close();
		const isHopeless = this.#breaks.add(this.#clock.now());
		const message = `The browser stopped playing (${reason}); ${isHopeless ? "again and again" : "it begins anew"}.`;
		if (isHopeless) {
			this.#unfit({ code: "DECODER", message });
			return;
		}
		this.#events.problem({ code: "DECODER", message });
		this.#ask({ kind: "restart" });
	}

	#unfit(problem: PlayerProblem): void {
		this.#events.unfit(problem);
	}

	#workerFailed(reason: string): void {
		const message = `The player's worker failed (${reason || "its script was not loaded"}); reload the page.`;
		this.#unfit({ code: "UNSUPPORTED", message });
	}

	#start(): void {
		if (this.#started) return;
		this.#started = true;
		this.#events.started();
	}

	#keepTelling(): void {
		this.#timer = this.#clock.after(FIGURES_MS, () => {
			this.#keepTelling();
			this.#tellPlayed();
			this.#frames.look();
			this.#tellFigures();
			const readings = this.#frames.takeReadings();
			if (readings.length > 0) this.#events.signal(readings);
		});
	}

	#tellFigures(): void {
		const { framesReceived = 0, bestArrivalMs } = this.#progress ?? {};
		const nowMs = performance.timeOrigin + this.#clock.now();
		const isPlaying = this.#started && !this.#isBroken;
		const hasBoth = this.#types.audio !== undefined && this.#types.video !== undefined;
		const latencyMs = bestArrivalMs === undefined ? undefined : nowMs - bestArrivalMs - this.view.currentTime * 1000;
		this.#events.figures({
			framesReceived,
			...this.#counts.figures,
			bufferMs: isPlaying ? Math.max(0, this.#playhead.lagMs) : 0,
			latencyMs: isPlaying && latencyMs !== undefined ? Math.max(0, latencyMs) : undefined,
			// Sound and picture of an element wait for each other: a stall is one of both.
			audioUnderruns: this.#types.audio === undefined ? 0 : this.#stalls,
			audioVideoOffsetMs: hasBoth && isPlaying ? this.#frames.offsetMs : undefined,
			playbackRate: this.view.playbackRate,
			positionMs: isPlaying ? this.#frames.positionMs : undefined,
		});
	}

	#ask(request: MseRequest): void {
		this.#worker.postMessage(request);
	}
}

function createVideo({ volume, muted }: RendererSettings): HTMLVideoElement {
	const video = document.createElement("video");
	video.playsInline = true;
	// Safari hands its managed sources to nobody else, and wants to hear so.
	video.disableRemotePlayback = true;
	video.volume = volume;
	video.muted = muted;
	return video;
}

const autoplayProblem = (isMuted: boolean): PlayerProblem => ({
	code: "AUTOPLAY",
	message: isMuted
		? "The browser allows sound only after a click: it plays muted until then."
		: "The browser plays nothing before a click.",
});

const unsupportedProblem = (type: string): PlayerProblem => ({
	code: "UNSUPPORTED",
	message: `This browser's Media Source Extensions cannot play ${type}.`,
});
