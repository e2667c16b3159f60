/**
 * What a client brings, sorted by what it can be: a token (`?token=…` or Bearer), a signature, user and password.
 * A parameter that stands twice makes all of it void, for it could be read in two ways.
 */
import type { AccessRequest } from "../wire/access.ts";
import { LONGEST_JWT } from "./jwt-shape.ts";
import { digestOf } from "./secret.ts";
import type { SignedParameters } from "./signed-url.ts";

export interface Offered {
	readonly token?: string;
	readonly signed?: SignedParameters;
	readonly user?: string;
	readonly password?: string;
}

const LONGEST_WORD = 1024;
const PARAMETERS = ["token", "kid", "expires", "sign", "once"] as const;

/** Undefined where it cannot be read in one way. Empty where nothing is brought. */
export function offeredBy({ query, bearer, user, password }: AccessRequest["credentials"]): Offered | undefined {
	const found = new Map<string, string>();
	for (const name of PARAMETERS) {
		const values = query?.getAll(name) ?? [];
		if (values.length > 1) return undefined;
		if (values[0] !== undefined && values[0] !== "") found.set(name, values[0]);
	}
	const inQuery = found.get("token");
	if (inQuery !== undefined && bearer !== undefined && inQuery !== bearer) return undefined;
	const token = inQuery ?? bearer;
	if ((token?.length ?? 0) > LONGEST_JWT) return undefined;
	const words = [user, password, ...PARAMETERS.slice(1).map((name) => found.get(name))];
	if (words.some((word) => (word?.length ?? 0) > LONGEST_WORD)) return undefined;
	const signed = signedOf(found);
	return {
		...(token !== undefined && token !== "" && { token }),
		...(signed && { signed }),
		...(user !== undefined && user !== "" && { user, password: password ?? "" }),
	};
}

function signedOf(found: ReadonlyMap<string, string>): SignedParameters | undefined {
	const sign = found.get("sign");
	if (sign === undefined) return undefined;
	const once = found.get("once");
	const [kid, expires] = [found.get("kid") ?? "", found.get("expires") ?? ""];
	return { kid, expires, sign, ...(once !== undefined && { once }) };
}

export const bringsNothing = (offered: Offered): boolean => Object.keys(offered).length === 0;

/** Names a request with all that it brings, and tells nothing of it. */
export function requestKey({ verb, app, stream, credentials }: AccessRequest, ...more: readonly string[]): string {
	const { query, bearer, user, password } = credentials;
	const parts = [query?.toString(), bearer, user, password].map((part) => (part === undefined ? "" : `=${part}`));
	return digestOf(verb, app, stream, ...parts, ...more).toString("base64url");
}
