/** One of our engines in a process of its own, in whatever network its command line puts it. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onCleanup } from "../../test/kit/cleanup.ts";
import type { EngineFigures, EngineOrder, EngineSettings } from "./engine-order.ts";
import { RECEIVER_PORT, receiverAddress } from "./field.ts";

const SCRIPT = fileURLToPath(new URL("engine-process.ts", import.meta.url));

export class OurEngine {
	readonly #child: ChildProcess;
	readonly #ended: Promise<string>;
	#pid = 0;

	/** Use `OurEngine.start`. */
	private constructor(child: ChildProcess) {
		this.#child = child;
		const forget = onCleanup(() => child.kill());
		this.#ended = once(child, "exit").then(([code, signal]) => {
			forget();
			return `the process with the engine ended with ${code ?? signal}`;
		});
	}

	/** @param under the command that starts it, such as `ip netns exec NAME`; none: this network */
	static async start(settings: EngineSettings, under: readonly string[] = []): Promise<OurEngine> {
		const [execPath = process.execPath, ...more] = under;
		const execArgv = under.length === 0 ? [] : [...more, process.execPath];
		const engine = new OurEngine(fork(SCRIPT, [JSON.stringify(settings)], { execPath, execArgv }));
		engine.#pid = (await engine.#answer()).pid;
		return engine;
	}

	/** Of the process that forwards. */
	get pid(): number {
		return this.#pid;
	}

	/** Sends the flow to so many receivers from now on. */
	async receivers(count: number): Promise<void> {
		const receivers = Array.from({ length: count }, (_, at) => ({ address: receiverAddress(at), port: RECEIVER_PORT }));
		await this.#order({ do: "receivers", receivers });
	}

	figures(): Promise<EngineFigures> {
		return this.#order({ do: "figures" });
	}

	async stop(): Promise<void> {
		this.#child.send({ do: "stop" } satisfies EngineOrder);
		await this.#ended;
	}

	#order(order: EngineOrder): Promise<EngineFigures> {
		const answer = this.#answer();
		this.#child.send(order);
		return answer;
	}

	/** @throws Error when the process has ended, or ends; it has said why on stderr */
	async #answer(): Promise<EngineFigures> {
		const waiting = new AbortController();
		try {
			const answer = await Promise.race([once(this.#child, "message", { signal: waiting.signal }), this.#ended]);
			if (typeof answer === "string") throw new Error(answer);
			return answer[0] as EngineFigures;
		} finally {
			waiting.abort();
		}
	}
}
