/**
 * Two engines as one: the first does the work, and while it is away the second does. Where the first takes packets off
 * the port before the kernel sees them, they reach the kernel's sockets again in the moment in which it dies, and so the
 * second. Only one of the two ever has rules: nothing is sent twice. (So the first is a child of this process, which is
 * killed before it is `ending`, and nobody else's.)
 */
import type { ChangeRequest } from "../wire/distributor.ts";
import type { ChangeAnswer, EngineKind, EngineStats } from "../wire/distributor-answer.ts";
import type { CaptureOrder, DistributionEngine, EngineListener, EngineState, StatsQuery } from "./engine.ts";

export class StandbyEngine implements DistributionEngine {
	readonly #first: DistributionEngine;
	readonly #second: DistributionEngine;
	#active: DistributionEngine;
	#state: EngineState = { kind: "stopped" };
	#listener: EngineListener | undefined;
	/** Changes of place follow each other. */
	#moving: Promise<void> = Promise.resolve();
	#running = false;

	constructor(first: DistributionEngine, second: DistributionEngine) {
		this.#first = first;
		this.#second = second;
		this.#active = first;
	}

	/** Of the one that works now. */
	get kind(): EngineKind {
		return this.#active.kind;
	}

	get state(): EngineState {
		return this.#state;
	}

	/** Why the first does not work now; undefined where it does. */
	get trouble(): string | undefined {
		const { state } = this.#first;
		return state.kind === "down" || state.kind === "ending" ? state.error.message : undefined;
	}

	/** @throws PenstockError where the first cannot work here at all */
	async start(listener: EngineListener): Promise<void> {
		this.#listener = listener;
		this.#running = true;
		const event: EngineListener["event"] = (told) => this.#listener?.event(told);
		try {
			await this.#first.start({ state: (state) => this.#move(state), event });
		} catch (thrown) {
			this.#running = false;
			throw thrown;
		}
		await this.#moving;
	}

	async stop(): Promise<void> {
		this.#running = false;
		await this.#first.stop();
		await this.#moving;
		await this.#second.stop();
		this.#enter({ kind: "stopped" });
		this.#listener = undefined;
	}

	apply(changes: readonly ChangeRequest[]): Promise<readonly ChangeAnswer[]> {
		return this.#active.apply(changes);
	}

	generations(): Promise<ReadonlyMap<string, number>> {
		return this.#active.generations();
	}

	lease(leaseMs: number): Promise<void> {
		return this.#active.lease(leaseMs);
	}

	stats(query: StatsQuery): Promise<EngineStats> {
		return this.#active.stats(query);
	}

	capture(order: CaptureOrder): Promise<void> {
		return this.#active.capture(order);
	}

	/** After a change of the first's state. */
	#move(state: EngineState): void {
		if (!this.#running) return;
		if (state.kind === "up") this.#then(() => this.#toFirst(state));
		else if (state.kind === "down" || state.kind === "ending") this.#then(() => this.#toSecond(state));
		else this.#then(async () => this.#enter(state));
	}

	#then(work: () => Promise<void>): void {
		this.#moving = this.#moving.then(work);
	}

	/** The second ends before the first gets its rules. */
	async #toFirst(state: EngineState): Promise<void> {
		if (this.#active === this.#second) await this.#second.stop();
		this.#active = this.#first;
		// It may have gone again meanwhile; that is the next move then.
		if (this.#running && this.#first.state.kind === "up") this.#enter(state);
	}

	/** At once when the first is ending: it has been killed, and to take its memory apart takes a kernel a while. */
	async #toSecond(state: EngineState): Promise<void> {
		if (!this.#running || this.#first.state.kind === "up") return;
		if (this.#active === this.#second) {
			if (this.#second.state.kind === "stopped") this.#enter(state);
			return;
		}
		this.#enter(state);
		this.#active = this.#second;
		const event: EngineListener["event"] = (told) => this.#listener?.event(told);
		const own = (told: EngineState): void => {
			if (this.#active === this.#second && told.kind !== "stopped") this.#enter(told);
		};
		await this.#second.start({ state: own, event }).catch(() => undefined);
	}

	#enter(state: EngineState): void {
		this.#state = state;
		this.#listener?.state(state);
	}
}
