/** Whether a channel has a use for what is brought to it: always, or while its ladder runs on demand. */
export class Wanted {
	readonly #listeners = new Set<(isWanted: boolean) => void>();
	#is: boolean;

	constructor(is: boolean) {
		this.#is = is;
	}

	get is(): boolean {
		return this.#is;
	}

	set is(is: boolean) {
		if (this.#is === is) return;
		this.#is = is;
		for (const listener of this.#listeners) listener(is);
	}

	/** Told how it is now, and of every change. @returns what ends that */
	watch(listener: (isWanted: boolean) => void): () => void {
		this.#listeners.add(listener);
		listener(this.#is);
		return () => void this.#listeners.delete(listener);
	}
}
