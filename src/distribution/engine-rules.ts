/**
 * The table as a distributor keeps it (docs/wire/distributor.md, "Rules"): generations, conflicts, limits, capabilities,
 * leases. A change is judged here, carried out by the engine, and then kept here.
 */

import type { ChangeRequest } from "../wire/distributor.ts";
import { RULE_LEASE_MS } from "../wire/distributor.ts";
import { parseAddress } from "../wire/distributor-address.ts";
import type { Capabilities, EngineLimits } from "../wire/distributor-answer.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import {
	DEFAULT_TTL,
	endpointText,
	type FlowMatch,
	flowKey,
	type Receiver,
	type Rule,
	receiverKey,
} from "../wire/distributor-rule.ts";
import { ReceiverIndex } from "./rule-loops.ts";

export type Judgement =
	/** The engine has this generation already. */
	| { readonly kind: "same"; readonly rule: Rule }
	/** No such rule: nothing to delete. */
	| { readonly kind: "absent" }
	| { readonly kind: "put"; readonly rule: Rule }
	| { readonly kind: "delete"; readonly name: string };

export class EngineRules {
	readonly #capabilities: Capabilities;
	readonly #limits: EngineLimits;
	readonly #rules = new Map<string, Rule>();
	/** Names by `flowKey`. */
	readonly #flows = new Map<string, string>();
	readonly #sentTo = new ReceiverIndex();
	/** When the lease of a rule ends, by the monotonic clock; permanent rules are not here. */
	readonly #leases = new Map<string, number>();
	#receivers = 0;

	constructor(capabilities: Capabilities, limits: EngineLimits) {
		this.#capabilities = capabilities;
		this.#limits = limits;
	}

	get(name: string): Rule | undefined {
		return this.#rules.get(name);
	}

	/** In the order of their names; those of `names` that there are. */
	list(names?: readonly string[]): readonly Rule[] {
		const wanted = names === undefined ? [...this.#rules.keys()] : new Set(names);
		return [...wanted].toSorted().flatMap((name) => this.#rules.get(name) ?? []);
	}

	/** What a change comes to. @throws Refusal */
	judge(change: ChangeRequest): Judgement {
		if (change.do === "rule.put") return this.#judgePut(change.rule);
		const rule = this.#rules.get(change.name);
		if (change.do === "rule.delete") {
			if (rule === undefined) return { kind: "absent" };
			if (change.generation < rule.generation) throw old(rule, change.generation);
			return { kind: "delete", name: rule.name };
		}
		if (change.do === "receivers.add") this.#checkReceivers(change.receivers);
		if (rule === undefined) throw new Refusal("RULE_UNKNOWN", [], `there is no rule ${change.name}`);
		if (change.generation < rule.generation) throw old(rule, change.generation);
		if (change.generation === rule.generation) return { kind: "same", rule };
		const receivers = new Map(rule.receivers.map((receiver) => [receiverKey(receiver), receiver]));
		if (change.do === "receivers.add") {
			for (const receiver of change.receivers) receivers.set(receiverKey(receiver), receiver);
		} else {
			for (const key of change.receivers) receivers.delete(receiverKey(key));
		}
		const after = { ...rule, generation: change.generation, receivers: [...receivers.values()] };
		if (change.do === "receivers.add") this.#checkLoops(rule, change.receivers);
		this.#checkLimits(after);
		return { kind: "put", rule: after };
	}

	/**
	 * Keeps what `judge` has let pass.
	 * @param leases whether it brings a lease: of a `rule.put`
	 */
	keep(judgement: Judgement, leases: boolean, nowMs: number): void {
		if (judgement.kind === "delete") this.remove(judgement.name);
		if (judgement.kind === "absent" || judgement.kind === "delete") return;
		const { rule } = judgement;
		const before = this.#rules.get(rule.name);
		if (before !== undefined) this.#flows.delete(flowKey(before.match));
		for (const receiver of before?.receivers ?? []) this.#sentTo.remove(rule.name, receiver);
		for (const receiver of rule.receivers) this.#sentTo.add(rule.name, receiver);
		this.#receivers += rule.receivers.length - (before?.receivers.length ?? 0);
		this.#rules.set(rule.name, rule);
		this.#flows.set(flowKey(rule.match), rule.name);
		if (rule.permanent) this.#leases.delete(rule.name);
		else if (leases) this.#renew(rule.name, nowMs + RULE_LEASE_MS);
	}

	remove(name: string): void {
		const rule = this.#rules.get(name);
		if (rule === undefined) return;
		this.#rules.delete(name);
		this.#flows.delete(flowKey(rule.match));
		this.#leases.delete(name);
		for (const receiver of rule.receivers) this.#sentTo.remove(name, receiver);
		this.#receivers -= rule.receivers.length;
	}

	/** @returns how many rules it renews */
	lease(leaseMs: number, nowMs: number): number {
		for (const name of this.#leases.keys()) this.#renew(name, nowMs + leaseMs);
		return this.#leases.size;
	}

	/** Rules whose lease has ended. They are still there. */
	ended(nowMs: number): readonly string[] {
		return [...this.#leases].filter(([, end]) => end <= nowMs).map(([name]) => name);
	}

	/** When the next lease ends; undefined where no rule has one. */
	get nextEnd(): number | undefined {
		return this.#leases.size === 0 ? undefined : Math.min(...this.#leases.values());
	}

	#renew(name: string, end: number): void {
		this.#leases.set(name, Math.max(end, this.#leases.get(name) ?? 0));
	}

	#judgePut(rule: Rule): Judgement {
		this.#checkMatch(rule.match);
		this.#checkReceivers(rule.receivers, rule.match.port);
		const before = this.#rules.get(rule.name);
		if (before !== undefined && rule.generation < before.generation) throw old(before, rule.generation);
		if (before?.generation === rule.generation) return { kind: "same", rule: before };
		const holder = this.#flows.get(flowKey(rule.match));
		if (holder !== undefined && holder !== rule.name) {
			throw new Refusal("RULE_CONFLICT", ["rule", "match"], `is that of rule ${holder}`);
		}
		const sender = this.#sentTo.senderTo(rule.match, rule.name);
		if (sender !== undefined) {
			throw new Refusal("RULE_CONFLICT", ["rule", "match"], `is where rule ${sender} sends its packets`);
		}
		this.#checkLoops(rule, rule.receivers);
		if (before === undefined && this.#rules.size >= this.#limits.rules) {
			throw new Refusal("RULES_LIMIT", [], `there are ${this.#limits.rules} rules already`);
		}
		this.#checkLimits(rule);
		return { kind: "put", rule };
	}

	/** No receiver is what a rule takes. */
	#checkLoops({ name, match }: Rule, receivers: readonly Receiver[]): void {
		const own = flowKey(match);
		for (const receiver of receivers) {
			const key = flowKey(receiver);
			const taker = key === own ? name : this.#flows.get(key);
			if (taker === undefined || (taker === name && key !== own)) continue;
			throw new Refusal("RULE_CONFLICT", [], `what ${endpointText(receiver)} gets is taken by rule ${taker} again`);
		}
	}

	#checkLimits({ name, receivers }: Rule): void {
		const { receiversPerRule, receivers: most } = this.#limits;
		if (receivers.length > receiversPerRule) {
			const text = `rule ${name} would have ${receivers.length} receivers; ${receiversPerRule} are allowed`;
			throw new Refusal("RECEIVERS_LIMIT", [], text);
		}
		const all = this.#receivers - (this.#rules.get(name)?.receivers.length ?? 0) + receivers.length;
		if (all > most) throw new Refusal("RECEIVERS_LIMIT", [], `there would be ${all} receivers; ${most} are allowed`);
	}

	#checkMatch({ address, vlan }: FlowMatch): void {
		this.#checkAddress(address);
		if (vlan !== undefined) this.#need("vlan");
	}

	#checkReceivers(receivers: readonly Receiver[], matchPort?: number): void {
		for (const { address, vlan, dscp, ttl, sourcePort } of receivers) {
			this.#checkAddress(address);
			if (vlan !== undefined) this.#need("vlan");
			if (dscp !== 0) this.#need("dscp");
			if (ttl !== DEFAULT_TTL) this.#need("ttl");
			if (sourcePort !== undefined && sourcePort !== matchPort) this.#need("sourcePort");
		}
	}

	#checkAddress(text: string): void {
		const { family, multicast } = parseAddress(text)!;
		this.#need(family === 4 ? "ipv4" : "ipv6");
		if (multicast) this.#need("multicast");
	}

	#need(capability: keyof Capabilities): void {
		if (this.#capabilities[capability]) return;
		throw new Refusal("UNSUPPORTED", [], `this engine has no ${capability}`);
	}
}

const old = ({ name, generation }: Rule, asked: number): Refusal =>
	new Refusal("RULE_OLD", [], `rule ${name} has generation ${generation}, and ${asked} is older`);
