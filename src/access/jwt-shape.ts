/**
 * What a token must look like before any key is taken into the hand (SEC5): of bounded size, written in one way only,
 * no claim twice, and with nothing in its header by which it would choose its own key or algorithm.
 */
import { isRecord, parseStrictJson } from "./strict-json.ts";

export const LONGEST_JWT = 8192;
const LONGEST_HEADER = 1024;
const FORM = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const KID = /^[A-Za-z0-9._=-]{1,128}$/;
const TYPES = ["jwt", "at+jwt", "application/jwt", "application/at+jwt"];
/** Where keys are, what is critical, what is packed: none of it is the sender's to say. */
const FORBIDDEN = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "cty", "enc", "epk"];

export type JwtShape =
	| { readonly kind: "shaped"; readonly algorithm: string; readonly kid: string | undefined }
	| { readonly kind: "malformed"; readonly why: string };

/** Whether a text is meant as a token: two dots and a header that begins as JSON does. */
export const looksLikeJwt = (text: string): boolean => /^eyJ[^.]*\.[^.]*\./.test(text.slice(0, LONGEST_JWT));

export function shapeOfJwt(token: string): JwtShape {
	if (token.length > LONGEST_JWT) return malformed(`it has more than ${LONGEST_JWT} characters`);
	const parts = FORM.exec(token)?.slice(1);
	if (parts === undefined || !parts.every((part) => isCanonical(part)))
		return malformed("it is not three parts in base64url");
	const [head = "", body = ""] = parts;
	if (head.length > LONGEST_HEADER) return malformed(`its header has more than ${LONGEST_HEADER} characters`);
	const header = readPart(head);
	const claims = readPart(body);
	if (header === undefined || claims === undefined)
		return malformed("its header or its claims are no plain JSON object");
	const forbidden = FORBIDDEN.find((name) => Object.hasOwn(header, name));
	if (forbidden !== undefined) return malformed(`its header has ${forbidden}`);
	const { alg, kid, typ } = header;
	if (typeof alg !== "string" || alg.length > 16) return malformed("its header names no algorithm");
	if (kid !== undefined && (typeof kid !== "string" || !KID.test(kid)))
		return malformed("its key id has a strange form");
	if (typ !== undefined && (typeof typ !== "string" || !TYPES.includes(typ.toLowerCase())))
		return malformed("its type is no JWT");
	return { kind: "shaped", algorithm: alg, kid };
}

const malformed = (why: string): JwtShape => ({ kind: "malformed", why });

const isCanonical = (part: string): boolean => Buffer.from(part, "base64url").toString("base64url") === part;

function readPart(part: string): Readonly<Record<string, unknown>> | undefined {
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(part, "base64url"));
	} catch {
		return undefined;
	}
	const json = parseStrictJson(text);
	return json.kind === "parsed" && isRecord(json.value) ? json.value : undefined;
}
