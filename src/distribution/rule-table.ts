/**
 * The rule table (D4, D7): which media packets go to whom. It is filled before the packets come, and changed while they
 * flow; every change is judged whole, then made, then told as the request that brings an engine to the same state.
 * Invariant: what a listener has been told, applied in order to an empty engine, is the table.
 * Not here: packets and sockets (the engines), files (`rule-file.ts`).
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import {
	endpointText,
	type FlowMatch,
	flowKey,
	type Receiver,
	type ReceiverKey,
	type Rule,
	type RuleDraft,
	readAddedReceivers,
	readRemovedReceivers,
	readRuleDraft,
	receiverKey,
} from "../wire/distributor-rule.ts";
import { admitted, checkLoad, type Load, loadOf, minus, NO_LOAD, plus, type RuleLimits } from "./rule-limits.ts";

/** `config` rules change with the configuration alone. */
export type RuleOrigin = "config" | "run-time";

export interface ChangeOptions {
	/** The generation that the caller has seen: where the rule has another one, nothing is changed. */
	readonly ifGeneration?: number;
}

interface Entry {
	readonly name: Name;
	readonly origin: RuleOrigin;
	readonly match: FlowMatch;
	readonly media: Rule["media"];
	readonly permanent: boolean;
	readonly receivers: Map<string, Receiver>;
	generation: number;
	load: Load;
}

export type ChangeListener = (change: ChangeRequest) => void;

/** Of so many receivers a line of the control protocol is sure to have room. */
export const RECEIVERS_IN_A_LINE = 4000;

/** How many requests bring a rule of so many receivers to an engine; each has a generation of its own. */
const stepsOf = (receivers: number): number => Math.max(1, Math.ceil(receivers / RECEIVERS_IN_A_LINE));

export class RuleTable {
	readonly #clock: Clock;
	readonly #limits: RuleLimits;
	readonly #entries = new Map<string, Entry>();
	/** By `flowKey`. */
	readonly #flows = new Map<string, Entry>();
	readonly #listeners = new Set<ChangeListener>();
	#load = NO_LOAD;
	#lastGeneration = 0;

	constructor(parts: { readonly clock: Clock; readonly limits: RuleLimits }) {
		this.#clock = parts.clock;
		this.#limits = parts.limits;
	}

	get limits(): RuleLimits {
		return this.#limits;
	}

	get(name: string): Rule | undefined {
		const entry = this.#entries.get(name);
		return entry && ruleOf(entry);
	}

	originOf(name: string): RuleOrigin | undefined {
		return this.#entries.get(name)?.origin;
	}

	/** In the order of their names. */
	list(): readonly Rule[] {
		return this.names().map((name) => ruleOf(this.#entries.get(name)!));
	}

	names(): readonly string[] {
		return [...this.#entries.keys()].toSorted();
	}

	/** Told of every change after it was made, in order. @returns what ends that */
	onChange(listener: ChangeListener): () => void {
		this.#listeners.add(listener);
		return () => void this.#listeners.delete(listener);
	}

	/**
	 * A new rule, or a rule's new whole.
	 * @param draft from anywhere; it is judged here
	 * @throws PenstockError RULE_INVALID, RULE_STALE, RULE_FIXED, RULE_CONFLICT, RULE_LOOP, RULE_LIMIT, RULE_NETWORK
	 */
	put(draft: unknown, options: ChangeOptions = {}): Rule {
		const wanted = judged(() => readRuleDraft(draft, []));
		this.#changeable(wanted.name, options);
		return this.#put(this.#admit(wanted), "run-time");
	}

	/** @throws PenstockError RULE_NOT_FOUND, RULE_STALE, RULE_FIXED */
	delete(name: string, options: ChangeOptions = {}): void {
		this.#delete(this.#existing(name, options));
	}

	/**
	 * Those that are there already get what is said of them now.
	 * @returns the rule's generation
	 * @throws PenstockError RULE_INVALID, RULE_NOT_FOUND, RULE_STALE, RULE_FIXED, RULE_LOOP, RULE_LIMIT, RULE_NETWORK
	 */
	addReceivers(name: string, receivers: unknown, options: ChangeOptions = {}): number {
		const entry = this.#existing(name, options);
		const read = judged(() => readAddedReceivers(receivers, ["receivers"]));
		const added = read.map((receiver) => admitted(receiver, name, this.#limits));
		const replaced = added.flatMap((receiver) => entry.receivers.get(receiverKey(receiver)) ?? []);
		const load = minus(plus(entry.load, sumOf(added)), sumOf(replaced));
		checkLoad(name, load.receivers, plus(minus(this.#load, entry.load), load), this.#limits);
		this.#checkLoops(entry, added);
		for (const receiver of added) entry.receivers.set(receiverKey(receiver), receiver);
		const generation = this.#changed(entry, load);
		this.#tell({ do: "receivers.add", name: entry.name, generation, receivers: added });
		return generation;
	}

	/**
	 * Those that are not there are passed over.
	 * @returns the rule's generation
	 * @throws PenstockError RULE_INVALID, RULE_NOT_FOUND, RULE_STALE, RULE_FIXED
	 */
	removeReceivers(name: string, receivers: unknown, options: ChangeOptions = {}): number {
		const entry = this.#existing(name, options);
		const keys = judged(() => readRemovedReceivers(receivers, ["receivers"]));
		const removed: Receiver[] = [];
		for (const key of keys) {
			const receiver = entry.receivers.get(receiverKey(key));
			if (receiver === undefined) continue;
			removed.push(receiver);
			entry.receivers.delete(receiverKey(key));
		}
		if (removed.length === 0) return entry.generation;
		const generation = this.#changed(entry, minus(entry.load, sumOf(removed)));
		this.#tell({ do: "receivers.remove", name: entry.name, generation, receivers: removed.map(keyOf) });
		return generation;
	}

	/**
	 * The configuration's rules are these from now on: what is the same stays untouched. All or nothing.
	 * @throws PenstockError as `put`
	 */
	configure(drafts: readonly unknown[]): void {
		const wanted = this.#tried(drafts);
		const names = new Set<string>(wanted.map(({ name }) => name));
		for (const entry of [...this.#entries.values()]) {
			if (entry.origin === "config" && !names.has(entry.name)) this.#delete(entry);
		}
		const changed = wanted.filter((draft) => !this.#isThere(draft));
		for (const { name, match } of changed) {
			const entry = this.#entries.get(name);
			// Two rules may have changed places.
			if (entry !== undefined && flowKey(entry.match) !== flowKey(match)) this.#delete(entry);
		}
		for (const draft of changed) this.#commit(draft, "config");
	}

	/** Everything that brings an empty engine to this table. */
	wholeAsRequests(): readonly ChangeRequest[] {
		return [...this.#entries.values()].flatMap((entry) => requestsOf(ruleOf(entry)));
	}

	/** What brings one rule to an engine that has an older one or none; undefined where there is no such rule. */
	ruleAsRequests(name: string): readonly ChangeRequest[] | undefined {
		const entry = this.#entries.get(name);
		return entry && requestsOf(ruleOf(entry));
	}

	/** The drafts as they would be, tried on a table of their own with the rules that stay. */
	#tried(drafts: readonly unknown[]): RuleDraft[] {
		const trial = new RuleTable({ clock: this.#clock, limits: this.#limits });
		for (const entry of this.#entries.values()) {
			if (entry.origin !== "config") trial.#put(draftOf(entry), entry.origin);
		}
		return drafts.map((draft) => {
			const read = judged(() => readRuleDraft(draft, []));
			if (trial.#entries.has(read.name)) {
				throw new PenstockError("RULE_CONFLICT", `rule ${read.name} is there twice; names stand once.`);
			}
			const admittedDraft = trial.#admit(read);
			trial.#put(admittedDraft, "config");
			return admittedDraft;
		});
	}

	#isThere(draft: RuleDraft): boolean {
		const entry = this.#entries.get(draft.name);
		return entry !== undefined && JSON.stringify(draftOf(entry)) === JSON.stringify(draft);
	}

	#admit(draft: RuleDraft): RuleDraft {
		const { name, match, media, permanent, receivers } = draft;
		const taken = receivers.map((receiver) => admitted(receiver, name, this.#limits));
		return { name, match, media, permanent, receivers: taken };
	}

	#put(draft: RuleDraft, origin: RuleOrigin): Rule {
		const { name, match } = draft;
		const before = this.#entries.get(name);
		const conflict = this.#flows.get(flowKey(match));
		if (conflict !== undefined && conflict !== before) {
			const text = `rule ${name} takes the packets to ${flowText(match)}, as rule ${conflict.name} does already.`;
			throw new PenstockError("RULE_CONFLICT", text);
		}
		const { rules } = this.#limits;
		if (before === undefined && this.#entries.size >= rules) {
			throw new PenstockError("RULE_LIMIT", `rule ${name} would be one too many; limits.rules is ${rules}.`);
		}
		const load = sumOf(draft.receivers);
		checkLoad(name, load.receivers, plus(minus(this.#load, before?.load ?? NO_LOAD), load), this.#limits);
		this.#checkLoops(draft, draft.receivers);
		return this.#commit(draft, origin);
	}

	/** Without another look. */
	#commit(draft: RuleDraft, origin: RuleOrigin): Rule {
		const { name, match, media, permanent } = draft;
		const before = this.#entries.get(name);
		if (before !== undefined) this.#flows.delete(flowKey(before.match));
		const receivers = new Map(draft.receivers.map((receiver) => [receiverKey(receiver), receiver]));
		const old = before ?? { generation: 0, load: NO_LOAD };
		const entry: Entry = {
			...{ name, origin, match, media, permanent, receivers },
			...{ generation: 0, load: old.load },
		};
		this.#entries.set(name, entry);
		this.#flows.set(flowKey(match), entry);
		this.#changed(entry, sumOf(draft.receivers));
		const rule = ruleOf(entry);
		for (const request of requestsOf(rule)) this.#tell(request);
		return rule;
	}

	#delete(entry: Entry): void {
		this.#entries.delete(entry.name);
		this.#flows.delete(flowKey(entry.match));
		const generation = this.#changed(entry, NO_LOAD);
		this.#tell({ do: "rule.delete", name: entry.name, generation });
	}

	/** Books the change. By the wall clock, so that generations rise over a restart without being kept. */
	#changed(entry: Entry, load: Load): number {
		this.#load = plus(minus(this.#load, entry.load), load);
		entry.load = load;
		this.#lastGeneration = Math.max(this.#lastGeneration + stepsOf(load.receivers), Math.trunc(this.#clock.wall()));
		entry.generation = this.#lastGeneration;
		return entry.generation;
	}

	#existing(name: string, options: ChangeOptions): Entry {
		this.#changeable(name, options);
		const entry = this.#entries.get(name);
		if (entry === undefined) throw new PenstockError("RULE_NOT_FOUND", `there is no rule ${JSON.stringify(name)}.`);
		return entry;
	}

	#changeable(name: string, { ifGeneration }: ChangeOptions): void {
		const entry = this.#entries.get(name);
		if (entry?.origin === "config") {
			throw new PenstockError("RULE_FIXED", `rule ${name} comes from the configuration; change it there.`);
		}
		if (ifGeneration === undefined || ifGeneration === (entry?.generation ?? 0)) return;
		const now = entry === undefined ? "is gone" : `has generation ${entry.generation}`;
		throw new PenstockError("RULE_STALE", `rule ${name} ${now}, not ${ifGeneration}; read it again.`);
	}

	/** No packet comes back to the rule that sent it, not by other rules either. */
	#checkLoops(rule: Pick<Entry, "name" | "match">, added: readonly Receiver[]): void {
		const own = flowKey(rule.match);
		for (const receiver of added) {
			const seen = new Set<string>();
			const next = [flowKey(receiver)];
			for (let key = next.pop(); key !== undefined; key = next.pop()) {
				if (key === own) {
					const text = `rule ${rule.name}: what ${endpointText(receiver)} gets comes back to ${flowText(rule.match)}.`;
					throw new PenstockError("RULE_LOOP", text);
				}
				const entry = this.#flows.get(key);
				if (entry === undefined || entry.name === rule.name || seen.has(key)) continue;
				seen.add(key);
				next.push(...[...entry.receivers.values()].map(flowKey));
			}
		}
	}

	#tell(change: ChangeRequest): void {
		for (const listener of this.#listeners) listener(change);
	}
}

const flowText = (match: FlowMatch): string =>
	`${endpointText(match)}${match.vlan === undefined ? "" : ` in VLAN ${match.vlan}`}`;

const keyOf = ({ address, port, vlan }: ReceiverKey): ReceiverKey => ({
	...{ address, port },
	...(vlan !== undefined && { vlan }),
});

const sumOf = (receivers: readonly Receiver[]): Load => receivers.map(loadOf).reduce(plus, NO_LOAD);

const draftOf = ({ name, match, media, permanent, receivers }: Entry): RuleDraft => ({
	...{ name, match, media, permanent },
	receivers: [...receivers.values()],
});

const ruleOf = (entry: Entry): Rule => ({ ...draftOf(entry), generation: entry.generation });

/** One request, or for a rule that fills no line several, of which the last brings its generation. */
function requestsOf(rule: Rule): readonly ChangeRequest[] {
	const { name, receivers } = rule;
	const steps = stepsOf(receivers.length);
	return Array.from({ length: steps }, (_, step): ChangeRequest => {
		const part = receivers.slice(step * RECEIVERS_IN_A_LINE, (step + 1) * RECEIVERS_IN_A_LINE);
		const generation = rule.generation - steps + 1 + step;
		if (step === 0) return { do: "rule.put", rule: { ...rule, generation, receivers: part } };
		return { do: "receivers.add", name, generation, receivers: part };
	});
}

/** @throws PenstockError RULE_INVALID for a Refusal */
function judged<Value>(read: () => Value): Value {
	try {
		return read();
	} catch (thrown) {
		if (!(thrown instanceof Refusal)) throw thrown;
		throw new PenstockError("RULE_INVALID", `${thrown.message || "it is no rule"}.`, { cause: thrown });
	}
}
