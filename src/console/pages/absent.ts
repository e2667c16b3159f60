/** For an address that is no page. */
import { html, type TemplateResult } from "lit-html";
import type { Page } from "./page.ts";

export class Absent implements Page {
	readonly title = "No such page";
	readonly #path: string;

	constructor(path: string) {
		this.#path = path;
	}

	async refresh(): Promise<void> {}

	view(): TemplateResult {
		return html`<h1 tabindex="-1">No such page</h1>
			<p>The console has no page “${this.#path}”. <a href="#/">Go to the overview.</a></p>`;
	}

	close(): void {}
}
