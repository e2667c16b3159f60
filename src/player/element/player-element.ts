/**
 * `<penstock-player src="…">`: a `Player` as an element, with the attributes, properties and events of `<video>` where
 * they make sense for a live stream. Times are in seconds here, as they are there.
 */
import type { ChannelDescription, DescribedRendition } from "../../wire/channel-description.ts";
import { browserClock } from "../browser-time.ts";
import { Player } from "../player.ts";
import type { PlayerEvents, PlayerOptions, PlayerProblem, PlayerState, PlayerStatistics } from "../player-model.ts";
import type { TypedEvents } from "../typed-events.ts";
import { Surface } from "./surface.ts";

/** Events of the element and what their `detail` is. */
export interface PlayerElementEvents extends Omit<PlayerEvents, "error"> {
	play: null;
	playing: null;
	pause: null;
	/** Nothing to show for now. */
	waiting: null;
	ended: null;
	/** `problem` says what it was. */
	error: PlayerProblem;
}

const FLAGS = ["autoplay", "controls"] as const;
/** A change of one of these begins anew. */
const SETTINGS = ["src", "renderer", "target-latency", "spread", "limit-to-view", "read-signal", "reports"];
const FORWARDED = [
	...(["statechange", "renditionchange", "stall", "latency", "error", "volumechange"] as const),
	...(["descriptionchange", "signal"] as const),
];

/** What cannot be made outside of a browser is not: then this module can be loaded there. */
const Base = (globalThis.HTMLElement ?? class {}) as unknown as new () => TypedEvents<PlayerElementEvents> &
	HTMLElement;

export class PenstockPlayerElement extends Base {
	static readonly observedAttributes = [...SETTINGS, ...FLAGS, "muted", "volume", "rendition"];

	#player: Player | undefined;
	#volume = 1;
	#muted = false;
	/** A new player is made when all attributes of this turn are there. */
	#renewing = false;
	/** The last to be made: it looks at all the rest. */
	readonly #surface = new Surface(this, this, browserClock());

	/** Begins, or goes on at the live edge. */
	play(): void {
		if (!this.paused) return;
		this.#ensure()?.play();
	}

	/** Ends the connection; the last picture stays. */
	pause(): void {
		this.#player?.pause();
	}

	get paused(): boolean {
		return this.#player?.paused ?? true;
	}

	get state(): PlayerState {
		return this.#player?.state ?? "idle";
	}

	get problem(): PlayerProblem | undefined {
		return this.#player?.problem;
	}

	/** Undefined without a `src`. */
	get statistics(): PlayerStatistics | undefined {
		return this.#player?.statistics;
	}

	get description(): ChannelDescription | undefined {
		return this.#player?.description;
	}

	/** From the best to the lowest; empty until the server has told. */
	get renditions(): readonly DescribedRendition[] {
		return this.description?.renditions ?? [];
	}

	/** By which the server's API names this viewer; undefined without a connection. */
	get viewer(): string | undefined {
		return this.#player?.viewer;
	}

	/** Seconds, on the channel's clock; NaN before there is a picture. */
	get currentTime(): number {
		return (this.statistics?.positionMs ?? Number.NaN) / 1000;
	}

	/** Seconds behind what could be shown at best; NaN where it is not known. */
	get latency(): number {
		return (this.statistics?.latencyMs ?? Number.NaN) / 1000;
	}

	get volume(): number {
		return this.#player?.volume ?? this.#volume;
	}

	set volume(volume: number) {
		this.#volume = volume;
		if (this.#player !== undefined) this.#player.volume = volume;
		this.#surface.update();
	}

	get muted(): boolean {
		return this.#player?.muted ?? this.#muted;
	}

	set muted(muted: boolean) {
		this.#muted = muted;
		if (this.#player !== undefined) this.#player.muted = muted;
		this.#surface.update();
	}

	/** "auto", or the rendition that is wished for. */
	get rendition(): string {
		return this.#player?.rendition ?? this.getAttribute("rendition") ?? "auto";
	}

	set rendition(rendition: string) {
		this.setAttribute("rendition", rendition);
	}

	get src(): string {
		const src = this.getAttribute("src");
		return src !== null && URL.canParse(src, document.baseURI) ? new URL(src, document.baseURI).href : (src ?? "");
	}

	set src(src: string) {
		this.setAttribute("src", src);
	}

	get autoplay(): boolean {
		return this.hasAttribute("autoplay");
	}

	set autoplay(autoplay: boolean) {
		this.toggleAttribute("autoplay", autoplay);
	}

	get controls(): boolean {
		return this.hasAttribute("controls");
	}

	set controls(controls: boolean) {
		this.toggleAttribute("controls", controls);
	}

	connectedCallback(): void {
		// Set before the element was defined, they would hide the accessors.
		for (const name of ["src", "autoplay", "controls", "muted", "volume", "rendition"] as const) {
			if (!Object.hasOwn(this, name)) continue;
			const value = this[name];
			delete (this as Record<string, unknown>)[name];
			Object.assign(this, { [name]: value });
		}
		if (!this.hasAttribute("role")) this.setAttribute("role", "group");
		if (!this.hasAttribute("aria-label")) this.setAttribute("aria-label", "Live stream");
		this.#renew();
	}

	disconnectedCallback(): void {
		// It may only have been moved.
		queueMicrotask(() => {
			if (!this.isConnected) this.#drop();
		});
	}

	attributeChangedCallback(name: string, before: string | null, value: string | null): void {
		if (name === "controls") {
			this.#surface.hasControls = value !== null;
			if (!this.hasAttribute("tabindex")) this.tabIndex = 0;
		} else if (name === "muted") {
			this.muted = value !== null;
		} else if (name === "volume") {
			this.volume = Number(value ?? 1);
		} else if (name === "rendition") {
			if (this.#player !== undefined) this.#player.rendition = value ?? "auto";
		} else if (before !== value && (name !== "autoplay" || this.paused)) {
			this.#renew();
		}
	}

	/** With other settings: plays if it played, or is to play by itself. */
	#renew(): void {
		if (this.#renewing) return;
		this.#renewing = true;
		const played = !this.paused;
		queueMicrotask(() => {
			this.#renewing = false;
			if (!this.isConnected) return;
			if (this.#player !== undefined) this.#drop();
			if (played || this.autoplay) this.play();
			// Its code is there when somebody presses "play".
			else this.#ensure();
		});
	}

	#drop(): void {
		this.#volume = this.volume;
		this.#muted = this.muted;
		this.#player?.destroy();
		this.#player = undefined;
		this.#surface.stop();
	}

	#ensure(): Player | undefined {
		const src = this.getAttribute("src");
		if (this.#player !== undefined || src === null || !URL.canParse(src, document.baseURI)) return this.#player;
		const player = new Player(this.#surface.place, this.#optionsOf(src));
		this.#player = player;
		for (const name of FORWARDED) {
			player.addEventListener(name, ({ detail }: CustomEvent<unknown>) => this.#told(player, name, detail));
		}
		return player;
	}

	#optionsOf(src: string): PlayerOptions {
		const renderer = this.getAttribute("renderer");
		const target = Number(this.getAttribute("target-latency") ?? Number.NaN);
		const rendition = this.getAttribute("rendition");
		return {
			...{ src, volume: this.#volume, muted: this.#muted },
			...((renderer === "webcodecs" || renderer === "mse") && { renderer }),
			...(rendition !== null && { rendition }),
			...(target > 0 && { targetMs: target * 1000 }),
			reports: this.getAttribute("reports") !== "off",
			spread: this.hasAttribute("spread"),
			limitToView: this.hasAttribute("limit-to-view"),
			readSignal: this.hasAttribute("read-signal"),
		};
	}

	#told(player: Player, name: string, detail: unknown): void {
		if (player !== this.#player) return;
		if (name === "statechange") {
			const { state } = detail as PlayerEvents["statechange"];
			if (player.paused) this.#surface.stop();
			else this.#surface.start();
			for (const own of OWN_EVENTS[state]) this.dispatchEvent(new CustomEvent(own));
		} else {
			// A wish that was refused is none.
			if (name === "error" && this.hasAttribute("rendition")) this.rendition = player.rendition;
			this.#surface.update();
		}
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}
}

const OWN_EVENTS: Readonly<Record<PlayerState, readonly string[]>> = {
	...{ idle: [], connecting: ["play"], buffering: ["waiting"], playing: ["playing"], paused: ["pause"] },
	...{ stalled: ["waiting"], waiting: ["waiting"], ended: ["ended"], failed: [] },
};
