/**
 * The API's token: whoever shows it may do everything that the API can. It comes as `Authorization: Bearer TOKEN` from
 * programs, or as the password of any user (RFC 7617) from browsers, which ask for it themselves. Who guesses is held
 * back (SEC20), and the same wrong one again is no new guess: a page that goes on asking locks nobody out.
 */
import { GuessLimit } from "../access/guess-limit.ts";
import { sourceOf } from "../access/ip-address.ts";
import { Recent } from "../access/recent.ts";
import { digestOf, type Secret } from "../access/secret.ts";
import { readSecret } from "../access/secret-source.ts";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { ApiLoginConfig } from "./config-api.ts";

const LEAST_BYTES = 16;
const LONGEST = 1024;
const MOST_WRONG = 1000;

export class ApiLogin {
	#token: Secret;
	readonly #guesses: GuessLimit;
	/** By what was shown; who showed it is another matter. */
	#wrong = new Recent<true>(MOST_WRONG);

	private constructor(token: Secret, clock: Clock) {
		this.#token = token;
		this.#guesses = new GuessLimit(clock);
	}

	/**
	 * The token is read, or made where there is none yet.
	 * @throws PenstockError ACCESS_SECRET
	 */
	static async open(config: ApiLoginConfig, clock: Clock): Promise<ApiLogin> {
		return new ApiLogin(await readToken(config), clock);
	}

	/**
	 * From now on this token is the right one.
	 * @throws PenstockError ACCESS_SECRET; then the one before still is
	 */
	async reload(config: ApiLoginConfig): Promise<void> {
		this.#token = await readToken(config);
		this.#wrong = new Recent(MOST_WRONG);
	}

	/**
	 * @param authorization the header field
	 * @throws PenstockError API_CREDENTIALS, API_RATE
	 */
	check(authorization: string | undefined, address: string): void {
		const source = sourceOf(address);
		const waitMs = this.#guesses.waitOf(source);
		if (waitMs > 0) {
			const text = `there were too many wrong tokens; try again in ${Math.ceil(waitMs / 1000)} s.`;
			throw new PenstockError("API_RATE", text);
		}
		const shown = tokenIn(authorization);
		if (shown === undefined) {
			const how = 'send "Authorization: Bearer TOKEN", or the token as password of any user';
			throw new PenstockError("API_CREDENTIALS", `the API wants its token; ${how}.`);
		}
		const key = digestOf(shown).toString("base64url");
		const known = this.#wrong.get(key) !== undefined;
		if (!known && this.#token.matches(shown)) return;
		if (!known) this.#guesses.failed(source);
		this.#wrong.set(key, true);
		throw new PenstockError("API_CREDENTIALS", "what was shown is not the API's token.");
	}
}

/** In the folder for secrets, where the configuration has no token. */
export const TOKEN_FILE = "api-token";

async function readToken({ source, secretsFolder: folder }: ApiLoginConfig): Promise<Secret> {
	const token = await readSecret(source, TOKEN_FILE, { folder, environment: process.env });
	const { length } = Buffer.from(token.reveal());
	if (length >= LEAST_BYTES) return token;
	const text = `api.token has ${length} bytes but must have at least ${LEAST_BYTES}; "openssl rand -base64 32" makes a good one.`;
	throw new PenstockError("ACCESS_SECRET", text);
}

function tokenIn(authorization = ""): string | undefined {
	const match = /^(Basic|Bearer) +([A-Za-z0-9._~+/=-]+)$/i.exec(authorization);
	if (match === null || authorization.length > LONGEST) return undefined;
	const token = match[2]!;
	if (match[1]!.toLowerCase() === "bearer") return token;
	const text = Buffer.from(token, "base64").toString();
	const colon = text.indexOf(":");
	return colon < 0 || colon === text.length - 1 ? undefined : text.slice(colon + 1);
}
