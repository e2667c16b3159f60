/** A process that loads the server, in a network of its own: it answers every order with one message. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onCleanup } from "../../test/kit/cleanup.ts";
import type { LoadOrder, LoadSettings } from "./order.ts";

export class LoadProcess<Answer> {
	readonly #child: ChildProcess;
	readonly #ended: Promise<string>;

	/** Use `LoadProcess.start`. */
	private constructor(child: ChildProcess, script: string) {
		this.#child = child;
		const forget = onCleanup(() => child.kill());
		this.#ended = once(child, "exit").then(([code, signal]) => {
			forget();
			return `${script} ended with ${code ?? signal}`;
		});
	}

	/**
	 * @param under the command that starts it, such as `ip netns exec NAME`
	 * @returns when it has answered that all of its sessions are there
	 */
	static async start<Answer>(
		script: string,
		settings: LoadSettings,
		under: readonly [string, ...string[]],
	): Promise<LoadProcess<Answer>> {
		const [execPath, ...more] = under;
		const path = fileURLToPath(new URL(script, import.meta.url));
		const child = fork(path, [JSON.stringify(settings)], { execPath, execArgv: [...more, process.execPath] });
		const started = new LoadProcess<Answer>(child, script);
		await started.#answer();
		return started;
	}

	order(order: LoadOrder): Promise<Answer> {
		const answer = this.#answer();
		this.#child.send(order);
		return answer;
	}

	async stop(): Promise<void> {
		this.#child.send({ do: "stop" } satisfies LoadOrder);
		await this.#ended;
	}

	/** @throws Error when the process has ended, or ends; it has said why on stderr */
	async #answer(): Promise<Answer> {
		const waiting = new AbortController();
		try {
			const answer = await Promise.race([once(this.#child, "message", { signal: waiting.signal }), this.#ended]);
			if (typeof answer === "string") throw new Error(answer);
			return answer[0] as Answer;
		} finally {
			waiting.abort();
		}
	}
}
