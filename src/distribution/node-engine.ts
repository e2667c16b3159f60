/**
 * The engine in this process: Node's own UDP sockets, no native build, no privileges. It is what there is everywhere,
 * and the slowest. The kernel parses, puts fragments together and checks sums, before this engine sees a packet; it
 * has no means for DSCP, VLAN tags and captures, and says so instead of doing without.
 */
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import type {
	Capabilities,
	ChangeAnswer,
	EngineDescription,
	EngineKind,
	EngineLimits,
	EngineStats,
} from "../wire/distributor-answer.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import type { Rule } from "../wire/distributor-rule.ts";
import { Counters } from "./counters.ts";
import type { DistributionEngine, EngineListener, EngineState, StatsQuery } from "./engine.ts";
import { EngineRules, type Judgement } from "./engine-rules.ts";
import { NodeFlow } from "./node-flow.ts";

const CAPABILITIES: Capabilities = {
	ipv4: true,
	ipv6: true,
	vlan: false,
	dscp: false,
	ttl: true,
	multicast: true,
	sourcePort: true,
	capture: false,
};

/** A rule and a receiver cost a file descriptor each. */
const LIMITS: EngineLimits = { rules: 1024, receiversPerRule: 1000, receivers: 4000 };

export interface NodeEngineParts {
	readonly clock: Clock;
	readonly version: string;
	readonly limits?: EngineLimits;
}

/** Changes come with what a `rule.put` does to the lease. */
export interface ChangeOutcome {
	readonly changed: boolean;
	/** The rule as it is now; undefined where there is none. */
	readonly rule: Rule | undefined;
}

export class NodeEngine implements DistributionEngine {
	readonly kind: EngineKind = "node";
	readonly #clock: Clock;
	readonly #description: EngineDescription;
	readonly #rules: EngineRules;
	readonly #flows = new Map<string, NodeFlow>();
	readonly #counters = new Counters();
	readonly #startedAt: number;
	#state: EngineState = { kind: "stopped" };
	#listener: EngineListener | undefined;
	#leaseTimer: Timer | undefined;
	#draining = false;
	/** Changes are made one after the other. */
	#working: Promise<unknown> = Promise.resolve();

	constructor({ clock, version, limits = LIMITS }: NodeEngineParts) {
		this.#clock = clock;
		this.#startedAt = clock.now();
		this.#rules = new EngineRules(CAPABILITIES, limits);
		this.#description = {
			...{ engine: "node", backend: "node", version, instance: randomBytes(8).toString("hex") },
			...{ capabilities: CAPABILITIES, limits },
		};
	}

	get state(): EngineState {
		return this.#state;
	}

	get description(): EngineDescription {
		return this.#description;
	}

	async start(listener: EngineListener): Promise<void> {
		this.#listener = listener;
		this.#draining = false;
		this.#enter({ kind: "up", description: this.#description });
	}

	apply(changes: readonly ChangeRequest[]): Promise<readonly ChangeAnswer[]> {
		return this.#afterOthers(async () => {
			const answers: ChangeAnswer[] = [];
			for (const change of changes) answers.push(await this.#answer(change));
			return answers;
		});
	}

	/** One change, with the rule that comes of it. @throws Refusal */
	change(change: ChangeRequest): Promise<ChangeOutcome> {
		return this.#afterOthers(() => this.#change(change));
	}

	/** The rules that it has, in the order of their names. */
	list(names?: readonly string[]): readonly Rule[] {
		return this.#rules.list(names);
	}

	async generations(): Promise<ReadonlyMap<string, number>> {
		return new Map(this.#rules.list().map(({ name, generation }) => [name, generation]));
	}

	async lease(leaseMs: number): Promise<void> {
		this.renew(leaseMs);
	}

	/** @returns how many rules it renews */
	renew(leaseMs: number): number {
		const count = this.#rules.lease(leaseMs, this.#clock.now());
		this.#watchLeases();
		return count;
	}

	async stats(query: StatsQuery): Promise<EngineStats> {
		return this.figures(query);
	}

	figures({ names, receivers = false }: StatsQuery): EngineStats {
		const { user, system } = process.cpuUsage();
		return {
			uptimeMs: Math.trunc(this.#clock.now() - this.#startedAt),
			cpuMs: (user + system) / 1000,
			received: this.#counters.received.reading,
			sent: this.#counters.sent.reading,
			passed: 0,
			drops: this.#counters.drops.reading,
			rules: this.#rules.list(names).flatMap(({ name }) => this.#flows.get(name)?.stats(receivers) ?? []),
		};
	}

	capture(): Promise<void> {
		const text = "UNSUPPORTED: this engine has no capture; take one that sees frames, or tcpdump.";
		return Promise.reject(new PenstockError("DISTRIBUTOR_REFUSED", text));
	}

	/** Sends nothing any more and takes no rule until it is started again. */
	drain(): Promise<void> {
		this.#draining = true;
		return this.#afterOthers(async () => {
			await Promise.all(this.#rules.list().map(({ name }) => this.#remove(name)));
		});
	}

	async stop(): Promise<void> {
		await this.drain();
		this.#leaseTimer?.cancel();
		this.#enter({ kind: "stopped" });
		this.#listener = undefined;
	}

	#enter(state: EngineState): void {
		this.#state = state;
		this.#listener?.state(state);
	}

	#afterOthers<Result>(work: () => Promise<Result>): Promise<Result> {
		const done = this.#working.then(work);
		this.#working = done.catch(() => undefined);
		return done;
	}

	async #answer(change: ChangeRequest): Promise<ChangeAnswer> {
		try {
			const { changed } = await this.#change(change);
			return { ok: true, changed };
		} catch (thrown) {
			if (thrown instanceof Refusal) return { ok: false, code: thrown.code, text: thrown.message };
			throw thrown;
		}
	}

	async #change(change: ChangeRequest): Promise<ChangeOutcome> {
		const adds = change.do === "rule.put" || change.do === "receivers.add";
		if (this.#draining && adds) throw new Refusal("DRAINING", [], "this engine is being drained");
		const judgement = this.#rules.judge(change);
		await this.#carryOut(judgement);
		this.#rules.keep(judgement, change.do === "rule.put", this.#clock.now());
		this.#watchLeases();
		const rule = "rule" in judgement ? judgement.rule : undefined;
		return { changed: judgement.kind === "put" || judgement.kind === "delete", rule };
	}

	async #carryOut(judgement: Judgement): Promise<void> {
		switch (judgement.kind) {
			case "same":
			case "absent":
				return;
			case "delete":
				await this.#flows.get(judgement.name)?.close();
				this.#flows.delete(judgement.name);
				return;
			case "put": {
				const { rule } = judgement;
				const flow = this.#flows.get(rule.name) ?? new NodeFlow(rule, this.#clock, this.#counters);
				try {
					await flow.change(rule);
				} catch (thrown) {
					throw new Refusal("ENGINE_FAILED", [], messageOf(thrown));
				}
				this.#flows.set(rule.name, flow);
				return;
			}
		}
	}

	async #remove(name: string): Promise<void> {
		this.#rules.remove(name);
		await this.#flows.get(name)?.close();
		this.#flows.delete(name);
	}

	#watchLeases(): void {
		this.#leaseTimer?.cancel();
		const { nextEnd } = this.#rules;
		if (nextEnd === undefined) return;
		this.#leaseTimer = this.#clock.after(
			nextEnd - this.#clock.now(),
			() => void this.#afterOthers(() => this.#endLeases()),
		);
	}

	async #endLeases(): Promise<void> {
		const rules = this.#rules.ended(this.#clock.now());
		await Promise.all(rules.map((name) => this.#remove(name)));
		if (rules.length > 0) this.#listener?.event({ event: "lease.ended", rules });
		this.#watchLeases();
	}
}
