import { expect, test } from "vitest";
import { openRig, secret } from "../../test/kit/access-rig.ts";
import { type AccessSettings, OPEN_TO_VIEWERS } from "./settings.ts";
import { settingsProblems } from "./settings-check.ts";

const problems = (settings: Partial<AccessSettings>): string[] =>
	settingsProblems({ rights: [], ...settings }).map(({ path, text }) => `${path.join(".")} ${text}`);

test("what a configuration may say without anything else is well", () => {
	expect(settingsProblems(OPEN_TO_VIEWERS)).toEqual([]);
	expect(problems({})).toEqual([]);
});

test.for([
	[
		{ rights: [{ match: "live", verbs: ["play"], by: ["anyone"] }] },
		/^rights\.0\.match is "live" but must be app\/stream/,
	],
	[{ rights: [{ match: "live/a*", verbs: ["play"], by: ["anyone"] }] }, /^rights\.0\.match is "live\/a\*"/],
	[{ rights: [{ match: "a/b/c", verbs: ["play"], by: ["anyone"] }] }, /^rights\.0\.match/],
	[
		{ rights: [{ match: "*/*", verbs: ["play"], by: [{ key: "x" }] }] },
		/^rights\.0\.by\.0 names "x", which is not under keys/,
	],
	[
		{ rights: [{ match: "*/*", verbs: ["play"], by: ["anyone", { user: "toString" }] }] },
		/^rights\.0\.by\.1 names "toString"/,
	],
	[{ rights: [{ match: "*/*", verbs: ["play"], by: [{ signed: "x" }] }] }, /not under urlKeys/],
	[{ rights: [{ match: "*/*", verbs: ["play"], by: [{ jwt: "x" }] }] }, /not under issuers/],
	[
		{ rights: [{ match: "*/*", verbs: ["publish"], by: ["hook"] }] },
		/^rights\.0\.by\.0 asks a hook, but hooks\.urls has no on_publish/,
	],
	[
		{ rights: [{ match: "*/*", verbs: ["play"], by: ["anyone"], from: ["10.0.0.0/40"] }] },
		/^rights\.0\.from\.0 is "10\.0\.0\.0\/40"/,
	],
	[{ keys: { "../x": {} } }, /^keys\.\.\.\/x must be a name/],
	[{ keys: { x: { file: "a", environment: "B" } } }, /^keys\.x has more than one of value, file and environment/],
	[{ networks: ["any"] }, /^networks\.0 is "any"/],
	[{ leewayMs: 120_000 }, /^leewayMs is 120000 but must be at most 60000/],
	[{ issuers: { a: { algorithm: "none", audience: "x", key: {} } } }, /^issuers\.a\.algorithm is "none"/],
	[
		{ issuers: { a: { algorithm: "RS256", audience: "x", key: {} } } },
		/^issuers\.a\.algorithm RS256 is checked with a public key/,
	],
	[
		{ issuers: { a: { algorithm: "HS256", audience: "x", jwksFile: "x" } } },
		/^issuers\.a\.algorithm HS256 shares a secret/,
	],
	[{ issuers: { a: { algorithm: "HS256", audience: "x" } } }, /^issuers\.a has 0 of key, /],
	[{ issuers: { a: { algorithm: "HS256", audience: "", key: {} } } }, /^issuers\.a\.audience is empty/],
	[
		{ issuers: { a: { algorithm: "RS256", audience: "x", jwksUrl: "http://id.example/k" } } },
		/^issuers\.a\.jwksUrl must be a URL with https/,
	],
	[{ hooks: { urls: { on_play: ["ftp://a/"] } } }, /^hooks\.urls\.on_play\.0 must be a URL/],
	[{ hooks: { urls: { on_play: ["http://a:b@c/"] } } }, /^hooks\.urls\.on_play\.0 must be a URL/],
] as const)("%j is told: %s", ([settings, expected]) => {
	const told = problems(settings as Partial<AccessSettings>);
	expect(told).toHaveLength(1);
	expect(told[0]).toMatch(expected);
});

test.for([
	["keys", "fifteen chars..", 16],
	["users", "short", 8],
	["urlKeys", "x".repeat(31), 32],
] as const)("a secret under %s that could be guessed is refused, and not shown", async ([section, text, least]) => {
	const opening = openRig({ rights: [], [section]: { one: secret(text) } });
	await expect(opening).rejects.toThrow(
		`ACCESS_SECRET: access.${section}.one has ${text.length} bytes but must have at least ${least}`,
	);
	await expect(opening).rejects.not.toThrow(text);
});

test("SEC5: a shared secret of an issuer is as long as the hash", async () => {
	const open = (algorithm: string): Promise<unknown> =>
		openRig({ rights: [], issuers: { one: { algorithm, audience: "x", key: secret("x".repeat(40)) } } });
	await open("HS256");
	await expect(open("HS384")).rejects.toThrow("has 40 bytes but must have at least 48");
	await expect(open("HS512")).rejects.toThrow("at least 64");
});

test("a setting that cannot work is told by its name", async () => {
	const opening = openRig({ rights: [{ match: "x", verbs: ["play"], by: ["anyone"] }] });
	await expect(opening).rejects.toThrow(/^ACCESS_SETTING: access\.rights\.0\.match is "x"/);
});
