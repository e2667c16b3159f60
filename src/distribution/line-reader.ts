/** Cuts bytes into lines, with a bound: who sends a longer line is told, and nothing more is read. */
const NEW_LINE = 0x0a;

export class LineReader {
	readonly #maxBytes: number;
	#parts: Buffer[] = [];
	#bytes = 0;

	/** @param maxBytes of a line, its `\n` included */
	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	/** @returns the lines that are complete now, and whether the next one is too long */
	push(chunk: Buffer): { readonly lines: readonly Buffer[]; readonly tooLong: boolean } {
		const lines: Buffer[] = [];
		let from = 0;
		for (let end = chunk.indexOf(NEW_LINE); end !== -1; end = chunk.indexOf(NEW_LINE, from)) {
			const line = Buffer.concat([...this.#parts, chunk.subarray(from, end)]);
			this.#parts = [];
			this.#bytes = 0;
			from = end + 1;
			if (line.length >= this.#maxBytes) return { lines, tooLong: true };
			lines.push(line);
		}
		const rest = chunk.subarray(from);
		if (rest.length > 0) this.#parts.push(rest);
		this.#bytes += rest.length;
		return { lines, tooLong: this.#bytes >= this.#maxBytes };
	}
}
