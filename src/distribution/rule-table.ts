/**
 * The rule table (D4, D7): which media packets go to whom. It is filled before the packets come, and changed while they
 * flow; every change is judged whole, then made, then told as the request that brings an engine to the same state.
 * Invariant: what a listener has been told, applied in order to an empty engine, is the table.
 * Not here: packets and sockets (the engines), files (`rule-file.ts`).
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import { destinationKey, endpointText, type Receiver, type Rule, type RuleDraft } from "../wire/distributor-rule.ts";
import { draftOf, type Entry, flowText, type RuleOrigin, ruleOf, sumOf } from "./rule-entry.ts";
import { judgedDraft, judgedKeys, judgedReceivers } from "./rule-judge.ts";
import { admitted, checkLoad, type Load, minus, NO_LOAD, plus, type RuleLimits } from "./rule-limits.ts";
import { ReceiverIndex } from "./rule-loops.ts";
import { addRequests, putRequests, removeRequests, stepsOf } from "./rule-requests.ts";
import { type Tap, Taps } from "./rule-taps.ts";

export interface ChangeOptions {
	/** The generation that the caller has seen: where the rule has another one, nothing is changed. */
	readonly ifGeneration?: number;
	/** Whose rules the caller changes, and makes: `run-time` where this is left out. */
	readonly origin?: Exclude<RuleOrigin, "config">;
}

export type ChangeListener = (change: ChangeRequest) => void;

/** A change of a rule's receivers. What is removed goes before what is added comes. */
export interface ReceiversChange {
	/** Receivers; those that are there already get what is said of them now. */
	readonly add?: unknown;
	/** Keys of receivers; those that are not there are passed over. */
	readonly remove?: unknown;
}

const FIXED_BECAUSE: Readonly<Record<RuleOrigin, string>> = {
	config: "comes from the configuration; change it there",
	session: "is that of an RTSP session; it goes with the session",
	"run-time": "was made at run time, and no session may have it",
};

export class RuleTable {
	readonly #clock: Clock;
	readonly #limits: RuleLimits;
	readonly #entries = new Map<string, Entry>();
	/** By `destinationKey`. */
	readonly #flows = new Map<string, Entry>();
	readonly #sentTo = new ReceiverIndex();
	readonly #listeners = new Set<ChangeListener>();
	readonly #taps = new Taps();
	#load = NO_LOAD;
	#lastGeneration = 0;

	constructor(parts: { readonly clock: Clock; readonly limits: RuleLimits }) {
		this.#clock = parts.clock;
		this.#limits = parts.limits;
	}

	get limits(): RuleLimits {
		return this.#limits;
	}

	/** Without taps. */
	get size(): { readonly rules: number; readonly receivers: number } {
		return { rules: this.#entries.size, receivers: this.#load.receivers };
	}

	/** Without its taps. */
	get(name: string): Rule | undefined {
		const entry = this.#entries.get(name);
		return entry && ruleOf(entry);
	}

	originOf(name: string): RuleOrigin | undefined {
		return this.#entries.get(name)?.origin;
	}

	/** In the order of their names, without their taps. */
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
	 * @param draft from anywhere, endpoints as objects or as text; it is judged here
	 * @throws PenstockError RULE_INVALID, RULE_STALE, RULE_FIXED, RULE_CONFLICT, RULE_LOOP, RULE_LIMIT, RULE_NETWORK
	 */
	put(draft: unknown, options: ChangeOptions = {}): Rule {
		const wanted = judgedDraft(draft);
		this.#changeable(wanted.name, options);
		return this.#put(this.#admit(wanted), options.origin ?? "run-time");
	}

	/** @throws PenstockError RULE_NOT_FOUND, RULE_STALE, RULE_FIXED */
	delete(name: string, options: ChangeOptions = {}): void {
		this.#delete(this.#existing(name, options));
	}

	/** As `changeReceivers`. */
	addReceivers(name: string, receivers: unknown, options: ChangeOptions = {}): number {
		return this.changeReceivers(name, { add: receivers }, options);
	}

	/** As `changeReceivers`. */
	removeReceivers(name: string, receivers: unknown, options: ChangeOptions = {}): number {
		return this.changeReceivers(name, { remove: receivers }, options);
	}

	/**
	 * All of it or nothing.
	 * @returns the rule's generation
	 * @throws PenstockError RULE_INVALID, RULE_NOT_FOUND, RULE_STALE, RULE_FIXED, RULE_LOOP, RULE_LIMIT, RULE_NETWORK
	 */
	changeReceivers(name: string, { add, remove }: ReceiversChange, options: ChangeOptions = {}): number {
		const entry = this.#existing(name, options);
		const keys = remove === undefined ? [] : judgedKeys(remove);
		const read = add === undefined ? [] : judgedReceivers(add);
		const gone = new Map(
			keys.flatMap((key) => {
				const there = entry.receivers.get(destinationKey(key));
				return there === undefined ? [] : [[destinationKey(key), there] as const];
			}),
		);
		const added = read.map((receiver) => admitted(receiver, name, this.#limits));
		const replaced = added.flatMap((receiver) => {
			const key = destinationKey(receiver);
			return gone.has(key) ? [] : (entry.receivers.get(key) ?? []);
		});
		const load = minus(plus(entry.load, sumOf(added)), sumOf([...replaced, ...gone.values()]));
		if (added.length > 0) {
			checkLoad(name, load.receivers, plus(minus(this.#load, entry.load), load), this.#limits);
			this.#checkLoops(entry, added, destinationKey(entry.match));
		}
		for (const [key, receiver] of gone) {
			entry.receivers.delete(key);
			this.#sentTo.remove(name, receiver);
		}
		for (const receiver of added) {
			entry.receivers.set(destinationKey(receiver), receiver);
			this.#sentTo.add(name, receiver);
		}
		this.#tellReceivers(entry, load, { gone: [...gone.values()], come: added });
		return entry.generation;
	}

	/**
	 * Lets a part of this process have a rule's packets: as a receiver that is no part of the rule, is stored nowhere, counts
	 * in no limit, and stays when the rule goes, for one of the same name that comes.
	 * @returns what ends that
	 */
	tap(rule: string, tap: Tap): () => void {
		const end = this.#taps.add(rule, tap);
		const key = destinationKey(tap.receiver);
		const entry = this.#entries.get(rule);
		if (entry !== undefined && !entry.receivers.has(key)) {
			this.#tellReceivers(entry, entry.load, { gone: [], come: [tap.receiver] });
		}
		return () => {
			if (!end()) return;
			const there = this.#entries.get(rule);
			if (there === undefined || there.receivers.has(key)) return;
			this.#tellReceivers(there, there.load, { gone: [tap.receiver], come: [] });
		};
	}

	/** Who has a rule's packets besides its receivers. */
	tapsOf(rule: string): readonly Tap[] {
		return this.#taps.of(rule);
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
		const flows = new Set(changed.map(({ match }) => destinationKey(match)));
		for (const { name, match } of changed) {
			const entry = this.#entries.get(name);
			// Two rules may have changed places, or one takes what another sent to: an engine judges each change by itself.
			const moves = entry !== undefined && destinationKey(entry.match) !== destinationKey(match);
			if (moves || (entry !== undefined && [...entry.receivers.values()].some((one) => flows.has(destinationKey(one)))))
				this.#delete(entry);
		}
		for (const draft of changed) this.#commit(draft, "config");
	}

	/** Everything that brings an empty engine to this table. */
	wholeAsRequests(): readonly ChangeRequest[] {
		return [...this.#entries.values()].flatMap((entry) => putRequests(this.#whole(entry)));
	}

	/** What brings one rule to an engine that has an older one or none; undefined where there is no such rule. */
	ruleAsRequests(name: string): readonly ChangeRequest[] | undefined {
		const entry = this.#entries.get(name);
		return entry && putRequests(this.#whole(entry));
	}

	/** The drafts as they would be, tried on a table of their own with the rules that stay. */
	#tried(drafts: readonly unknown[]): RuleDraft[] {
		const trial = new RuleTable({ clock: this.#clock, limits: this.#limits });
		for (const entry of this.#entries.values()) {
			if (entry.origin !== "config") trial.#put(draftOf(entry), entry.origin);
		}
		return drafts.map((draft) => {
			const read = judgedDraft(draft);
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
		const conflict = this.#flows.get(destinationKey(match));
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
		this.#checkLoops(draft, draft.receivers, destinationKey(match));
		const sender = this.#sentTo.senderTo(match, name);
		if (sender !== undefined) {
			const text = `rule ${name} takes the packets to ${flowText(match)}, where rule ${sender} sends its own; leave one of the two out.`;
			throw new PenstockError("RULE_LOOP", text);
		}
		return this.#commit(draft, origin);
	}

	/** Without another look. */
	#commit(draft: RuleDraft, origin: RuleOrigin): Rule {
		const { name, match, media, permanent } = draft;
		const before = this.#entries.get(name);
		if (before !== undefined) this.#forget(before);
		for (const receiver of draft.receivers) this.#sentTo.add(name, receiver);
		const receivers = new Map(draft.receivers.map((receiver) => [destinationKey(receiver), receiver]));
		const old = before ?? { generation: 0, load: NO_LOAD };
		const entry: Entry = {
			...{ name, origin, match, media, permanent, receivers },
			...{ generation: 0, load: old.load },
		};
		this.#entries.set(name, entry);
		this.#flows.set(destinationKey(match), entry);
		this.#changed(entry, sumOf(draft.receivers), stepsOf(this.#whole(entry).receivers.length));
		this.#tell(putRequests(this.#whole(entry)));
		return ruleOf(entry);
	}

	#delete(entry: Entry): void {
		this.#forget(entry);
		this.#entries.delete(entry.name);
		this.#changed(entry, NO_LOAD, 1);
		this.#tell([{ do: "rule.delete", name: entry.name, generation: entry.generation }]);
	}

	/** What it takes, and where it sends. */
	#forget(entry: Entry): void {
		this.#flows.delete(destinationKey(entry.match));
		for (const receiver of entry.receivers.values()) this.#sentTo.remove(entry.name, receiver);
	}

	/** A rule's receivers have changed: what goes is told before what comes. */
	#tellReceivers(
		entry: Entry,
		load: Load,
		{ gone, come }: { readonly gone: readonly Receiver[]; readonly come: readonly Receiver[] },
	): void {
		const taps = this.#taps.of(entry.name);
		const thereNow = (key: string): Receiver | undefined =>
			entry.receivers.get(key) ?? taps.find(({ receiver }) => destinationKey(receiver) === key)?.receiver;
		const leaving = gone.filter((receiver) => thereNow(destinationKey(receiver)) === undefined);
		// A tap may come to light under a receiver that goes.
		const coming = new Map(
			[...gone, ...come].flatMap((one) => {
				const there = thereNow(destinationKey(one));
				return there === undefined ? [] : [[destinationKey(one), there] as const];
			}),
		);
		for (const [some, requests] of [
			[leaving, removeRequests],
			[[...coming.values()], addRequests],
		] as const) {
			if (some.length === 0) continue;
			this.#changed(entry, load, stepsOf(some.length));
			this.#tell(requests(entry, some));
		}
	}

	/** The rule as engines have it: with its taps. */
	#whole(entry: Entry): Rule {
		const taps = this.#taps.of(entry.name).filter(({ receiver }) => !entry.receivers.has(destinationKey(receiver)));
		const rule = ruleOf(entry);
		return taps.length === 0
			? rule
			: { ...rule, receivers: [...rule.receivers, ...taps.map(({ receiver }) => receiver)] };
	}

	/**
	 * Books the change. By the wall clock, so that generations rise over a restart without being kept.
	 * @param steps how many requests tell it; each has a generation
	 */
	#changed(entry: Entry, load: Load, steps: number): void {
		this.#load = plus(minus(this.#load, entry.load), load);
		entry.load = load;
		this.#lastGeneration = Math.max(this.#lastGeneration + steps, Math.trunc(this.#clock.wall()));
		entry.generation = this.#lastGeneration;
	}

	#existing(name: string, options: ChangeOptions): Entry {
		this.#changeable(name, options);
		const entry = this.#entries.get(name);
		if (entry === undefined) throw new PenstockError("RULE_NOT_FOUND", `there is no rule ${JSON.stringify(name)}.`);
		return entry;
	}

	#changeable(name: string, { ifGeneration, origin = "run-time" }: ChangeOptions): void {
		const entry = this.#entries.get(name);
		if (entry !== undefined && entry.origin !== origin) {
			throw new PenstockError("RULE_FIXED", `rule ${name} ${FIXED_BECAUSE[entry.origin]}.`);
		}
		if (ifGeneration === undefined || ifGeneration === (entry?.generation ?? 0)) return;
		const now = entry === undefined ? "is gone" : `has generation ${entry.generation}`;
		throw new PenstockError("RULE_STALE", `rule ${name} ${now}, not ${ifGeneration}; read it again.`);
	}

	/**
	 * No receiver is what a rule takes.
	 * @param flow what the rule itself takes, by `destinationKey`
	 */
	#checkLoops({ name }: Pick<Entry, "name">, added: readonly Receiver[], flow: string): void {
		for (const receiver of added) {
			const key = destinationKey(receiver);
			const taker = key === flow ? name : this.#flows.get(key)?.name;
			// What the rule has taken until now is no longer taken when it takes something else.
			if (taker === undefined || (taker === name && key !== flow)) continue;
			const text = `rule ${name}: what ${endpointText(receiver)} gets is taken by rule ${taker} again; leave it out.`;
			throw new PenstockError("RULE_LOOP", text);
		}
	}

	#tell(changes: readonly ChangeRequest[]): void {
		for (const change of changes) for (const listener of this.#listeners) listener(change);
	}
}
