/**
 * Where rules send to, so that no receiver is what a rule takes: its packets would come back, or go round by several
 * rules, each time as new packets with a TTL of their own.
 */
import { flowKey, type ReceiverKey, receiverKey } from "../wire/distributor-rule.ts";

export class ReceiverIndex {
	/** Names of rules by what their receivers are as flows. */
	readonly #rules = new Map<string, Set<string>>();

	add(rule: string, receiver: ReceiverKey): void {
		const key = receiverKey(receiver);
		const rules = this.#rules.get(key);
		if (rules === undefined) this.#rules.set(key, new Set([rule]));
		else rules.add(rule);
	}

	remove(rule: string, receiver: ReceiverKey): void {
		const key = receiverKey(receiver);
		const rules = this.#rules.get(key);
		rules?.delete(rule);
		if (rules?.size === 0) this.#rules.delete(key);
	}

	/** A rule that sends to where a flow goes; `but` is left out. */
	senderTo(flow: ReceiverKey, but: string): string | undefined {
		return [...(this.#rules.get(flowKey(flow)) ?? [])].find((rule) => rule !== but);
	}
}
