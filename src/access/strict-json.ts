/**
 * JSON that can be read in one way only: a name that stands twice in an object, `__proto__`, or more of anything than is
 * ever needed, makes it none. Two readers of the same token must not see two different claims (SEC5).
 */
export type StrictJson =
	| { readonly kind: "parsed"; readonly value: unknown }
	| { readonly kind: "malformed"; readonly why: string };

const MOST_DEPTH = 8;
const MOST_MEMBERS = 512;

export function parseStrictJson(text: string): StrictJson {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		return malformed("it is no JSON");
	}
	const fault = faultIn(text);
	return fault === undefined ? { kind: "parsed", value } : malformed(fault);
}

const malformed = (why: string): StrictJson => ({ kind: "malformed", why });

/** @param text that is JSON: strings and brackets are all that matters */
function faultIn(text: string): string | undefined {
	/** The names of each object that is open; undefined for a list. */
	const open: (Set<string> | undefined)[] = [];
	let members = 0;
	let isName = false;
	for (let at = 0; at < text.length; at++) {
		const char = text[at];
		if (char === '"') {
			const end = endOfString(text, at);
			const names = open.at(-1);
			if (isName && names !== undefined) {
				const name = JSON.parse(text.slice(at, end + 1)) as string;
				if (names.has(name)) return `${JSON.stringify(name.slice(0, 40))} stands twice in it`;
				if (name === "__proto__") return "it names __proto__";
				names.add(name);
				isName = false;
			}
			at = end;
		} else if (char === "{" || char === "[") {
			if (open.push(char === "{" ? new Set() : undefined) > MOST_DEPTH) return `it is more than ${MOST_DEPTH} deep`;
			isName = char === "{";
		} else if (char === "}" || char === "]") {
			open.pop();
		} else if (char === ",") {
			if (++members > MOST_MEMBERS) return `it has more than ${MOST_MEMBERS} members`;
			isName = open.at(-1) !== undefined;
		}
	}
	return undefined;
}

function endOfString(text: string, start: number): number {
	let at = start + 1;
	while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
	return at;
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
	typeof value === "object" && value !== null && !Array.isArray(value);
