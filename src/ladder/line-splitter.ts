/** Cuts text that comes in pieces into lines; a line longer than the bound is cut there, and its rest dropped. */
const LONGEST_LINE = 500;

export class LineSplitter {
	readonly #onLine: (line: string) => void;
	#rest = "";

	constructor(onLine: (line: string) => void) {
		this.#onLine = onLine;
	}

	push(text: string): void {
		// FFmpeg ends lines that it means to overwrite with a carriage return.
		const lines = (this.#rest + text).split(/\r\n|\n|\r/);
		this.#rest = lines.pop()!.slice(0, LONGEST_LINE);
		for (const line of lines) if (line !== "") this.#onLine(line.slice(0, LONGEST_LINE));
	}
}
