/** What came of the operator's last doing, said once and then taken away. */
import { html, type TemplateResult } from "lit-html";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";

const SHOWN_MS = 8_000;

export class Notices {
	readonly #clock: Clock;
	readonly #changed: () => void;
	#shown: { readonly text: string; readonly kind: "done" | "failed" } | undefined;
	#timer: Timer | undefined;

	/** @param changed asks for the page to be drawn anew */
	constructor(clock: Clock, changed: () => void) {
		this.#clock = clock;
		this.#changed = changed;
	}

	/** Says `done` when `doing` has gone well, and else what was wrong; resolves with undefined then. */
	async tell<Result>(doing: Promise<Result>, done: string): Promise<Result | undefined> {
		try {
			const result = await doing;
			this.#show({ text: done, kind: "done" });
			return result;
		} catch (error) {
			this.#show({ text: messageOf(error), kind: "failed" });
			return undefined;
		}
	}

	view(): TemplateResult {
		const { text, kind } = this.#shown ?? { text: "", kind: "done" };
		return html`<div class="notice" role="status" data-kind=${kind}>${text && html`<p>${text}</p>`}</div>`;
	}

	#show(shown: { text: string; kind: "done" | "failed" }): void {
		this.#shown = shown;
		this.#timer?.cancel();
		this.#timer = this.#clock.after(SHOWN_MS, () => {
			this.#shown = undefined;
			this.#changed();
		});
		this.#changed();
	}
}
