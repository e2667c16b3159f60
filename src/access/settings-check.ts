/** What is wrong with settings beyond the form of single values: names that lead nowhere, means that cannot work. */
import { isName } from "../base/name.ts";
import { parseNetwork } from "./ip-address.ts";
import { parsePattern } from "./pattern.ts";
import {
	type AccessSettings,
	HOOK_ACTIONS,
	type HookSettings,
	type IssuerSettings,
	JWT_ALGORITHMS,
	type Means,
	type RightSettings,
} from "./settings.ts";

/** Where in the section, and what is wrong there: a sentence without subject and full stop. */
export interface SettingsProblem {
	readonly path: readonly (string | number)[];
	readonly text: string;
}

const MOST_LEEWAY_MS = 60_000;
const HOOK_OF = { publish: "on_publish", play: "on_play" } as const;
const KEY_FORMS = ["key", "publicKeyFile", "jwksFile", "jwksUrl"] as const;

export function settingsProblems(settings: AccessSettings): SettingsProblem[] {
	const { keys = {}, users = {}, urlKeys = {}, issuers = {}, hooks, networks = [], leewayMs = 0 } = settings;
	const sources = Object.entries({ keys, users, urlKeys }).flatMap(([section, map]) =>
		Object.entries(map).flatMap(([name, source]) => [
			...nameProblems([section, name], name),
			...(Object.values(source).filter((one) => one !== undefined).length > 1
				? [{ path: [section, name], text: "has more than one of value, file and environment; keep one" }]
				: []),
		]),
	);
	return [
		...settings.rights.flatMap((right, index) => rightProblems(right, ["rights", index], settings)),
		...sources,
		...Object.entries(issuers).flatMap(([name, issuer]) => issuerProblems(issuer, name)),
		...(hooks === undefined ? [] : hookProblems(hooks)),
		...networkProblems(networks, ["networks"]),
		...(leewayMs > MOST_LEEWAY_MS
			? [{ path: ["leewayMs"], text: `is ${leewayMs} but must be at most ${MOST_LEEWAY_MS}` }]
			: []),
	];
}

const nameProblems = (path: SettingsProblem["path"], name: string): SettingsProblem[] =>
	isName(name)
		? []
		: [{ path, text: 'must be a name of 1 to 128 of the characters A-Z a-z 0-9 _ - and not start with "-"' }];

const networkProblems = (texts: readonly string[], path: SettingsProblem["path"]): SettingsProblem[] =>
	texts.flatMap((text, index) =>
		parseNetwork(text) === undefined
			? [
					{
						path: [...path, index],
						text: `is ${JSON.stringify(text)} but must be an address or a network as 10.0.0.0/8`,
					},
				]
			: [],
	);

function rightProblems(
	right: RightSettings,
	path: SettingsProblem["path"],
	settings: AccessSettings,
): SettingsProblem[] {
	const problems = networkProblems(right.from ?? [], [...path, "from"]);
	if (parsePattern(right.match) === undefined) {
		problems.push({
			path: [...path, "match"],
			text: `is ${JSON.stringify(right.match)} but must be app/stream, each a name or *`,
		});
	}
	for (const [index, means] of right.by.entries()) {
		const text = meansProblem(means, right, settings);
		if (text !== undefined) problems.push({ path: [...path, "by", index], text });
	}
	return problems;
}

function meansProblem(means: Means, right: RightSettings, settings: AccessSettings): string | undefined {
	const { keys = {}, users = {}, urlKeys = {}, issuers = {}, hooks } = settings;
	if (means === "anyone") return undefined;
	if (means === "hook") {
		const missing = right.verbs.map((verb) => HOOK_OF[verb]).find((action) => (hooks?.urls[action] ?? []).length === 0);
		return missing === undefined ? undefined : `asks a hook, but hooks.urls has no ${missing}`;
	}
	if ("key" in means) return unknownName(means.key, "keys", keys);
	if ("user" in means) return unknownName(means.user, "users", users);
	if ("signed" in means) return unknownName(means.signed, "urlKeys", urlKeys);
	return unknownName(means.jwt, "issuers", issuers);
}

const unknownName = (name: string, section: string, map: object): string | undefined =>
	Object.hasOwn(map, name) ? undefined : `names ${JSON.stringify(name)}, which is not under ${section}`;

function issuerProblems(issuer: IssuerSettings, name: string): SettingsProblem[] {
	const path = ["issuers", name];
	const problems = nameProblems(path, name);
	const forms = KEY_FORMS.filter((form) => issuer[form] !== undefined);
	const isShared = issuer.algorithm.startsWith("HS");
	if (!JWT_ALGORITHMS.some((known) => known === issuer.algorithm)) {
		const text = `is ${JSON.stringify(issuer.algorithm)} but must be one of ${JWT_ALGORITHMS.join(", ")}`;
		return [...problems, { path: [...path, "algorithm"], text }];
	}
	if (forms.length !== 1) {
		problems.push({ path, text: `has ${forms.length} of ${KEY_FORMS.join(", ")} but must have exactly one` });
	} else if (isShared !== (forms[0] === "key")) {
		const text = isShared ? "shares a secret: its key must be under key" : "is checked with a public key, not with key";
		problems.push({ path: [...path, "algorithm"], text: `${issuer.algorithm} ${text}` });
	}
	if (issuer.jwksUrl !== undefined && !isSafeUrl(issuer.jwksUrl)) {
		const text = "must be a URL with https:// (http:// on this machine alone), without user and password";
		problems.push({ path: [...path, "jwksUrl"], text });
	}
	if (issuer.audience === "") problems.push({ path: [...path, "audience"], text: "is empty; say what tokens are for" });
	return problems;
}

/** Keys that come over a line that anybody may write on are nobody's keys. */
function isSafeUrl(text: string): boolean {
	if (!isWebUrl(text)) return false;
	const { protocol, hostname } = new URL(text);
	return protocol === "https:" || hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

const isWebUrl = (text: string): boolean =>
	URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && new URL(text).username === "";

function hookProblems({ urls }: HookSettings): SettingsProblem[] {
	return HOOK_ACTIONS.flatMap((action) =>
		(urls[action] ?? []).flatMap((text, index) => {
			const path = ["hooks", "urls", action, index];
			return isWebUrl(text)
				? []
				: [{ path, text: "must be a URL with http:// or https://, without user and password" }];
		}),
	);
}
