/** What the viewer should know when there is no picture, or no sound: in words, and with what may be done about it. */
import { make } from "./make.ts";
import type { PlayerView } from "./player-view.ts";

export class MessagePanel {
	readonly element: HTMLElement;
	/** Read out as it changes. */
	readonly status = make("div", { role: "status", class: "aside" });
	readonly #player: PlayerView;
	readonly #spinner = make("div", { class: "spinner", part: "spinner" });
	readonly #text = make("p");
	readonly #button = make("button", { type: "button", part: "button message-button" });

	constructor(player: PlayerView) {
		this.#player = player;
		this.element = make("div", { class: "message", part: "message" }, this.#spinner, this.#text, this.#button);
		this.#button.addEventListener("click", () => {
			if (player.state === "failed") player.play();
			else player.muted = false;
		});
	}

	/** @param canUnmute there is somebody to press it: the element has controls */
	update(canUnmute: boolean): void {
		const { state, problem } = this.#player;
		const isQuiet = problem?.code === "AUTOPLAY" && canUnmute;
		const inTheWay = state === "failed" || state === "waiting" || state === "ended";
		const text = inTheWay
			? (ENDED[state] ?? problem?.message ?? "")
			: isQuiet
				? "The browser plays without sound."
				: "";
		this.#spinner.hidden = !["connecting", "buffering", "stalled", "waiting"].includes(state);
		if (this.#text.textContent !== text) {
			this.#text.textContent = text;
			// What is longer than a small player scrolls, and by keys only where it can be reached.
			this.#text.tabIndex = this.#text.scrollHeight > this.#text.clientHeight ? 0 : -1;
		}
		const action = state === "failed" ? "Try again" : isQuiet && !inTheWay ? "Unmute" : "";
		this.#button.hidden = action === "";
		this.#button.textContent = action;
		this.element.dataset["state"] = isQuiet && !inTheWay ? "quiet" : state;
		const told = text === "" ? WORDS[state] : text;
		if (this.status.textContent !== told) this.status.textContent = told;
	}
}

const ENDED: Readonly<Record<string, string>> = { ended: "The stream has ended." };

const WORDS = {
	...{ idle: "", connecting: "Connecting", buffering: "Loading", playing: "Playing", paused: "Paused" },
	...{ stalled: "Waiting for the network", waiting: "Connection lost", ended: "Ended", failed: "Failed" },
} as const;
