/**
 * Changes of the rule table as the requests that bring an engine along, each small enough for a line of the control
 * protocol. What fills no line is several requests, each with a generation of its own, of which the last is the change's.
 */
import type { Name } from "../base/name.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import type { Receiver, ReceiverKey, Rule } from "../wire/distributor-rule.ts";

/** Of so many receivers a line of the control protocol is sure to have room. */
export const RECEIVERS_IN_A_LINE = 4000;

/** How many requests bring so many receivers to an engine. */
export const stepsOf = (receivers: number): number => Math.max(1, Math.ceil(receivers / RECEIVERS_IN_A_LINE));

/** What a change of a rule's receivers is about. */
export interface ReceiversOf {
	readonly name: Name;
	/** Of the last request. */
	readonly generation: number;
}

/** Brings a whole rule to an engine that has an older one or none. */
export function putRequests(rule: Rule): readonly ChangeRequest[] {
	const { name } = rule;
	return inLines(rule.generation, rule.receivers).map(({ generation, part }, step): ChangeRequest => {
		if (step === 0) return { do: "rule.put", rule: { ...rule, generation, receivers: part } };
		return { do: "receivers.add", name, generation, receivers: part };
	});
}

export const addRequests = ({ name, generation }: ReceiversOf, added: readonly Receiver[]): readonly ChangeRequest[] =>
	inLines(generation, added).map((line) => ({
		...{ do: "receivers.add", name, generation: line.generation },
		receivers: line.part,
	}));

export const removeRequests = (
	{ name, generation }: ReceiversOf,
	removed: readonly ReceiverKey[],
): readonly ChangeRequest[] =>
	inLines(generation, removed.map(keyOf)).map((line) => ({
		...{ do: "receivers.remove", name, generation: line.generation },
		receivers: line.part,
	}));

interface Line<Some> {
	readonly generation: number;
	readonly part: readonly Some[];
}

function inLines<Some>(generation: number, all: readonly Some[]): readonly Line<Some>[] {
	const steps = stepsOf(all.length);
	return Array.from({ length: steps }, (_, step) => ({
		generation: generation - steps + 1 + step,
		part: all.slice(step * RECEIVERS_IN_A_LINE, (step + 1) * RECEIVERS_IN_A_LINE),
	}));
}

const keyOf = ({ address, port, vlan }: ReceiverKey): ReceiverKey => ({
	...{ address, port },
	...(vlan !== undefined && { vlan }),
});
