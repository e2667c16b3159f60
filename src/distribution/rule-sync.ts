/**
 * Keeps an engine at the state of the rule table: the whole of it whenever the engine comes up, then every change, and
 * the lease, so that no rule outlives this process by more than five seconds. What an engine refuses is told by rule, and
 * tried again.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { isName } from "../base/name.ts";
import { type ChangeRequest, MAX_LEASE_MS } from "../wire/distributor.ts";
import type { DistributionEngine } from "./engine.ts";
import type { RuleTable } from "./rule-table.ts";

const RENEW_AFTER_MS = 1000;
/** What was refused is tried again after this. */
const RETRY_AFTER_MS = 5000;
/** Beyond so many changes that wait, the whole table is sent instead. */
const MOST_WAITING = 20_000;

export interface RuleSyncParts {
	readonly table: RuleTable;
	readonly engine: DistributionEngine;
	readonly clock: Clock;
	/** A rule is refused by the engine, or no longer: then without a text. */
	readonly onFault: (rule: string, text: string | undefined) => void;
}

export class RuleSync {
	readonly #parts: RuleSyncParts;
	readonly #unlisten: () => void;
	readonly #faults = new Map<string, string>();
	#waiting: ChangeRequest[] = [];
	#wanted: "nothing" | "changes" | "whole" = "nothing";
	#working: Promise<void> | undefined;
	#renewal: Timer | undefined;
	#retry: Timer | undefined;
	#up = false;

	constructor(parts: RuleSyncParts) {
		this.#parts = parts;
		this.#unlisten = parts.table.onChange((change) => this.#add(change));
	}

	/** Why the engine does not carry out a rule. */
	faultOf(rule: string): string | undefined {
		return this.#faults.get(rule);
	}

	/** The engine has come up, perhaps with an empty table. */
	engineUp(): void {
		this.#up = true;
		this.#wanted = "whole";
		this.#work();
		this.#renew();
	}

	engineDown(): void {
		this.#up = false;
		this.#waiting = [];
		this.#renewal?.cancel();
		this.#retry?.cancel();
	}

	/** Resolves when the engine has all that the table has told, or is not up. */
	async settled(): Promise<void> {
		while (this.#working !== undefined) await this.#working;
	}

	/** Follows the table no more. */
	close(): void {
		this.#unlisten();
		this.engineDown();
	}

	#add(change: ChangeRequest): void {
		if (!this.#up) return;
		this.#waiting.push(change);
		if (this.#waiting.length > MOST_WAITING) this.#wanted = "whole";
		if (this.#wanted === "nothing") this.#wanted = "changes";
		this.#work();
	}

	#work(): void {
		this.#working ??= this.#untilDone().finally(() => {
			this.#working = undefined;
			if (this.#up && this.#wanted !== "nothing") this.#work();
		});
	}

	async #untilDone(): Promise<void> {
		// Changes of the same moment go in one batch.
		await Promise.resolve();
		while (this.#up && this.#wanted !== "nothing") {
			const whole = this.#wanted === "whole";
			const changes = this.#waiting;
			this.#waiting = [];
			this.#wanted = "nothing";
			try {
				await this.#apply(whole ? await this.#difference() : changes);
			} catch (thrown) {
				// The engine has gone, and comes up again; what is told then is the whole.
				if (this.#up) this.#later(messageOf(thrown));
				return;
			}
		}
	}

	/** From what the engine has to the table: first what must go, then every rule that is not of its generation. */
	async #difference(): Promise<readonly ChangeRequest[]> {
		const { engine, table } = this.#parts;
		const there = await engine.generations();
		// What the table has told until here is in it.
		this.#waiting = [];
		if (this.#wanted === "changes") this.#wanted = "nothing";
		const rules = new Map(table.list().map((rule) => [rule.name as string, rule.generation]));
		// A rule may have a fault and its generation, too: one change failed, and a later one did not.
		const wrong = (name: string, generation: number): boolean =>
			(rules.get(name) ?? 0) < generation || (rules.get(name) === generation && this.#faults.has(name));
		const gone = [...there].flatMap(([name, generation]): ChangeRequest[] =>
			isName(name) && wrong(name, generation) ? [{ do: "rule.delete", name, generation }] : [],
		);
		const put = [...rules.keys()].filter((name) => there.get(name) !== rules.get(name) || this.#faults.has(name));
		return [...gone, ...put.flatMap((name) => table.ruleAsRequests(name) ?? [])];
	}

	async #apply(changes: readonly ChangeRequest[]): Promise<void> {
		if (changes.length === 0) return;
		const answers = await this.#parts.engine.apply(changes);
		for (const [index, change] of changes.entries()) {
			const name = change.do === "rule.put" ? change.rule.name : change.name;
			const answer = answers[index];
			if (answer?.ok === false) this.#fault(name, `${answer.code}: ${answer.text}`);
			else if (change.do === "rule.put" || change.do === "rule.delete") this.#fault(name, undefined);
		}
		if (this.#faults.size > 0) this.#retryLater();
	}

	#fault(rule: string, text: string | undefined): void {
		if (this.#faults.get(rule) === text) return;
		if (text === undefined) this.#faults.delete(rule);
		else this.#faults.set(rule, text);
		this.#parts.onFault(rule, text);
	}

	/** A request failed while the engine is up: nobody knows what has come through. */
	#later(text: string): void {
		for (const name of this.#parts.table.names()) this.#fault(name, text);
		this.#retryLater();
	}

	#retryLater(): void {
		this.#retry?.cancel();
		this.#retry = this.#parts.clock.after(RETRY_AFTER_MS, () => {
			for (const name of this.#faults.keys()) {
				if (this.#parts.table.get(name) === undefined) this.#fault(name, undefined);
			}
			this.#wanted = "whole";
			this.#work();
		});
	}

	#renew(): void {
		const { clock, engine } = this.#parts;
		this.#renewal?.cancel();
		this.#renewal = clock.after(RENEW_AFTER_MS, () => {
			// An engine that does not answer is found out, and brought up again, by its own watch.
			engine.lease(MAX_LEASE_MS).catch(() => undefined);
			if (this.#up) this.#renew();
		});
	}
}
