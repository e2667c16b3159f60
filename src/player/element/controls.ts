/** The bar of controls below the picture. */
import { hasFullscreen, toggleFullscreen } from "./fullscreen.ts";
import { make, makeButton, setButton } from "./make.ts";
import { hasPictureInPicture, togglePictureInPicture } from "./picture-in-picture.ts";
import type { PlayerView } from "./player-view.ts";
import { QualityMenu } from "./quality-menu.ts";
import type { StatisticsPanel } from "./statistics-panel.ts";

const VOLUME_STEP = 0.1;

export interface ControlsOptions {
	readonly player: PlayerView;
	/** What goes fullscreen. */
	readonly host: HTMLElement;
	/** Where the picture is. */
	readonly place: HTMLElement;
	readonly statistics: StatisticsPanel;
}

export class Controls {
	readonly element: HTMLElement;
	readonly menu: QualityMenu;
	readonly #options: ControlsOptions;
	readonly #play = makeButton("play-button", "play", "Play (k)", () => this.togglePlaying());
	readonly #mute = makeButton("mute-button", "loud", "Mute (m)", () => this.toggleMuted());
	readonly #volume = make("input", { type: "range", part: "volume", "aria-label": "Volume" });
	readonly #delay = make("span", { part: "delay" });
	readonly #live = make("span", { class: "live", part: "live" }, make("b", {}, "Live"), this.#delay);
	readonly #statistics = makeButton("statistics-button", "statistics", "Statistics", () => this.#toggleStatistics());
	readonly #picture = makeButton("picture-button", "picture", "Picture in picture", () => this.#togglePicture());
	readonly #fullscreen = makeButton("fullscreen-button", "fullscreen", "Fullscreen (f)", () => this.toggleFullscreen());

	constructor(options: ControlsOptions) {
		this.#options = options;
		this.menu = new QualityMenu(options.player);
		for (const [name, value] of Object.entries({ min: "0", max: "1", step: "0.05" }))
			this.#volume.setAttribute(name, value);
		this.#volume.addEventListener("input", () => this.#setVolume(this.#volume.valueAsNumber));
		this.#statistics.setAttribute("aria-pressed", "false");
		this.element = make(
			"div",
			{ class: "controls", part: "controls" },
			...[this.#play, this.#mute, this.#volume, this.#live, make("span", { class: "space" })],
			...[this.menu.element, this.#statistics, this.#picture, this.#fullscreen],
		);
	}

	togglePlaying(): void {
		const { player } = this.#options;
		if (player.paused) player.play();
		else player.pause();
	}

	toggleMuted(): void {
		const { player } = this.#options;
		// With the slider at its lowest, "unmute" would change nothing that can be heard.
		if (player.muted && player.volume === 0) player.volume = VOLUME_STEP;
		player.muted = !player.muted;
	}

	/** @param steps louder; below 0, softer */
	stepVolume(steps: number): void {
		const { player } = this.#options;
		this.#setVolume((player.muted ? 0 : player.volume) + steps * VOLUME_STEP);
	}

	toggleFullscreen(): void {
		const { host } = this.#options;
		// Refused without a gesture, or by the page's policy: then all stays as it is.
		toggleFullscreen(host, this.#view).catch(() => undefined);
	}

	update(): void {
		const { player, host } = this.#options;
		const { state, paused, muted, volume, statistics } = player;
		setButton(this.#play, paused ? "play" : "pause", paused ? "Play (k)" : "Pause (k)");
		const isQuiet = muted || volume === 0;
		setButton(this.#mute, isQuiet ? "mute" : "loud", isQuiet ? "Unmute (m)" : "Mute (m)");
		this.#volume.valueAsNumber = muted ? 0 : volume;
		this.#volume.setAttribute("aria-valuetext", muted ? "muted" : `${Math.round(volume * 100)} %`);
		const delayMs = statistics?.glassToGlassMs ?? statistics?.latencyMs;
		const isLive = state === "playing";
		this.#live.classList.toggle("on", isLive);
		this.#delay.textContent = isLive && delayMs !== undefined ? `${(delayMs / 1000).toFixed(2)} s` : "";
		this.menu.update();
		this.#picture.hidden = !hasPictureInPicture();
		this.#fullscreen.hidden = !hasFullscreen(this.#view);
		const isFull = document.fullscreenElement === host;
		setButton(this.#fullscreen, isFull ? "leave" : "fullscreen", isFull ? "Leave fullscreen (f)" : "Fullscreen (f)");
	}

	get #view(): Element | null {
		return this.#options.place.querySelector("video, canvas");
	}

	#setVolume(volume: number): void {
		const { player } = this.#options;
		player.volume = volume;
		player.muted = volume <= 0;
	}

	#toggleStatistics(): void {
		const { statistics, player } = this.#options;
		statistics.element.hidden = !statistics.element.hidden;
		this.#statistics.setAttribute("aria-pressed", String(!statistics.element.hidden));
		statistics.update(player.statistics);
	}

	#togglePicture(): void {
		togglePictureInPicture(this.#view).catch(() => undefined);
	}
}
