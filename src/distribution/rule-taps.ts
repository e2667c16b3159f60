/**
 * Who has a rule's packets besides the rule's own receivers: parts of this process. They are kept by the rule's name,
 * whether there is such a rule or not.
 */
import { type Receiver, receiverKey } from "../wire/distributor-rule.ts";

export interface Tap {
	/** On this machine. */
	readonly receiver: Receiver;
	/** Whose it is, for people: `channel live/cam-1`. */
	readonly owner: string;
}

export class Taps {
	readonly #taps = new Map<string, Map<string, Tap>>();

	of(rule: string): readonly Tap[] {
		return [...(this.#taps.get(rule)?.values() ?? [])];
	}

	/** @returns what takes it away, and whether it was there still */
	add(rule: string, tap: Tap): () => boolean {
		const key = receiverKey(tap.receiver);
		const taps = this.#taps.get(rule) ?? new Map<string, Tap>();
		this.#taps.set(rule, taps.set(key, tap));
		return () => {
			if (taps.get(key) !== tap) return false;
			taps.delete(key);
			if (taps.size === 0 && this.#taps.get(rule) === taps) this.#taps.delete(rule);
			return true;
		};
	}
}
