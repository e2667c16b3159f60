/** The API, asked from a page of its own origin. */
import type { Clock } from "../base/clock.ts";

const TIMEOUT_MS = 5_000;

/** The API did not answer, or not with what was asked for. */
export class ApiProblem extends Error {
	/** Absent: there was no answer. */
	readonly status: number | undefined;

	constructor(message: string, status?: number, options?: ErrorOptions) {
		super(message, options);
		this.name = "ApiProblem";
		this.status = status;
	}
}

export class ApiClient {
	readonly #clock: Clock;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** @throws ApiProblem; what `signal` gives as its reason, when it aborts */
	get<Answer>(path: string, signal: AbortSignal): Promise<Answer> {
		return this.#ask<Answer>("GET", path, undefined, signal);
	}

	/** @throws ApiProblem */
	put<Answer>(path: string, body: unknown): Promise<Answer> {
		return this.#ask<Answer>("PUT", path, body);
	}

	/** @throws ApiProblem */
	patch<Answer>(path: string, body: unknown): Promise<Answer> {
		return this.#ask<Answer>("PATCH", path, body);
	}

	/** @throws ApiProblem */
	delete(path: string): Promise<void> {
		return this.#ask<void>("DELETE", path);
	}

	async #ask<Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
		const timeout = new AbortController();
		const timer = this.#clock.after(TIMEOUT_MS, () => timeout.abort());
		try {
			const response = await fetch(`/api/v1/${path}`, {
				method,
				signal: signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]),
				...(body !== undefined && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
			});
			if (!response.ok) throw new ApiProblem(await wordsOf(response), response.status);
			return (response.status === 204 ? undefined : await response.json()) as Answer;
		} catch (error) {
			if (error instanceof ApiProblem || signal?.aborted) throw error;
			const why = timeout.signal.aborted ? `within ${TIMEOUT_MS / 1000} s` : "at all";
			throw new ApiProblem(`The API does not answer ${why}.`, undefined, { cause: error });
		} finally {
			timer.cancel();
		}
	}
}

/** What the server says of its refusal. */
async function wordsOf(response: Response): Promise<string> {
	const body = (await response.json().catch(() => undefined)) as { error?: { message?: unknown } } | undefined;
	const message = body?.error?.message;
	return typeof message === "string" ? message : `The API answers ${response.status} ${response.statusText}.`;
}
