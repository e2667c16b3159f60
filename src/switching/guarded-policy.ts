/**
 * A policy that somebody else wrote, held to the contract: whatever it throws or answers, the viewer gets a decision,
 * and nobody else's state is touched. It sees a copy of the state; a fault of its own is a hold, and told.
 * What it cannot be kept from: taking long. It runs in the server's own thread.
 */
import { messageOf } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { type Because, CAUSES, type Decision, goTo, hold, type Policy, type SwitchingState } from "./state.ts";

const LONGEST_TEXT = 300;

/** @param onFault gets one clause for each decision that the policy owes */
export function guardedPolicy(policy: Policy, onFault: (text: string) => void): Policy {
	return {
		name: policy.name,
		watches: policy.watches === true,
		decide(state) {
			try {
				const answer: unknown = policy.decide(copyOf(state));
				return readDecision(answer, state);
			} catch (thrown) {
				const text = thrown instanceof Nonsense ? thrown.message : `threw ${shortText(messageOf(thrown))}`;
				onFault(text);
				return hold("policy", `policy ${policy.name} ${text}`);
			}
		},
	};
}

/** An answer that is no decision, as a clause whose subject is the policy. */
class Nonsense extends Error {}

/** Arrays and plain objects all the way down: what is given away may be kept and changed. */
function copyOf<Value>(value: Value): Value {
	if (typeof value !== "object" || value === null) return value;
	if (Array.isArray(value)) return (typeof value[0] === "object" ? value.map(copyOf) : value.slice()) as Value;
	const copy = { ...value } as Record<string, unknown>;
	for (const key in copy) {
		if (typeof copy[key] === "object") copy[key] = copyOf(copy[key]);
	}
	return copy as Value;
}

function readDecision(answer: unknown, state: SwitchingState): Decision {
	if (typeof answer !== "object" || answer === null) throw new Nonsense(`answered ${wordFor(answer)}, no decision`);
	if (answer instanceof Promise) {
		// Nobody waits for it, and its refusal must not end the process.
		answer.catch(() => {});
		throw new Nonsense("answered a promise; it must decide at once");
	}
	const { kind, to, because } = answer as { kind?: unknown; to?: unknown; because?: unknown };
	const reason = readBecause(because);
	if (kind === "hold") return hold(reason.cause, reason.text);
	if (kind !== "switch") throw new Nonsense(`answered with kind ${wordFor(kind)}; there is "hold" and "switch"`);
	return goTo(state, readTarget(to, state), reason.cause, reason.text);
}

function readTarget(to: unknown, { renditions }: SwitchingState): Name {
	const target = renditions.find(({ name }) => name === to);
	const known = renditions.map(({ name }) => name).join(", ");
	if (target === undefined) throw new Nonsense(`wants ${wordFor(to)}, which is no rendition; there is ${known}`);
	if (!target.available) throw new Nonsense(`wants ${wordFor(to)}, which is not available now`);
	return target.name;
}

function readBecause(because: unknown): Because {
	if (typeof because !== "object" || because === null)
		throw new Nonsense(`gives no reason: because is ${wordFor(because)}`);
	const { cause, text } = because as { cause?: unknown; text?: unknown };
	const known = CAUSES.find((one) => one === cause);
	if (known === undefined) throw new Nonsense(`gives the cause ${wordFor(cause)}; there is ${CAUSES.join(", ")}`);
	if (typeof text !== "string") throw new Nonsense(`gives a reason without text: ${wordFor(text)}`);
	return { cause: known, text: shortText(text) };
}

const shortText = (text: string): string => (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);

function wordFor(value: unknown): string {
	if (typeof value === "string") return JSON.stringify(value.slice(0, 60));
	if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
	return value === undefined ? "nothing" : `a value of type ${typeof value}`;
}
