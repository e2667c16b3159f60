/**
 * Those of one name go in turn, at most so many at a time; the others wait, and more than may wait are turned away. So
 * what one of them does (fail, for example) is known before the next one begins.
 */
export interface TurnSettings {
	readonly atOnce: number;
	/** Of all names together. */
	readonly mostWaiting: number;
}

interface Line {
	busy: number;
	readonly waiting: (() => void)[];
}

export class Turns {
	readonly #settings: TurnSettings;
	/** Only those where somebody is. */
	readonly #lines = new Map<string, Line>();
	#waiting = 0;

	constructor(settings: TurnSettings) {
		this.#settings = settings;
	}

	/** How many names somebody is at. */
	get size(): number {
		return this.#lines.size;
	}

	/** @returns undefined where too many wait */
	async run<Value>(name: string, work: () => Value | Promise<Value>): Promise<Value | undefined> {
		const line = this.#lines.get(name) ?? { busy: 0, waiting: [] };
		if (line.busy >= this.#settings.atOnce && this.#waiting >= this.#settings.mostWaiting) return undefined;
		this.#lines.set(name, line);
		if (line.busy < this.#settings.atOnce) line.busy++;
		else await this.#wait(line);
		try {
			return await work();
		} finally {
			const next = line.waiting.shift();
			// Who waits takes the place over; nobody comes between.
			if (next !== undefined) next();
			else if (--line.busy === 0) this.#lines.delete(name);
		}
	}

	async #wait(line: Line): Promise<void> {
		this.#waiting++;
		await new Promise<void>((resolve) => line.waiting.push(resolve));
		this.#waiting--;
	}
}
