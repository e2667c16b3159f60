/**
 * A distributor in another process as an engine: started or only spoken to, watched over its control socket, and started
 * or sought again with back-off when it ends or falls silent. Its table is empty then; whoever listens to `up` fills it.
 */

import { rm } from "node:fs/promises";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import type { ChangeAnswer, EngineKind, EngineStats } from "../wire/distributor-answer.ts";
import { ControlClient } from "./control-client.ts";
import { type ChildSettings, type DistributorProcess, foreignProcess, startedProcess } from "./distributor-process.ts";
import type { CaptureOrder, DistributionEngine, EngineListener, EngineState, StatsQuery } from "./engine.ts";

/** From the start of the process to its answer; DPDK looks at the machine first. */
const START_TIMEOUT_MS = 10_000;
const CONNECT_AGAIN_AFTER_MS = 25;
/** Somebody else's distributor that has gone is sought so often; that costs one connect. */
const SEEK_EVERY_MS = 250;
const WATCH_EVERY_MS = 1000;
/** A distributor that does not answer for so long is killed. */
const SILENCE_MS = 2000;
/** From a wish to end to a signal, and from the signal to SIGKILL. */
const END_TIMEOUT_MS = 2000;

/** How long to wait before it is started again; the server's own, as for FFmpeg. */
export interface RestartDelays {
	failed(now: Milliseconds, healthyFor: Milliseconds): { readonly delay: number; readonly failing: boolean };
}

export interface NativeEngineParts {
	readonly kind: "dpdk" | "sockets";
	/** Of the control socket. That of a child lies in a directory that nobody else writes to. */
	readonly socketPath: string;
	readonly clock: Clock;
	/**
	 * The program, with arguments besides `--engine` and `--control`. Without it the distributor is somebody else's: it is
	 * never ended from here, and the rules that are left in it end with their lease.
	 */
	readonly child?: ChildSettings & { readonly restarts: RestartDelays };
}

/** One life of the process, or of the connection to somebody else's. */
interface Run {
	readonly process: DistributorProcess;
	client?: ControlClient;
}

export class NativeEngine implements DistributionEngine {
	readonly #parts: NativeEngineParts;
	#state: EngineState = { kind: "stopped" };
	#listener: EngineListener | undefined;
	#run: Run | undefined;
	#upSince: Milliseconds | undefined;
	#timer: Timer | undefined;
	/** One per start(): aborted by stop(), and so the mark of everything that is out of date. */
	#session: AbortController | undefined;
	#launching: Promise<void> = Promise.resolve();

	constructor(parts: NativeEngineParts) {
		this.#parts = parts;
	}

	get kind(): EngineKind {
		return this.#run?.client?.description.engine ?? this.#parts.kind;
	}

	get state(): EngineState {
		return this.#state;
	}

	/** Of the child that runs now. */
	get pid(): number | undefined {
		return this.#run?.process.pid;
	}

	/** @throws PenstockError DISTRIBUTOR_MISSING, DISTRIBUTOR_EXITED, DISTRIBUTOR_UNREACHABLE, DISTRIBUTOR_PROTOCOL */
	async start(listener: EngineListener): Promise<void> {
		this.#listener = listener;
		const session = new AbortController();
		this.#session = session;
		this.#enter({ kind: "starting" });
		this.#launching = this.#launch(session.signal);
		try {
			await this.#launching;
		} catch (thrown) {
			this.#session = undefined;
			session.abort();
			this.#enter({ kind: "stopped" });
			throw thrown;
		}
	}

	async stop(): Promise<void> {
		this.#session?.abort();
		this.#session = undefined;
		this.#timer?.cancel();
		if (this.#run !== undefined) await this.#end(this.#run);
		await this.#launching.catch(() => undefined);
		if (this.#state.kind !== "stopped") this.#enter({ kind: "stopped" });
	}

	apply(changes: readonly ChangeRequest[]): Promise<readonly ChangeAnswer[]> {
		return this.#withClient((client) => client.apply(changes));
	}

	generations(): Promise<ReadonlyMap<string, number>> {
		return this.#withClient((client) => client.generations());
	}

	lease(leaseMs: number): Promise<void> {
		return this.#withClient((client) => client.lease(leaseMs));
	}

	stats(query: StatsQuery): Promise<EngineStats> {
		return this.#withClient((client) => client.stats(query));
	}

	capture(order: CaptureOrder): Promise<void> {
		return this.#withClient((client) => client.capture(order));
	}

	/** For messages. */
	get #who(): string {
		return this.#parts.child?.command ?? `the distributor at ${this.#parts.socketPath}`;
	}

	#withClient<Result>(use: (client: ControlClient) => Promise<Result>): Promise<Result> {
		const client = this.#run?.client;
		if (client !== undefined && this.#state.kind === "up") return use(client);
		return Promise.reject(new PenstockError("DISTRIBUTOR_UNREACHABLE", `${this.#who} is not up.`));
	}

	#enter(state: EngineState): void {
		this.#state = state;
		this.#listener?.state(state);
	}

	/** Resolves when it is up. */
	async #launch(signal: AbortSignal): Promise<void> {
		const { child, kind, socketPath, clock } = this.#parts;
		if (child !== undefined) await rm(socketPath, { force: true });
		if (signal.aborted) return;
		const more = ["--engine", kind, "--control", socketPath, ...(child?.arguments ?? [])];
		const run: Run = {
			process: child === undefined ? foreignProcess() : startedProcess({ ...child, arguments: more }),
		};
		this.#run = run;
		try {
			run.client = await this.#answering(run, signal);
		} catch (thrown) {
			run.process.kill("SIGKILL");
			if (child !== undefined) await run.process.ended;
			if (this.#run === run) this.#run = undefined;
			throw thrown;
		}
		void run.process.ended.then((how) => this.#fell(run, signal, this.#exited(run, how)));
		this.#upSince = clock.now();
		this.#watch(run, signal);
		this.#enter({ kind: "up", description: run.client.description });
	}

	/** The connection to a process that was just started, or to somebody else's. */
	async #answering(run: Run, signal: AbortSignal): Promise<ControlClient> {
		const { clock, socketPath, child } = this.#parts;
		const deadline = clock.now() + START_TIMEOUT_MS;
		let exit: string | undefined;
		void run.process.ended.then((how) => (exit = how));
		for (;;) {
			try {
				return await ControlClient.connect({
					path: socketPath,
					clock,
					controller: `penstock ${process.pid}`,
					onEvent: (event) => this.#listener?.event(event),
					onLost: (error) => this.#fell(run, signal, error),
				});
			} catch (thrown) {
				const away = thrown instanceof PenstockError && thrown.code === "DISTRIBUTOR_UNREACHABLE";
				if (!away || child === undefined) throw thrown;
				if (run.process.pid === undefined) throw this.#missing(await run.process.ended);
				if (exit !== undefined) throw this.#exited(run, exit);
				if (signal.aborted || clock.now() >= deadline) {
					const text = `${this.#who} has not answered within ${START_TIMEOUT_MS} ms: ${run.process.complaint}.`;
					throw new PenstockError("DISTRIBUTOR_UNREACHABLE", text, { cause: thrown });
				}
			}
			await new Promise<void>((resolve) => void clock.after(CONNECT_AGAIN_AFTER_MS, resolve));
		}
	}

	#missing(how: string): PenstockError {
		const text = `${this.#who} cannot be run (${how}); build it with "make distributor".`;
		return new PenstockError("DISTRIBUTOR_MISSING", text);
	}

	#exited(run: Run, how: string): PenstockError {
		return new PenstockError("DISTRIBUTOR_EXITED", `${this.#who} ended with ${how}: ${run.process.complaint}.`);
	}

	/** Looks again and again whether it still answers; a request without an answer ends the connection. */
	#watch(run: Run, signal: AbortSignal): void {
		this.#timer = this.#parts.clock.after(WATCH_EVERY_MS, () => {
			if (signal.aborted || this.#run !== run) return;
			run.client?.request({ do: "rule.list", names: [] }, SILENCE_MS).then(
				() => {
					if (!signal.aborted && this.#run === run) this.#watch(run, signal);
				},
				() => undefined,
			);
		});
	}

	/** A run that was up is over, or must be. */
	#fell(run: Run, signal: AbortSignal, error: PenstockError): void {
		if (this.#run !== run || run.client === undefined || signal.aborted) return;
		this.#run = undefined;
		this.#timer?.cancel();
		run.client.close();
		run.process.kill("SIGKILL");
		const now = this.#parts.clock.now();
		const healthyFor = milliseconds(now - (this.#upSince ?? now));
		// The old process must be gone before anybody else takes its ports.
		this.#enter({ kind: "ending", error });
		const gone = this.#parts.child === undefined ? Promise.resolve(true) : this.#endsSoon(run.process);
		void gone.then(() => {
			if (!signal.aborted) this.#again(error, healthyFor, signal);
		});
	}

	#again(error: PenstockError, healthyFor: Milliseconds, signal: AbortSignal): void {
		const { clock, child } = this.#parts;
		const sought = { delay: SEEK_EVERY_MS, failing: false };
		const { delay, failing } = child?.restarts.failed(clock.now(), healthyFor) ?? sought;
		this.#timer = clock.after(delay, () => {
			this.#launching = this.#launch(signal);
			this.#launching.catch((thrown: unknown) => {
				if (signal.aborted) return;
				const wrapped = new PenstockError("DISTRIBUTOR_EXITED", messageOf(thrown), { cause: thrown });
				const why = thrown instanceof PenstockError ? thrown : wrapped;
				this.#again(why, milliseconds(0), signal);
			});
		});
		this.#enter({ kind: "down", error, failing });
	}

	/** Asks a child to end, then tells it, then makes it; of somebody else's it takes leave. */
	async #end(run: Run): Promise<void> {
		const { client, process } = run;
		if (this.#parts.child === undefined) {
			client?.close();
			return;
		}
		client?.request({ do: "quit" }).catch(() => undefined);
		const quit = client !== undefined && (await this.#endsSoon(process));
		client?.close();
		if (quit) return;
		process.kill("SIGTERM");
		if (await this.#endsSoon(process)) return;
		process.kill("SIGKILL");
		await process.ended;
	}

	async #endsSoon(process: DistributorProcess): Promise<boolean> {
		let timer: Timer | undefined;
		const late = new Promise<boolean>((resolve) => {
			timer = this.#parts.clock.after(END_TIMEOUT_MS, () => resolve(false));
		});
		const gone = await Promise.race([process.ended.then(() => true), late]);
		timer?.cancel();
		return gone;
	}
}
