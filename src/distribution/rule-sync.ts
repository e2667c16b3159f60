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
	readonly #settling: { readonly order: number; readonly resolve: () => void }[] = [];
	/** How much the table has told, how much of it is on its way to the engine, how much the engine has answered to. */
	#told = 0;
	#taken = 0;
	#answered = 0;
	#waiting: ChangeRequest[] = [];
	#wanted: "nothing" | "changes" | "whole" = "nothing";
	#working = false;
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
		this.#told++;
		this.#work();
		this.#renew();
	}

	engineDown(): void {
		this.#up = false;
		this.#waiting = [];
		this.#renewal?.cancel();
		this.#retry?.cancel();
		this.#retry = undefined;
		this.#answeredTo(this.#told);
	}

	/** Resolves when the engine has carried out, or refused, all that the table has told until now; or is not up. */
	settled(): Promise<void> {
		if (this.#answered >= this.#told) return Promise.resolve();
		return new Promise((resolve) => void this.#settling.push({ order: this.#told, resolve }));
	}

	/** Follows the table no more. */
	close(): void {
		this.#unlisten();
		this.engineDown();
	}

	#add(change: ChangeRequest): void {
		if (!this.#up) return;
		this.#told++;
		this.#waiting.push(change);
		// A rule that was refused is not there, or not as it was told: it is told whole.
		if (this.#waiting.length > MOST_WAITING || this.#faults.has(nameOf(change))) this.#wanted = "whole";
		if (this.#wanted === "nothing") this.#wanted = "changes";
		this.#work();
	}

	#work(): void {
		if (this.#working) return;
		this.#working = true;
		void this.#untilDone().finally(() => {
			this.#working = false;
			if (this.#up && this.#wanted !== "nothing") this.#work();
		});
	}

	async #untilDone(): Promise<void> {
		// Changes of the same moment go in one batch.
		await Promise.resolve();
		while (this.#up && this.#wanted !== "nothing") {
			const whole = this.#wanted === "whole";
			let changes: readonly ChangeRequest[] = this.#waiting;
			this.#waiting = [];
			this.#wanted = "nothing";
			this.#taken = this.#told;
			try {
				if (whole) changes = await this.#difference();
				await this.#apply(changes);
			} catch (thrown) {
				// The engine has gone, and comes up again; what is told then is the whole.
				if (this.#up) this.#later(messageOf(thrown));
			}
			this.#answeredTo(this.#taken);
		}
	}

	#answeredTo(order: number): void {
		this.#answered = Math.max(this.#answered, order);
		while (this.#settling.length > 0 && this.#settling[0]!.order <= this.#answered) this.#settling.shift()!.resolve();
	}

	/** From what the engine has to the table: first what must go, then every rule that is not of its generation. */
	async #difference(): Promise<readonly ChangeRequest[]> {
		const { engine, table } = this.#parts;
		const there = await engine.generations();
		// What the table has told until here is in it.
		this.#waiting = [];
		this.#taken = this.#told;
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
		const failed = new Set<string>();
		for (const [index, change] of changes.entries()) {
			const name = nameOf(change);
			const answer = answers[index];
			if (answer?.ok === false) {
				// What comes after it fails for that alone.
				if (!failed.has(name)) this.#fault(name, `${answer.code}: ${answer.text}`);
				failed.add(name);
			} else if (change.do === "rule.put" || change.do === "rule.delete") {
				this.#fault(name, undefined);
				failed.delete(name);
			}
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
		this.#retry ??= this.#parts.clock.after(RETRY_AFTER_MS, () => {
			this.#retry = undefined;
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

const nameOf = (change: ChangeRequest): string => (change.do === "rule.put" ? change.rule.name : change.name);
