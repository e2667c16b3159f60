/**
 * A player for pages: takes a stream's address and a place in the page, chooses what shows it, and tells what becomes
 * of it. `<penstock-player>` (element/) is made of one. What is paused is not fetched: it is live.
 */
import type { Timer } from "../base/clock.ts";
import type { ChannelDescription } from "../wire/channel-description.ts";
import { browserClock } from "./browser-time.ts";
import { ChannelClient } from "./channel-client.ts";
import type { ConnectionMessage } from "./connection-message.ts";
import { PicturePlace } from "./picture-place.ts";
import { PlayRecord } from "./play-record.ts";
import { type Happening, isActive, stateAfter } from "./playback-state.ts";
import type {
	PlayerEvents,
	PlayerOptions,
	PlayerProblem,
	PlayerState,
	PlayerStatistics,
	RendererKind,
	RenditionChange,
} from "./player-model.ts";
import type { CreateRenderer, Renderer, RendererEvents } from "./renderer.ts";
import { chooseRenderers } from "./renderer-choice.ts";
import { prepareWorker } from "./start-worker.ts";
import type { TypedEvents } from "./typed-events.ts";
import { ViewerSession } from "./viewer-session.ts";

/** A page loads the one that it needs. */
const RENDERERS: Readonly<Record<RendererKind, () => Promise<CreateRenderer>>> = {
	webcodecs: async () => (await import("./webcodecs/renderer.ts")).createWebCodecsRenderer,
	mse: async () => (await import("./mse/renderer.ts")).createMseRenderer,
};

const TICK_MS = 1000;

/** How many players of this page have been spread over origins. */
let spread = 0;

/** An event target in the page's own terms: what it can tell is in `PlayerEvents`. */
const PlayerEventTarget = EventTarget as new () => TypedEvents<PlayerEvents> & EventTarget;

export class Player extends PlayerEventTarget {
	readonly #container: HTMLElement;
	readonly #place: PicturePlace;
	readonly #options: PlayerOptions;
	readonly #clock = browserClock();
	readonly #record = new PlayRecord(this.#clock);
	readonly #ending = new AbortController();
	#client: ChannelClient;
	/** Those that have not been tried. */
	#kinds: readonly RendererKind[] = [];
	/** Why those that were did not fit. */
	#lacking: readonly string[] = [];
	#renderer: Renderer | undefined;
	/** Counts calls of `play` and `pause`: what was begun for an earlier one is dropped. */
	#run = 0;
	#state: PlayerState = "idle";
	#problem: PlayerProblem | undefined;
	#volume: number;
	#muted: boolean;
	/** Why it is muted though the page did not want it: the browser wants a gesture before there is sound. */
	#autoplay: PlayerProblem | undefined;
	#rendition: string;
	/** What the renderer asks for whenever it connects. */
	#asked = "auto";
	#session: ViewerSession | undefined;
	#viewer: string | undefined;
	#description: ChannelDescription | undefined;
	#timer: Timer | undefined;

	/** @param container gets the picture as its child; its size is the picture's */
	constructor(container: HTMLElement, options: PlayerOptions) {
		super();
		this.#container = container;
		this.#place = new PicturePlace(container);
		this.#options = options;
		const src = new URL(options.src, document.baseURI);
		this.#client = new ChannelClient(src);
		this.#rendition = options.rendition ?? src.searchParams.get("rendition") ?? "auto";
		this.#volume = clampVolume(options.volume ?? 1);
		this.#muted = options.muted ?? false;
		const { signal } = this.#ending;
		const [kind] = chooseRenderers(options.renderer).kinds;
		if (kind !== undefined) {
			RENDERERS[kind]().catch(() => undefined);
			prepareWorker(kind, src.href);
		}
		document.addEventListener("visibilitychange", () => this.#renderer?.setHidden(document.hidden), { signal });
	}

	/** Does nothing while it plays; from a gesture of the user's there may be sound. */
	play(): void {
		if (isActive(this.#state) || this.#ending.signal.aborted) return;
		// The rest of a programme that has ended.
		if (this.#renderer !== undefined) this.#stop(true);
		if (this.#autoplay !== undefined && navigator.userActivation?.isActive) this.muted = false;
		const { kinds, lacking } = chooseRenderers(this.#options.renderer);
		this.#kinds = kinds;
		this.#lacking = lacking;
		this.#record.asked();
		this.#happened("play");
		const run = ++this.#run;
		if (this.#options.spread === true) {
			void this.#takeOrigin().then(() => {
				if (run === this.#run) this.#launch();
			});
		} else {
			this.#launch();
		}
	}

	/** Ends the connection and keeps the last picture; `play` goes on at the live edge. */
	pause(): void {
		if (!isActive(this.#state)) return;
		this.#happened("pause");
		this.#stop(true);
	}

	/** Ends everything and leaves the page as it was. It cannot be used again. */
	destroy(): void {
		this.#ending.abort();
		this.#stop(false);
	}

	get paused(): boolean {
		return !isActive(this.#state);
	}

	get state(): PlayerState {
		return this.#state;
	}

	/** The last that was told, while it matters: gone when it plays again. */
	get problem(): PlayerProblem | undefined {
		return this.#problem ?? this.#autoplay;
	}

	/** By which the server's API names this viewer; undefined without a connection to a Penstock. */
	get viewer(): string | undefined {
		return this.#viewer;
	}

	/** Undefined until the server has told. */
	get description(): ChannelDescription | undefined {
		return this.#description;
	}

	get statistics(): PlayerStatistics {
		return this.#record.statistics(this.#state, this.#renderer?.kind);
	}

	get volume(): number {
		return this.#volume;
	}

	set volume(volume: number) {
		this.#setSound(clampVolume(volume), this.#muted);
	}

	get muted(): boolean {
		return this.#muted;
	}

	set muted(muted: boolean) {
		this.#autoplay = undefined;
		this.#setSound(this.#volume, muted);
	}

	/** "auto", or the name of the rendition that is wished for; what is shown is in `statistics`. */
	get rendition(): string {
		return this.#rendition;
	}

	/** Playing goes on: the server switches inside the response. */
	set rendition(rendition: string) {
		this.#rendition = rendition;
		void this.#session?.wish(rendition);
	}

	async #takeOrigin(): Promise<void> {
		const origins = (await this.#client.describe(this.#clock.now()))?.origins ?? [];
		this.#client = this.#client.spread(origins, spread++);
	}

	/** Begins with the next kind of renderer that has not been tried. */
	#launch(): void {
		const [kind, ...rest] = this.#kinds;
		if (kind === undefined) {
			const message = `This browser cannot play the stream: ${this.#lacking.join("; ")}.`;
			this.#fail({ code: "UNSUPPORTED", message });
			return;
		}
		this.#kinds = rest;
		const run = this.#run;
		RENDERERS[kind]().then(
			(create) => run === this.#run && this.#render(create),
			() => run === this.#run && this.#unfit({ code: "NETWORK", message: `Its part for ${kind} could not be loaded.` }),
		);
	}

	#render(create: CreateRenderer): void {
		this.#asked = this.#rendition;
		const { targetMs, readSignal = false, audioOutput } = this.#options;
		const src = this.#client.streamUrl(this.#rendition);
		const settings = { src, targetMs, readSignal, audioOutput, volume: this.#volume, muted: this.#muted };
		const renderer = create(settings, this.#eventsOf(this.#run));
		this.#renderer = renderer;
		this.#place.put(renderer.view);
		if (document.hidden) renderer.setHidden(true);
		this.#timer ??= this.#clock.after(TICK_MS, () => this.#tick());
	}

	/** @param run what comes from a renderer of an earlier one is nobody's business */
	#eventsOf(run: number): RendererEvents {
		const now = <Values extends readonly unknown[]>(handle: (...values: Values) => void) => {
			return (...values: Values): void => {
				if (run === this.#run) handle(...values);
			};
		};
		return {
			connection: now((message) => this.#connection(message)),
			started: now(() => this.#started()),
			figures: now((figures) => {
				if (this.#record.figures(figures)) this.#happened("shown");
				this.#session?.tick();
			}),
			renditionChange: now((change) => this.#renditionChanged(change)),
			stall: now((playing) => this.#stalled(playing)),
			signal: now((readings) => {
				this.#record.signal(readings);
				this.#tell("signal", { readings });
			}),
			problem: now((problem) => this.#trouble(problem)),
			// It may tell so while it is still being made.
			unfit: (problem) => queueMicrotask(() => now(() => this.#unfit(problem))()),
		};
	}

	#unfit({ message }: PlayerProblem): void {
		this.#lacking = [...this.#lacking, message];
		this.#endRenderer(true);
		this.#launch();
	}

	#connection(message: ConnectionMessage): void {
		switch (message.kind) {
			case "connecting":
				break;
			case "connected":
				this.#connected(message.session, message.viewer);
				break;
			case "waiting":
				this.#endSession();
				this.#trouble(message.problem, "lost");
				break;
			case "failed":
				this.#fail(message.problem);
				break;
			case "ended":
				this.#endSession();
				this.#timer?.cancel();
				this.#timer = undefined;
				this.#happened("ended");
				break;
			case "counts":
				this.#record.counts(message);
				break;
		}
	}

	#connected(secret: string | undefined, viewer: string | undefined): void {
		this.#endSession();
		this.#record.connected();
		this.#viewer = viewer;
		this.#happened("connected");
		if (secret === undefined) return;
		const { reports = true, limitToView = false } = this.#options;
		this.#session = new ViewerSession({
			...{ secret, client: this.#client, clock: this.#clock, rendition: this.#asked },
			statistics: reports ? () => this.statistics : undefined,
			limitTo: limitToView ? this.#container : undefined,
			onDescription: (description) => {
				this.#description = description;
				this.#tell("descriptionchange", description);
			},
			onRefusal: (problem, rendition) => {
				// Without an answer, the wish is made again with the next connection.
				if (problem.code === "REFUSED") this.#rendition = rendition;
				this.#tell("error", problem);
			},
		});
		void this.#session.wish(this.#rendition);
	}

	#started(): void {
		this.#place.shown();
		this.#record.started();
		this.#happened("shown");
	}

	#renditionChanged(change: RenditionChange): void {
		this.#record.renditionChanged(change);
		if (change.from !== undefined) this.#session?.switched(change.unit);
		this.#tell("renditionchange", change);
	}

	#stalled(playing: boolean): void {
		if (!playing) this.#record.starved();
		const stalledMs = playing ? this.#record.fed() : 0;
		this.#happened(playing ? "shown" : "starved");
		this.#tell("stall", { playing, stalledMs });
	}

	/** @param happening what it does to the state */
	#trouble(problem: PlayerProblem, happening?: Happening): void {
		if (problem.code === "AUTOPLAY") {
			this.#autoplay = problem;
			this.#setSound(this.#volume, true);
		} else {
			this.#problem = problem;
		}
		if (happening !== undefined) this.#happened(happening, problem);
		this.#tell("error", problem);
	}

	#fail(problem: PlayerProblem): void {
		this.#trouble(problem, "failed");
		if (this.#state === "failed") this.#stop(true);
	}

	#happened(happening: Happening, problem?: PlayerProblem): void {
		const before = this.#state;
		const state = stateAfter(before, happening);
		if (state === before) return;
		this.#state = state;
		if (state === "playing" || state === "connecting") this.#problem = undefined;
		this.#tell("statechange", { state, before, ...(problem && { problem }) });
	}

	#setSound(volume: number, muted: boolean): void {
		if (volume === this.#volume && muted === this.#muted) return;
		this.#volume = volume;
		this.#muted = muted;
		this.#renderer?.setSound(volume, muted);
		this.#tell("volumechange", { volume, muted });
	}

	#tick(): void {
		this.#timer = this.#clock.after(TICK_MS, () => this.#tick());
		this.#session?.tick();
		const { latencyMs, bufferMs } = this.statistics;
		if (this.#state === "playing" && latencyMs !== undefined) this.#tell("latency", { latencyMs, bufferMs });
	}

	#stop(keepPicture: boolean): void {
		this.#run++;
		this.#timer?.cancel();
		this.#timer = undefined;
		this.#endSession();
		this.#endRenderer(keepPicture);
	}

	#endSession(): void {
		this.#session?.destroy();
		this.#session = undefined;
		this.#viewer = undefined;
	}

	#endRenderer(keepPicture: boolean): void {
		this.#place.take(keepPicture);
		this.#renderer?.destroy();
		this.#renderer = undefined;
		this.#record.rendererChanged();
	}

	#tell<Name extends keyof PlayerEvents>(name: Name, detail: PlayerEvents[Name]): void {
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}
}

const clampVolume = (volume: number): number => Math.min(1, Math.max(0, volume || 0));
