/** For machines: one JSON object a line, as `figures.ts` describes them. */
import type { PlayEvent, PlayView } from "./figures.ts";
import type { TextOutput } from "./view-text.ts";

export class JsonView implements PlayView {
	readonly #output: TextOutput;

	constructor(output: TextOutput) {
		this.#output = output;
	}

	event(event: PlayEvent): void {
		this.#output.write(`${JSON.stringify(event)}\n`);
	}
}
