/**
 * Authorization and WWW-Authenticate as text (RFC 7235, RFC 7616): a scheme, and a token or parameters. What they mean
 * is judged by `rtsp/`.
 */
import { splitOutsideQuotes } from "./rtsp-fields.ts";

/** One set of credentials, or one challenge. */
export interface AuthField {
	/** Lower case. */
	readonly scheme: string;
	/** What stands behind the scheme where it has no parameters: Basic's and Bearer's. */
	readonly token?: string;
	/** By their names in lower case, quotes taken away. */
	readonly parameters: ReadonlyMap<string, string>;
}

const MOST_FIELD = 8192;
const MOST_PARAMETERS = 24;
const PARAMETER = /^([A-Za-z0-9_*-]{1,32})[ \t]*=[ \t]*(.*)$/s;
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Undefined where it is none. A parameter that stands twice makes it none: it could be read in two ways. */
export function readAuth(text: string): AuthField | undefined {
	const match = text.length > MOST_FIELD ? null : /^([A-Za-z]{1,32})[ \t]+(\S.*)$/s.exec(text);
	if (match === null) return undefined;
	const [, scheme = "", rest = ""] = match;
	if (TOKEN.test(rest)) return { scheme: scheme.toLowerCase(), token: rest, parameters: new Map() };
	const parameters = new Map<string, string>();
	for (const part of splitOutsideQuotes(rest, ",", MOST_PARAMETERS)) {
		const parameter = PARAMETER.exec(part);
		const name = parameter?.[1]?.toLowerCase();
		if (name === undefined || parameters.has(name)) return undefined;
		parameters.set(name, unquoted(parameter![2]!));
	}
	return { scheme: scheme.toLowerCase(), parameters };
}

function unquoted(text: string): string {
	const match = /^"(.*)"$/s.exec(text.trim());
	return match === null ? text.trim() : match[1]!.replace(/\\(.)/gs, "$1");
}

/** A parameter's value, and whether it stands in quotes. */
export type AuthParameter = readonly [name: string, value: string, form: "quoted" | "bare"];

export const writeAuth = (scheme: string, parameters: readonly AuthParameter[]): string =>
	`${scheme} ${parameters.map(([name, value, form]) => `${name}=${form === "quoted" ? quoted(value) : value}`).join(", ")}`;

const quoted = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&")}"`;
