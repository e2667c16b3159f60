/**
 * JSON Web Tokens (RFC 7519, RFC 8725) of one issuer. The algorithm is the issuer's, never the token's; `exp` and `aud`
 * must be there; the claims `path` and `verbs` say for what the token is:
 *
 *     { "aud": "penstock", "exp": 1893456000, "path": "live/*", "verbs": ["play"], "sub": "somebody" }
 */
import { errors, importPKCS8, jwtVerify, SignJWT } from "jose";
import type { AccessRequest, Verb } from "../wire/access.ts";
import { shapeOfJwt } from "./jwt-shape.ts";
import { parsePattern, patternHas } from "./pattern.ts";
import { type Proof, shownName } from "./proof.ts";
import type { Secret } from "./secret.ts";
import type { VerificationKeys } from "./verification-keys.ts";

export interface JwtIssuerOptions {
	readonly name: string;
	readonly algorithm: string;
	readonly audience: string;
	/** The claim `iss`; absent: any. */
	readonly issuer?: string;
	readonly keys: VerificationKeys;
	readonly leewayMs: number;
}

const MOST_PATHS = 32;
/** Beyond it a time is no time: the year 5138. */
const LATEST_SECONDS = 1e11;

export class JwtIssuer {
	readonly #options: JwtIssuerOptions;

	constructor(options: JwtIssuerOptions) {
		this.#options = options;
	}

	/** @param wall clock, ms */
	async judge(token: string, request: AccessRequest, wall: number): Promise<Proof> {
		const { algorithm, keys } = this.#options;
		const shape = shapeOfJwt(token);
		if (shape.kind === "malformed" || shape.algorithm !== algorithm) return { kind: "wrong" };
		const answer = await keys.keyFor(shape.kid);
		if (answer.kind === "unknown") return { kind: "wrong" };
		if (answer.kind === "away") return answer;
		const { audience, issuer, leewayMs } = this.#options;
		try {
			const { payload } = await jwtVerify(token, answer.key, {
				algorithms: [algorithm],
				audience,
				...(issuer !== undefined && { issuer }),
				requiredClaims: ["exp", "aud"],
				clockTolerance: leewayMs / 1000,
				currentDate: new Date(wall),
			});
			return this.#judgeClaims(payload, request);
		} catch (thrown) {
			return thrown instanceof errors.JWTExpired ? { kind: "expired" } : { kind: "wrong" };
		}
	}

	#judgeClaims(claims: Readonly<Record<string, unknown>>, { verb, app, stream }: AccessRequest): Proof {
		const { exp, sub } = claims;
		if (typeof exp !== "number" || exp > LATEST_SECONDS) return { kind: "unfit", why: "its exp is no time" };
		const paths = textsOf(claims["path"])?.map((text) => parsePattern(text));
		const verbs = textsOf(claims["verbs"]);
		if (paths === undefined || verbs === undefined) return { kind: "unfit", why: "it has no path or no verbs" };
		if (!verbs.includes(verb)) return { kind: "unfit", why: `it is not for ${verb}` };
		if (!paths.some((path) => path !== undefined && patternHas(path, app, stream))) {
			return { kind: "unfit", why: "it is for another stream" };
		}
		const who = typeof sub === "string" ? `:${shownName(sub)}` : "";
		const { name, leewayMs } = this.#options;
		return { kind: "proven", principal: `jwt:${name}${who}`, until: exp * 1000 + leewayMs };
	}
}

function textsOf(claim: unknown): readonly string[] | undefined {
	const list = typeof claim === "string" ? [claim] : claim;
	if (!Array.isArray(list) || list.length === 0 || list.length > MOST_PATHS) return undefined;
	return list.every((one): one is string => typeof one === "string") ? list : undefined;
}

export interface JwtRequest {
	readonly algorithm: string;
	readonly kid?: string;
	/** What is shared, or a private key in PKCS #8 (PEM). */
	readonly key: Secret;
	readonly audience: string;
	readonly issuer?: string;
	readonly subject?: string;
	/** Patterns: `live/cam`, `live/*`. */
	readonly paths: readonly string[];
	readonly verbs: readonly Verb[];
	/** Wall clock, ms. */
	readonly issued: number;
	readonly expires: number;
}

/** Makes a token that a `JwtIssuer` of the same algorithm, key and audience takes. */
export async function makeJwt(request: JwtRequest): Promise<string> {
	const { algorithm, kid, key, audience, issuer, subject, paths, verbs, issued, expires } = request;
	const token = new SignJWT({ path: [...paths], verbs: [...verbs] })
		.setProtectedHeader({ alg: algorithm, typ: "JWT", ...(kid !== undefined && { kid }) })
		.setAudience(audience)
		.setIssuedAt(Math.floor(issued / 1000))
		.setExpirationTime(Math.floor(expires / 1000));
	if (issuer !== undefined) token.setIssuer(issuer);
	if (subject !== undefined) token.setSubject(subject);
	const text = key.reveal();
	return await token.sign(
		algorithm.startsWith("HS") ? new TextEncoder().encode(text) : await importPKCS8(text, algorithm),
	);
}
