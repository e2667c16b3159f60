/**
 * For faults that may come with every packet or every request: the first of a kind is told at once, those that follow
 * within the second are counted, and told as one line when the second is over.
 */
import type { Clock, Timer } from "../base/clock.ts";

/** @param times how many there were since the last line of this kind */
export type TellFault = (kind: string, fields: object, message: string, times: number) => void;

const INTERVAL_MS = 1000;
/** Kinds are named by code and are few; whatever is beyond shares one line. */
const MAX_KINDS = 256;
const OTHERS = "others";

interface Spell {
	readonly timer: Timer;
	times: number;
	fields: object;
	message: string;
}

export class LogLimiter {
	readonly #clock: Clock;
	readonly #tell: TellFault;
	readonly #spells = new Map<string, Spell>();

	constructor(clock: Clock, tell: TellFault) {
		this.#clock = clock;
		this.#tell = tell;
	}

	/** Notes one fault; of several in one second, the last one's fields and message are told. */
	note(kind: string, fields: object, message: string): void {
		const known = this.#spells.has(kind) || this.#spells.size < MAX_KINDS;
		const key = known ? kind : OTHERS;
		const spell = this.#spells.get(key);
		if (spell === undefined) {
			this.#tell(key, fields, message, 1);
			this.#begin(key, fields, message);
			return;
		}
		spell.times++;
		spell.fields = fields;
		spell.message = message;
	}

	/** Tells what has been counted and stops. */
	close(): void {
		for (const [kind, { timer, times, fields, message }] of this.#spells) {
			timer.cancel();
			if (times > 0) this.#tell(kind, fields, message, times);
		}
		this.#spells.clear();
	}

	#begin(kind: string, fields: object, message: string): void {
		const timer = this.#clock.after(INTERVAL_MS, () => this.#end(kind));
		this.#spells.set(kind, { timer, times: 0, fields, message });
	}

	#end(kind: string): void {
		const spell = this.#spells.get(kind);
		if (spell === undefined) return;
		this.#spells.delete(kind);
		if (spell.times === 0) return;
		this.#tell(kind, spell.fields, spell.message, spell.times);
		this.#begin(kind, spell.fields, spell.message);
	}
}
