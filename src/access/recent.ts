/** A map of bounded size; what was used longest ago goes first. */
export class Recent<Value> {
	readonly #most: number;
	readonly #values = new Map<string, Value>();

	constructor(most: number) {
		this.#most = most;
	}

	get size(): number {
		return this.#values.size;
	}

	get(key: string): Value | undefined {
		const value = this.#values.get(key);
		if (value === undefined) return undefined;
		this.#values.delete(key);
		this.#values.set(key, value);
		return value;
	}

	set(key: string, value: Value): void {
		this.#values.delete(key);
		this.#values.set(key, value);
		if (this.#values.size > this.#most) this.#values.delete(this.#values.keys().next().value!);
	}

	delete(key: string): void {
		this.#values.delete(key);
	}
}
