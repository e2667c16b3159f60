/**
 * Credentials in front of the gate (SEC4, SEC15, SEC20). Digest is judged here, and who guesses at it held back, since no
 * password comes with it; then it, and all else that a client brings (a token in the URL, Bearer, Basic), is put to the
 * one gate of all protocols, which knows who may do what. An answer holds for one connection, verb and stream.
 */
import type { Clock } from "../base/clock.ts";
import { type ErrorCode, PenstockError } from "../base/errors.ts";
import type { AccessGate, AccessRequest, Verb } from "../wire/access.ts";
import { type AuthField, type AuthParameter, readAuth, writeAuth } from "../wire/rtsp-auth.ts";
import type { RtspRequest, WrittenHeader } from "../wire/rtsp-message.ts";
import { type RtspTarget, readTarget } from "../wire/rtsp-target.ts";
import { type DigestAlgorithm, digestAlgorithm, digestResponse, sameSecret } from "./digest.ts";
import { FailureThrottle } from "./failure-throttle.ts";
import { Nonces, type NonceVerdict } from "./nonces.ts";

/** Digest never shows a password, so that whoever judges it must know it. */
export interface DigestSecrets {
	/** Undefined where there is no such user. */
	passwordOf(user: string): Promise<string | undefined>;
}

export interface AuthenticatorParts {
	readonly gate: AccessGate;
	readonly clock: Clock;
	readonly realm: string;
	/** Without it no Digest is offered. */
	readonly secrets?: DigestSecrets;
	/** Basic sends the password: for connections with TLS, and for those who know what they do. */
	readonly basic: boolean;
}

export type AuthVerdict =
	| {
			readonly kind: "granted";
			readonly principal: string;
			/** Wall clock, ms. */
			readonly until?: number;
			/** What was asked: to ask again when it is over. */
			readonly request: AccessRequest;
	  }
	/** 401: what would do. */
	| { readonly kind: "challenge"; readonly error: PenstockError; readonly headers: readonly WrittenHeader[] }
	/** No password would help. */
	| { readonly kind: "refused"; readonly error: PenstockError };

type Credentials = AccessRequest["credentials"];
type Judged =
	| { readonly kind: "credentials"; readonly credentials: Credentials; readonly proven: boolean }
	| { readonly kind: "stale" }
	| { readonly kind: "wrong" }
	/** Not looked at. */
	| { readonly kind: "held" };

/** By preference (RFC 7616, 3.7). The last is MD5: some take the last that they find, and know no other. */
const ALGORITHMS: readonly DigestAlgorithm[] = ["SHA-256", "MD5"];
/** What the gate says where other credentials would not be looked at, or change nothing. */
const FINAL: ReadonlySet<ErrorCode> = new Set(["ACCESS_AWAY", "ACCESS_HOOK", "ACCESS_RATE", "ACCESS_REPLAYED"]);
const LONGEST_USER = 256;
/** As long as it takes with a user that there is. */
const NOBODY = "nobody's password";

export class Authenticator {
	readonly parts: AuthenticatorParts;
	readonly throttle: FailureThrottle;

	constructor(parts: AuthenticatorParts) {
		this.parts = parts;
		this.throttle = new FailureThrottle(parts.clock);
	}

	open(address: string): ConnectionAuth {
		return new ConnectionAuth(this, address);
	}
}

/** Of one connection: its nonces, and how often it was wrong. */
export class ConnectionAuth {
	readonly #owner: Authenticator;
	readonly #address: string;
	readonly #nonces: Nonces;

	/** Use `Authenticator.open`. */
	constructor(owner: Authenticator, address: string) {
		this.#owner = owner;
		this.#address = address;
		this.#nonces = new Nonces(owner.parts.clock);
	}

	/** @param query of the URL, without a track's control */
	async ask(message: RtspRequest, verb: Verb, target: RtspTarget, query: string): Promise<AuthVerdict> {
		const field = message.headers.get("authorization");
		const brings = field !== undefined || query !== "";
		const judged = await this.#judge(message, target, field);
		if (judged.kind === "held") return { kind: "refused", error: tooMany(this.#address) };
		if (judged.kind === "wrong") return this.#challenge(target, false, "the credentials are wrong");
		if (judged.kind === "stale") return this.#challenge(target, true, "the nonce is too old or was used before");
		const { app, stream } = target;
		const credentials = { ...judged.credentials, ...(query !== "" && { query: new URLSearchParams(query) }) };
		const request: AccessRequest = { verb, app, stream, protocol: "rtsp", address: this.#address, credentials };
		const answer = await this.#owner.parts.gate.ask(request);
		if (answer.kind === "granted") {
			const { principal, until } = answer;
			return { kind: "granted", principal, request, ...(until !== undefined && { until }) };
		}
		// Who has shown who he is needs no other password, and some refusals none would change.
		if (judged.proven || !this.#offersAny || FINAL.has(answer.error.code))
			return { kind: "refused", error: answer.error };
		return this.#challenge(target, false, brings ? "the credentials are wrong" : "it needs user and password");
	}

	get #offersAny(): boolean {
		const { secrets, basic } = this.#owner.parts;
		return secrets !== undefined || basic;
	}

	async #judge(message: RtspRequest, target: RtspTarget, text: string | undefined): Promise<Judged> {
		if (text === undefined) return { kind: "credentials", credentials: {}, proven: false };
		const field = readAuth(text);
		switch (field?.scheme) {
			case "bearer":
				if (field.token === undefined) return { kind: "wrong" };
				return { kind: "credentials", credentials: { bearer: field.token }, proven: false };
			case "basic":
				return this.#owner.parts.basic ? basicCredentials(field) : { kind: "wrong" };
			case "digest":
				return await this.#judgeDigest(message, target, field);
			default:
				return { kind: "wrong" };
		}
	}

	async #judgeDigest(message: RtspRequest, target: RtspTarget, { parameters }: AuthField): Promise<Judged> {
		const { throttle, parts } = this.#owner;
		const { secrets, realm } = parts;
		const of = (name: string): string => parameters.get(name) ?? "";
		const algorithm = digestAlgorithm(parameters.get("algorithm"));
		const [user, nonce, uri, nc, cnonce] = [of("username"), of("nonce"), of("uri"), of("nc"), of("cnonce")];
		const isCounted = parameters.has("qop");
		const isWhole = !isCounted || (of("qop") === "auth" && /^[0-9a-f]{8}$/i.test(nc) && cnonce !== "");
		if (secrets === undefined || algorithm === undefined || !isWhole) return { kind: "wrong" };
		if (of("realm") !== realm || user.length > LONGEST_USER || !isOf(target, uri)) return { kind: "wrong" };
		if (!throttle.allows(this.#address)) return { kind: "held" };
		const password = await secrets.passwordOf(user);
		const expected = digestResponse({
			...{ algorithm, user, password: password ?? NOBODY, realm, nonce, method: message.method, uri },
			...(isCounted && { counted: { nc, cnonce } }),
		});
		const isRight = sameSecret(of("response").toLowerCase(), expected);
		if (!isRight || password === undefined) {
			throttle.failed(this.#address);
			return { kind: "wrong" };
		}
		const verdict: NonceVerdict = this.#nonces.take(nonce, isCounted ? Number.parseInt(nc, 16) : undefined);
		if (verdict !== "good") return { kind: "stale" };
		return { kind: "credentials", credentials: { user, password }, proven: true };
	}

	#challenge({ app, stream }: RtspTarget, stale: boolean, why: string): AuthVerdict {
		const { secrets, basic, realm } = this.#owner.parts;
		const realmPart: AuthParameter = ["realm", realm, "quoted"];
		const headers: WrittenHeader[] = [];
		if (secrets !== undefined) {
			const nonce = this.#nonces.fresh();
			for (const algorithm of ALGORITHMS) {
				const parameters: AuthParameter[] = [realmPart, ["nonce", nonce, "quoted"], ["algorithm", algorithm, "bare"]];
				parameters.push(["qop", "auth", "quoted"]);
				if (stale) parameters.push(["stale", "true", "bare"]);
				headers.push(["WWW-Authenticate", writeAuth("Digest", parameters)]);
			}
		}
		if (basic) headers.unshift(["WWW-Authenticate", writeAuth("Basic", [realmPart])]);
		return {
			kind: "challenge",
			headers,
			error: new PenstockError("RTSP_AUTHENTICATION", `/${app}/${stream}: ${why}.`),
		};
	}
}

function basicCredentials({ token = "" }: AuthField): Judged {
	const text = Buffer.from(token, "base64").toString("utf8");
	const at = text.indexOf(":");
	if (at < 0 || at > LONGEST_USER) return { kind: "wrong" };
	const credentials = { user: text.slice(0, at), password: text.slice(at + 1) };
	return { kind: "credentials", credentials, proven: false };
}

/** Whether the URI in the credentials is of the stream that is asked for: some write the track's, some the stream's. */
function isOf({ app, stream }: RtspTarget, uri: string): boolean {
	const signed = readTarget(uri);
	return signed.kind === "read" && signed.value.app === app && signed.value.stream === stream;
}

const tooMany = (address: string): PenstockError =>
	new PenstockError("RTSP_AUTHENTICATION", `${address} has brought wrong credentials too often; it has to wait.`);
