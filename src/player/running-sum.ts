/** A count that begins at zero again and again (with each renderer, with each connection), as one that never does. */
export class RunningSum {
	#before = 0;
	#now = 0;

	get total(): number {
		return this.#before + this.#now;
	}

	/** @param count since the last beginning; less than before is a beginning, too */
	set(count: number): void {
		if (count < this.#now) this.restart();
		this.#now = count;
	}

	restart(): void {
		this.#before += this.#now;
		this.#now = 0;
	}
}
