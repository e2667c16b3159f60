/** All that is seen of the element: the picture, and over it messages, figures and controls; keys and pointers, too. */
import type { Clock, Timer } from "../../base/clock.ts";
import { Controls } from "./controls.ts";
import { make } from "./make.ts";
import { MessagePanel } from "./message-panel.ts";
import type { PlayerView } from "./player-view.ts";
import { StatisticsPanel } from "./statistics-panel.ts";
import { styleSheet } from "./styles.ts";

/** Controls that nobody uses go away from a picture that moves. */
const IDLE_MS = 3000;
const UPDATE_MS = 500;
/** From a click until it is known that no second follows. */
const DOUBLE_CLICK_MS = 250;

export class Surface {
	/** Where the player puts its picture. */
	readonly place = make("div", { class: "place", part: "picture" });
	readonly #frame: HTMLElement;
	readonly #player: PlayerView;
	readonly #clock: Clock;
	readonly #message: MessagePanel;
	readonly #statistics = new StatisticsPanel();
	readonly #controls: Controls;
	#idleTimer: Timer | undefined;
	#updateTimer: Timer | undefined;
	#clickTimer: Timer | undefined;

	constructor(host: HTMLElement, player: PlayerView, clock: Clock) {
		this.#player = player;
		this.#clock = clock;
		this.#message = new MessagePanel(player);
		const { place } = this;
		this.#controls = new Controls({ player, host, place, statistics: this.#statistics });
		this.#frame = make("div", { class: "frame" }, place, this.#message.element, this.#statistics.element);
		this.#frame.append(this.#message.status, this.#controls.element);
		const root = host.attachShadow({ mode: "open" });
		root.adoptedStyleSheets = [styleSheet()];
		root.append(this.#frame);
		host.addEventListener("keydown", (event) => this.#key(event));
		host.addEventListener("fullscreenchange", () => this.update());
		for (const name of ["pointermove", "pointerdown", "focusin", "keydown"]) {
			host.addEventListener(name, () => this.#awake());
		}
		place.addEventListener("click", (event) => this.#click(event));
		this.hasControls = false;
	}

	get hasControls(): boolean {
		return !this.#controls.element.hidden;
	}

	set hasControls(has: boolean) {
		this.#controls.element.hidden = !has;
		this.update();
	}

	/** Shows what is the case now. */
	update(): void {
		this.#message.update(this.hasControls);
		this.#statistics.update(this.#player.statistics);
		if (this.hasControls) this.#controls.update();
		if (this.#player.paused) this.#awake();
	}

	/** Keeps it up to date from now on. */
	start(): void {
		this.#updateTimer?.cancel();
		this.#updateTimer = this.#clock.after(UPDATE_MS, () => this.start());
		this.update();
	}

	stop(): void {
		for (const timer of [this.#updateTimer, this.#idleTimer, this.#clickTimer]) timer?.cancel();
		this.update();
	}

	#awake(): void {
		this.#frame.classList.remove("idle");
		this.#idleTimer?.cancel();
		this.#idleTimer = this.#clock.after(IDLE_MS, () => {
			const { menu, element } = this.#controls;
			if (!this.#player.paused && !menu.isOpen && !element.matches(":hover")) this.#frame.classList.add("idle");
		});
	}

	/** One click pauses, two are fullscreen. A finger only brings the controls: with a mouse they have come before. */
	#click(event: MouseEvent): void {
		const isTouch = (event as Partial<PointerEvent>).pointerType === "touch";
		if (!this.hasControls || isTouch) return;
		this.#clickTimer?.cancel();
		if (event.detail > 1) this.#controls.toggleFullscreen();
		else this.#clickTimer = this.#clock.after(DOUBLE_CLICK_MS, () => this.#controls.togglePlaying());
	}

	#key(event: KeyboardEvent): void {
		if (!this.hasControls || event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
		const [target] = event.composedPath();
		// Buttons and the slider have keys of their own.
		if (event.key === " " && target instanceof HTMLButtonElement) return;
		if (event.key.startsWith("Arrow") && target instanceof HTMLInputElement) return;
		const act = KEYS[event.key.toLowerCase()];
		if (act === undefined) return;
		event.preventDefault();
		act(this.#controls);
		this.update();
	}
}

const KEYS: Readonly<Record<string, (controls: Controls) => void>> = {
	" ": (controls) => controls.togglePlaying(),
	k: (controls) => controls.togglePlaying(),
	m: (controls) => controls.toggleMuted(),
	f: (controls) => controls.toggleFullscreen(),
	arrowup: (controls) => controls.stepVolume(1),
	arrowdown: (controls) => controls.stepVolume(-1),
};
