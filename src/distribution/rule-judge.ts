/** Rules and receivers from anywhere, endpoints as objects or as text, judged: what is wrong with them is RULE_INVALID. */
import { PenstockError } from "../base/errors.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import {
	type Receiver,
	type ReceiverKey,
	type RuleDraft,
	readAddedReceivers,
	readRemovedReceivers,
	readRuleDraft,
} from "../wire/distributor-rule.ts";
import { spelledOutReceivers, spelledOutRule } from "./rule-text.ts";

const RECEIVERS = ["receivers"];

/** @throws PenstockError RULE_INVALID */
export const judgedDraft = (draft: unknown): RuleDraft => judged(() => readRuleDraft(spelledOutRule(draft, []), []));

/** @throws PenstockError RULE_INVALID */
export const judgedReceivers = (receivers: unknown): readonly Receiver[] =>
	judged(() => readAddedReceivers(spelledOutReceivers(receivers, RECEIVERS), RECEIVERS));

/** @throws PenstockError RULE_INVALID */
export const judgedKeys = (receivers: unknown): readonly ReceiverKey[] =>
	judged(() => readRemovedReceivers(spelledOutReceivers(receivers, RECEIVERS), RECEIVERS));

function judged<Value>(read: () => Value): Value {
	try {
		return read();
	} catch (thrown) {
		if (!(thrown instanceof Refusal)) throw thrown;
		throw new PenstockError("RULE_INVALID", `${thrown.message || "it is no rule"}.`, { cause: thrown });
	}
}
