/** Asks the API of a running Penstock. What it refuses is thrown as it says it. */
import { ERROR_CODES, type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";

const TIMEOUT_MS = 10_000;

export interface Call {
	readonly method?: "GET" | "PUT" | "PATCH" | "DELETE";
	/** Below the API's address. */
	readonly path: string;
	readonly body?: object;
	readonly headers?: Readonly<Record<string, string>>;
}

export class ApiCaller {
	readonly #base: URL;
	readonly #token: string | undefined;

	/** @param token where the API asks for one */
	constructor(base: URL, token?: string) {
		this.#base = base;
		this.#token = token;
	}

	/** @throws PenstockError API_UNREACHABLE, or what the API answers with */
	async call<Answer>({ method = "GET", path, body, headers = {} }: Call): Promise<Answer> {
		let status: number;
		let text: string;
		try {
			const response = await fetch(new URL(path, this.#base), {
				method,
				redirect: "error",
				headers: {
					...headers,
					...this.#authorization(),
					...(body !== undefined && { "Content-Type": "application/json" }),
				},
				...(body !== undefined && { body: JSON.stringify(body) }),
				signal: AbortSignal.timeout(TIMEOUT_MS),
			});
			status = response.status;
			text = await response.text();
		} catch (thrown) {
			throw this.#unreachable(`cannot be reached (${reasonOf(thrown)})`, thrown);
		}
		if (status === 204) return undefined as Answer;
		const answer = this.#read(text, status);
		if (status < 300) return answer as Answer;
		throw this.#refusal(answer, status);
	}

	#authorization(): Readonly<Record<string, string>> {
		return this.#token === undefined ? {} : { Authorization: `Bearer ${this.#token}` };
	}

	#read(text: string, status: number): unknown {
		try {
			return JSON.parse(text);
		} catch {
			throw this.#unreachable(`answers ${status} and no JSON: it is not that of a Penstock`);
		}
	}

	#refusal(answer: unknown, status: number): PenstockError {
		const { error } = (answer ?? {}) as { readonly error?: { readonly code?: unknown; readonly message?: unknown } };
		const { code, message } = error ?? {};
		if (typeof code !== "string" || typeof message !== "string" || !Object.hasOwn(ERROR_CODES, code)) {
			return this.#unreachable(`answers ${status} in no form that is known here`);
		}
		return new PenstockError(code as ErrorCode, message.replace(`${code}: `, ""));
	}

	#unreachable(why: string, cause?: unknown): PenstockError {
		const where = this.#base.origin;
		const text = `the API at ${where} ${why}; start penstock serve or distribute, or name another with --api.`;
		return new PenstockError("API_UNREACHABLE", text, { cause });
	}
}

/** fetch() itself says nothing but that it failed. */
function reasonOf(thrown: unknown): string {
	if (!(thrown instanceof Error)) return String(thrown);
	if (thrown.name === "TimeoutError") return `no answer within ${TIMEOUT_MS} ms`;
	const { cause } = thrown;
	if (!(cause instanceof Error)) return thrown.message;
	const code = "code" in cause ? String(cause.code) : "";
	return code === "" ? messageOf(cause) : code;
}
