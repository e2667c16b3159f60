/**
 * The distribution plane at work: the rule table, what keeps its rules over a restart, an engine that works here, and
 * what holds the two together. It says which engine it is and why, and what is wrong.
 */
import type { Clock } from "../base/clock.ts";
import { clauseOf, messageOf, type PenstockError } from "../base/errors.ts";
import type { EngineListener, EngineState } from "../distribution/engine.ts";
import { chooseEngine, type EngineChoice } from "../distribution/engine-choice.ts";
import { RuleStore } from "../distribution/rule-store.ts";
import { RuleSync } from "../distribution/rule-sync.ts";
import { RuleTable } from "../distribution/rule-table.ts";
import { StandbyEngine } from "../distribution/standby-engine.ts";
import type { EngineDescription, EngineEvent, EngineStats } from "../wire/distributor-answer.ts";
import type { DistributionConfig } from "./config-distribution.ts";
import { type EngineCandidates, engineCandidates, foreignEngine } from "./distribution-engines.ts";
import { configuredRules } from "./distribution-rules.ts";
import { DistributorLog } from "./distributor-log.ts";
import type { Log } from "./log.ts";

export interface DistributionHostParts {
	readonly config: DistributionConfig;
	readonly clock: Clock;
	readonly log: Log;
	/** Of Penstock. */
	readonly version: string;
}

/** While the engine is away nobody knows more. */
const NO_STATS: EngineStats = {
	...{ uptimeMs: 0, cpuMs: 0, passed: 0, drops: {}, rules: [] },
	received: { packets: 0, bytes: 0 },
	sent: { packets: 0, bytes: 0 },
};

export class DistributionHost {
	readonly config: DistributionConfig;
	readonly table: RuleTable;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #parts: DistributionHostParts;
	#candidates: EngineCandidates | undefined;
	#store: RuleStore | undefined;
	#choice: EngineChoice | undefined;
	#sync: RuleSync | undefined;
	#description: EngineDescription | undefined;
	#state: EngineState = { kind: "stopped" };
	#starts = 0;
	#toldAway: string | undefined;
	/** Readings of the rules' file follow each other. */
	#reading: Promise<void> = Promise.resolve();

	constructor(parts: DistributionHostParts) {
		const { config, clock, log } = parts;
		this.#parts = parts;
		this.config = config;
		this.#clock = clock;
		this.#log = log.child({ component: "distribution" });
		this.table = new RuleTable({ clock, limits: config.limits });
	}

	/**
	 * Resolves when an engine is up; the rules are on their way to it then.
	 * @throws PenstockError RULES_FILE, ENGINE_UNAVAILABLE, DISTRIBUTOR_UNREACHABLE; nothing is left running then
	 */
	async start(): Promise<void> {
		const { table } = this;
		const { stateFile } = this.config;
		try {
			await this.#configure();
			const log = (line: string): void => this.#log.warn(line);
			if (stateFile !== undefined) {
				this.#store = await RuleStore.open({ table, file: stateFile, clock: this.#clock, log });
			}
			this.#begin(await this.#choose());
		} catch (thrown) {
			await this.stop();
			throw thrown;
		}
	}

	/** Nothing is distributed any more, and what was changed is kept. Idempotent. */
	async stop(): Promise<void> {
		this.#sync?.close();
		this.#sync = undefined;
		await this.#choice?.engine.stop();
		await this.#store?.close();
		this.#store = undefined;
		this.#candidates?.release();
	}

	/** Reads the file with rules again; a wrong one changes nothing. @throws PenstockError RULES_FILE */
	reload(): Promise<void> {
		const done = this.#reading.then(() => this.#configure());
		this.#reading = done.catch(() => undefined);
		return done;
	}

	/** After `start`. */
	get choice(): EngineChoice {
		return this.#choice!;
	}

	/** Of the engine that works now, or worked last. */
	get description(): EngineDescription {
		return this.#description!;
	}

	get state(): EngineState {
		return this.#state;
	}

	/** How often an engine was there again after it had gone. */
	get restarts(): number {
		return Math.max(0, this.#starts - 1);
	}

	/** Why packets are not distributed, or not as they should be; undefined where all is well. */
	get trouble(): string | undefined {
		const { state } = this;
		if (state.kind === "down" || state.kind === "ending") return clauseOf(state.error);
		const engine = this.#choice?.engine;
		const standIn = engine instanceof StandbyEngine ? engine.trouble : undefined;
		if (standIn === undefined) return undefined;
		return `${engine!.kind} stands in for the configured engine: ${standIn.replace(/\.$/, "")}`;
	}

	/** Why no packets are distributed at all. */
	get down(): string | undefined {
		return this.state.kind === "up" ? undefined : (this.trouble ?? this.state.kind);
	}

	/** Why the engine does not carry out a rule. */
	faultOf(rule: string): string | undefined {
		const { down } = this;
		return down === undefined ? this.#sync?.faultOf(rule) : `no engine is up: ${down}`;
	}

	/** All of them, by rule. */
	faults(): readonly { readonly rule: string; readonly text: string }[] {
		return this.table.names().flatMap((rule) => {
			const text = this.#sync?.faultOf(rule);
			return text === undefined ? [] : [{ rule, text }];
		});
	}

	/** Resolves when the engine has carried out, or refused, what was changed until now; or is not up. */
	async settled(): Promise<void> {
		await this.#sync?.settled();
	}

	/** Of all rules; or of one, with its receivers. */
	async stats(rule?: string): Promise<EngineStats> {
		if (this.state.kind !== "up") return NO_STATS;
		const query = rule === undefined ? {} : { names: [rule], receivers: true };
		return await this.choice.engine.stats(query).catch((thrown: unknown) => {
			this.#log.debug({ err: thrown }, "the engine tells no figures");
			return NO_STATS;
		});
	}

	async #choose(): Promise<EngineChoice> {
		const { config, clock, log, version } = this.#parts;
		const listener: EngineListener = { state: (state) => this.#enter(state), event: (event) => this.#event(event) };
		const { distributor } = config;
		if ("socket" in distributor) {
			const engine = foreignEngine(distributor.socket, clock);
			await engine.start(listener);
			const because = `the distributor at ${distributor.socket} (engine ${engine.kind}), as configured`;
			return { engine, kind: engine.kind, because, refused: [] };
		}
		const own = new DistributorLog(log.child({ component: "distributor" }));
		this.#candidates = engineCandidates(config, distributor, { clock, version, log: (line) => own.line(line) });
		return await chooseEngine(config.engine, this.#candidates.candidates, listener);
	}

	#begin(choice: EngineChoice): void {
		this.#choice = choice;
		this.#sync = new RuleSync({
			...{ table: this.table, engine: choice.engine, clock: this.#clock },
			onFault: (rule, text) => {
				if (text === undefined) this.#log.info({ rule }, "the engine carries out the rule again");
				else this.#log.warn({ rule }, `the engine does not carry out the rule: ${text}`);
			},
		});
		const { backend, instance } = this.description;
		const fields = { engine: choice.kind, backend, instance, rules: this.table.names().length };
		this.#log.info(fields, `packets are distributed by ${choice.because}`);
		if (this.state.kind === "up") this.#sync.engineUp();
	}

	#enter(state: EngineState): void {
		this.#state = state;
		switch (state.kind) {
			case "up":
				this.#starts++;
				this.#toldAway = undefined;
				this.#description = state.description;
				if (this.#sync === undefined) return;
				this.#log.info({ engine: state.description.engine, backend: state.description.backend }, "an engine is up");
				this.#sync.engineUp();
				return;
			case "ending":
			case "down":
				this.#sync?.engineDown();
				this.#tellAway(state.error);
				return;
			case "starting":
			case "stopped":
				this.#sync?.engineDown();
				return;
		}
	}

	/** Once for each reason, though it may be sought four times a second. */
	#tellAway(error: PenstockError): void {
		const text = clauseOf(error);
		if (this.#toldAway === text) return;
		this.#toldAway = text;
		this.#log.warn({ code: error.code }, `the engine is away: ${text}`);
	}

	#event(event: EngineEvent): void {
		switch (event.event) {
			case "lease.ended":
				// This process was held up for longer than a lease: what has gone is told afresh.
				this.#log.warn({ rules: event.rules.slice(0, 10) }, "rules ended, for nobody renewed them in time");
				if (this.state.kind === "up") this.#sync?.engineUp();
				return;
			case "fault":
				this.#log.error({ code: event.code }, event.text);
				return;
			case "capture.ended":
				this.#log.info({ rule: event.name, path: event.path, packets: event.packets }, "a capture is complete");
				return;
		}
	}

	async #configure(): Promise<void> {
		this.table.configure(await configuredRules(this.config, this.#clock));
	}
}

/** On SIGHUP: what is wrong is told, and nothing is changed then. */
export async function reloadRules(host: DistributionHost, log: Log): Promise<void> {
	try {
		await host.reload();
		log.info({ rules: host.table.names().length }, "the rules were read again");
	} catch (thrown) {
		log.error(`the rules stay as they are: ${messageOf(thrown)}`);
	}
}
