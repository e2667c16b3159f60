/**
 * The distribution plane as the server has it (rule table, sync, an engine and its supervision) with the engine in a
 * network of its own.
 */
import { join } from "node:path";
import type { DistributionEngine, EngineState } from "../../../src/distribution/engine.ts";
import { NativeEngine } from "../../../src/distribution/native-engine.ts";
import { DEFAULT_LIMITS } from "../../../src/distribution/rule-limits.ts";
import { RuleSync } from "../../../src/distribution/rule-sync.ts";
import { RuleTable } from "../../../src/distribution/rule-table.ts";
import { Backoff } from "../../../src/ladder/backoff.ts";
import { endWithProcess } from "../../../src/ladder/end-with-process.ts";
import { nodeClock } from "../../../src/server/node-time.ts";
import type { EngineDescription, EngineEvent, ReceiverStats } from "../../../src/wire/distributor-answer.ts";
import { eventually } from "../eventually.ts";
import { makeTempDir } from "../temp-dir.ts";
import { distributorIn } from "./distributor-program.ts";
import { type LanSide, PORT_DEVICE } from "./lan.ts";

/** Engines, and of DPDK its backends, that work on a machine's own port. */
export const CONTENDERS = ["node", "sockets", "af_xdp", "af_packet"] as const;
export type Contender = (typeof CONTENDERS)[number];

const clock = nodeClock();

/** Of the command line, beside what supervision gives. */
export const argumentsOf = (contender: Contender): readonly string[] =>
	contender === "node" || contender === "sockets"
		? []
		: ["--backend", contender, "--interface", PORT_DEVICE, "--no-huge-pages"];

export interface EngineOrder {
	readonly kind: "dpdk" | "sockets";
	/** Whose network it has; this process's where it is left out. */
	readonly side?: LanSide;
	readonly inNode?: boolean;
	readonly arguments?: readonly string[];
	/** Words in front of its command line. */
	readonly through?: readonly string[];
	/** Another program than the distributor. */
	readonly program?: string;
}

/** Not started yet. */
export function engineFor(order: EngineOrder, log: (line: string) => void = () => undefined): NativeEngine {
	// Another user may be told to run it.
	const directory = makeTempDir("distributor", 0o777);
	return new NativeEngine({
		kind: order.kind,
		socketPath: join(directory, "control.sock"),
		clock,
		child: {
			restarts: new Backoff(Math.random),
			command: order.program ?? distributorIn({ directory, ...order }),
			arguments: order.arguments ?? [],
			reap: endWithProcess,
			log,
		},
	});
}

export const engineOf = (contender: Contender, side: LanSide, log?: (line: string) => void): NativeEngine =>
	engineFor(
		{
			kind: contender === "node" || contender === "sockets" ? "sockets" : "dpdk",
			...{ side, inNode: contender === "node", arguments: argumentsOf(contender) },
		},
		log,
	);

export class Distribution<Engine extends DistributionEngine = DistributionEngine> {
	readonly table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
	readonly engine: Engine;
	readonly events: EngineEvent[] = [];
	/** Every state that the engine has entered, with the time of it by `performance.now()`. */
	readonly states: { readonly state: EngineState; readonly at: number }[] = [];
	readonly #sync: RuleSync;

	constructor(engine: Engine) {
		this.engine = engine;
		this.#sync = new RuleSync({ table: this.table, engine, clock, onFault: () => undefined });
	}

	static async start<Engine extends DistributionEngine>(engine: Engine): Promise<Distribution<Engine>> {
		const distribution = new Distribution(engine);
		await engine.start(distribution.listener);
		return distribution;
	}

	readonly listener = {
		state: (state: EngineState): void => {
			this.states.push({ state, at: performance.now() });
			if (state.kind === "up") this.#sync.engineUp();
			else this.#sync.engineDown();
		},
		event: (event: EngineEvent): void => void this.events.push(event),
	};

	get description(): EngineDescription {
		const { state } = this.engine;
		if (state.kind !== "up") throw new Error(`the engine is ${state.kind}.`);
		return state.description;
	}

	/** Resolves when the engine has carried out what the table tells. */
	settled(): Promise<void> {
		return this.#sync.settled();
	}

	/** Puts a rule and waits until it works: the engine has it, and knows the way to each receiver. */
	async put(draft: { readonly name: string; readonly [key: string]: unknown }): Promise<void> {
		this.table.put(draft);
		await this.settled();
		const fault = this.#sync.faultOf(draft.name);
		if (fault !== undefined) throw new Error(`rule ${draft.name}: ${fault}`);
		await this.ready(draft.name);
	}

	/** Puts a rule that the engine refuses. @returns why */
	async refused(draft: { readonly name: string; readonly [key: string]: unknown }): Promise<string | undefined> {
		this.table.put(draft);
		await this.settled();
		const fault = this.#sync.faultOf(draft.name);
		await this.drop(draft.name);
		return fault;
	}

	async drop(name: string): Promise<void> {
		this.table.delete(name);
		await this.settled();
	}

	/** Resolves when the way to each receiver of the rule is known. */
	async ready(name: string): Promise<void> {
		await eventually(async () => {
			const unresolved = (await this.receivers(name)).filter(({ state }) => state !== "ready");
			if (unresolved.length > 0) throw new Error(`no way to ${unresolved.map(({ address }) => address).join(", ")}`);
		}, 5000);
	}

	async receivers(name: string): Promise<readonly ReceiverStats[]> {
		const { rules } = await this.engine.stats({ names: [name], receivers: true });
		return rules[0]?.receivers ?? [];
	}

	async stop(): Promise<void> {
		this.#sync.close();
		await this.engine.stop();
	}
}
