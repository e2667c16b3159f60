import { createHmac, createSign, generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type AccessRig, asked, openRig, refusalOf, said } from "../../test/kit/access-rig.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import { makeJwt } from "./jwt.ts";
import { LONGEST_JWT, shapeOfJwt } from "./jwt-shape.ts";
import { Secret } from "./secret.ts";
import type { AccessSettings, IssuerSettings } from "./settings.ts";

const AUDIENCE = "penstock";
const SHARED = randomBytes(32).toString("base64url");
const DAY_S = 86_400;
/** ManualClock's. */
const NOW_S = Date.UTC(2026, 0, 1) / 1000;
const CLAIMS = { aud: AUDIENCE, exp: NOW_S + DAY_S, path: "live/*", verbs: ["play"], sub: "somebody" };

const base64url = (text: string | Uint8Array): string => Buffer.from(text).toString("base64url");
/** A token put together by hand: as jose would never make it. */
const put = (
	header: string | object,
	claims: string | object,
	signature: string | ((input: string) => Buffer),
): string => {
	const text = (part: string | object): string => base64url(typeof part === "string" ? part : JSON.stringify(part));
	const input = `${text(header)}.${text(claims)}`;
	return `${input}.${typeof signature === "string" ? signature : base64url(signature(input))}`;
};
const hs =
	(key: string | Uint8Array, hash = "sha256") =>
	(input: string): Buffer =>
		createHmac(hash, key).update(input).digest();
const rs =
	(key: KeyObject, hash = "sha256") =>
	(input: string): Buffer =>
		createSign(hash).update(input).sign(key);

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
const edwards = generateKeyPairSync("ed25519");
const PEM = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
const jwkOf = (key: KeyObject, more: object = {}): JsonWebKey => ({ ...key.export({ format: "jwk" }), ...more });

const folder = makeTempDir("jwt");
const fileOf = (name: string, content: string | object): string => {
	const path = join(folder, name);
	writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
	return path;
};
const SET = {
	keys: [
		{ ...jwkOf(rsa.publicKey), kid: "rsa-1", alg: "RS256", use: "sig" },
		{ ...jwkOf(other.publicKey), kid: "rsa-2", use: "sig" },
		{ ...jwkOf(elliptic.publicKey), kid: "ec-1", alg: "ES256" },
		{ ...jwkOf(edwards.publicKey), kid: "ed-1" },
		{ kty: "oct", kid: "oct-1", k: base64url("a shared secret in a public place") },
		{ ...jwkOf(rsa.publicKey), kid: "enc-1", use: "enc" },
	],
};

const ISSUERS: Readonly<Record<string, IssuerSettings>> = {
	shared: { algorithm: "HS256", audience: AUDIENCE, key: { value: new Secret(SHARED) } },
	pem: { algorithm: "RS256", audience: AUDIENCE, publicKeyFile: fileOf("public.pem", PEM) },
	set: {
		algorithm: "RS256",
		audience: AUDIENCE,
		jwksFile: fileOf("set.json", SET),
		kids: ["rsa-1"],
		issuer: "https://id.example",
	},
	curve: { algorithm: "ES256", audience: AUDIENCE, jwksFile: fileOf("set2.json", SET) },
};
const settingsFor = (name: string): AccessSettings => ({
	rights: [{ match: "live/*", verbs: ["play", "publish"], by: [{ jwt: name }] }],
	issuers: { [name]: ISSUERS[name]! },
	leewayMs: 0,
	recheckMs: 10 * DAY_S * 1000,
});

let source = 0;
/** Each from an address of its own: nobody is held back. */
const ask = async ({ control }: AccessRig, token: string, more: object = {}): Promise<string> => {
	source++;
	return said(
		await control.gate.ask(asked({ bearer: token, address: `10.0.${source >> 8}.${source & 255}`, ...more })),
	);
};

test("a token is good for its verbs and paths until it expires, by whom it names", async () => {
	const rig = await openRig(settingsFor("shared"));
	const token = await makeJwt({
		...{ algorithm: "HS256", key: new Secret(SHARED), audience: AUDIENCE, subject: "somebody", verbs: ["play"] },
		...{ paths: ["live/cam", "vod/*"], issued: rig.clock.wall(), expires: rig.clock.wall() + 60_000 },
	});
	expect(await rig.control.gate.ask(asked({ bearer: token }))).toEqual({
		...{ kind: "granted", principal: "jwt:shared:somebody", until: rig.clock.wall() + 60_000 },
	});
	expect(await ask(rig, token, { query: `token=${token}`, bearer: undefined })).toBe("granted");
	const elsewhere = refusalOf(await rig.control.gate.ask(asked({ bearer: token, path: "live/other" })));
	expect(elsewhere.message).toMatch(/^ACCESS_REFUSED: play of \/live\/other is refused: .* it is for another stream/);
	const publish = refusalOf(await rig.control.gate.ask(asked({ bearer: token, verb: "publish" })));
	expect(publish.message).toMatch(/it is not for publish/);
	rig.clock.advance(60_000);
	expect(await ask(rig, token)).toBe("ACCESS_EXPIRED");
});

const PRIVATE = (key: KeyObject): Secret => new Secret(key.export({ type: "pkcs8", format: "pem" }).toString());

test.for([
	["RS256", rsa],
	["RS512", rsa],
	["PS256", rsa],
	["ES256", elliptic],
	["EdDSA", edwards],
] as const)("tokens of %s, by a public key in a file and in a set", async ([algorithm, pair]) => {
	const publicKeyFile = fileOf(`${algorithm}.pem`, pair.publicKey.export({ type: "spki", format: "pem" }).toString());
	const jwksFile = fileOf(`${algorithm}.json`, { keys: [{ ...jwkOf(pair.publicKey), kid: "a" }] });
	const times = { issued: NOW_S * 1000, expires: (NOW_S + 60) * 1000 };
	const what = { audience: AUDIENCE, paths: ["live/cam"], verbs: ["play"] as const };
	const token = await makeJwt({ algorithm, kid: "a", key: PRIVATE(pair.privateKey), ...what, ...times });
	for (const keys of [{ publicKeyFile }, { jwksFile }, { jwksFile, kids: ["a"] }, { publicKeyFile, kids: ["a"] }]) {
		const issuers = { one: { algorithm, audience: AUDIENCE, ...keys } };
		const rig = await openRig({ rights: [{ match: "*/*", verbs: ["play"], by: [{ jwt: "one" }] }], issuers });
		expect(await ask(rig, token)).toBe("granted");
	}
	const issuers = { one: { algorithm, audience: AUDIENCE, jwksFile, kids: ["b"] } };
	const rig = await openRig({ rights: [{ match: "*/*", verbs: ["play"], by: [{ jwt: "one" }] }], issuers });
	expect(await ask(rig, token)).toBe("ACCESS_REFUSED");
});

const NONE = ["none", "None", "NONE", "nOnE", "", "null", "HS256 ", "hs256", "HS384", "HS512", "HS1", "dir", "A128KW"];
const KIDS = [
	...[
		"../../dev/null",
		"/dev/null",
		"..\\..\\x",
		"' OR 1=1 --",
		"rsa-1\u0000",
		"$(id)",
		"a".repeat(200),
		"",
		"rsa-3",
		"oct-1",
	],
	...["http://127.0.0.1/k", "file:///etc/passwd", "__proto__", "constructor", "enc-1", "ec-1", "rsa-2"],
];
const RAW_KEYS = (): (string | Uint8Array)[] => {
	const jwk = rsa.publicKey.export({ format: "jwk" });
	const der = rsa.publicKey.export({ type: "spki", format: "der" });
	return [
		...["", " ", "\n", "secret", "penstock", "null", "undefined", AUDIENCE],
		...[PEM, PEM.trim(), PEM.replaceAll("\n", ""), PEM.replace(/-----[^-]+-----|\n/g, "")],
		...[der, base64url(der), der.toString("hex"), jwk.n!, Buffer.from(jwk.n!, "base64url"), JSON.stringify(jwk)],
		...[rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString(), JSON.stringify(SET), `${PEM}\n`],
	];
};
const EMBEDDED = (): object[] => [
	...["jwk", "x5c", "jku", "x5u", "crit", "b64", "zip", "cty", "enc", "epk"].map((name) => ({ [name]: "x" })),
	{ jwk: jwkOf(other.publicKey) },
	{ jku: "https://id.example/jwks.json" },
	{ crit: ["exp"] },
	{ crit: [] },
	{ b64: false, crit: ["b64"] },
	{ typ: "JWE" },
	{ typ: "JOSE" },
	{ typ: 5 },
];
const BAD_CLAIMS: (string | object)[] = [
	...[undefined, null, "x", "1893456000", -1, 0, NOW_S - 1, NOW_S, 1e300, {}, [NOW_S + DAY_S], true].map((exp) => ({
		...CLAIMS,
		exp,
	})),
	...[undefined, null, "", "other", "Penstock", "penstock ", [], ["other"], { 0: AUDIENCE }, 5, true].map((aud) => ({
		...CLAIMS,
		aud,
	})),
	...[
		undefined,
		null,
		"",
		"*",
		"live",
		"live/",
		"/cam",
		"live/other",
		"live/ca",
		"live/*/x",
		"../live/cam",
		"LIVE/cam",
	].map((path) => ({ ...CLAIMS, path })),
	...[
		[],
		["vod/*"],
		["live/cam", 5],
		Array(33).fill("live/cam"),
		{ 0: "live/*" },
		5,
		true,
		"*/cam2",
		"live%2Fcam",
		"l*/cam",
	].map((path) => ({ ...CLAIMS, path })),
	...[
		undefined,
		null,
		"",
		"publish",
		[],
		["publish"],
		["Play"],
		"play publish",
		"*",
		["*"],
		[["play"]],
		{ play: true },
		1,
		true,
	].map((verbs) => ({ ...CLAIMS, verbs })),
	...[NOW_S + 3600, "soon", {}].map((nbf) => ({ ...CLAIMS, nbf })),
	...["iat", "nbf"].map((name) => ({ ...CLAIMS, [name]: "x" })),
	...["exp", "aud", "path", "verbs", "sub"].map((name) => {
		const again = JSON.stringify({ [name]: (CLAIMS as Record<string, unknown>)[name] }).slice(1);
		return `${JSON.stringify(CLAIMS).slice(0, -1)},${again}`;
	}),
	`{"exp":${NOW_S - 5},${JSON.stringify(CLAIMS).slice(1)}`,
	`{"\\u0065xp":${NOW_S - 5},${JSON.stringify(CLAIMS).slice(1)}`,
	`{"__proto__":{},${JSON.stringify(CLAIMS).slice(1)}`,
	`[${JSON.stringify(CLAIMS)}]`,
	"null",
	'"x"',
	"",
	`${JSON.stringify(CLAIMS)}x`,
	{ ...CLAIMS, more: "x".repeat(LONGEST_JWT) },
	{ ...CLAIMS, deep: JSON.parse(`${"[".repeat(20)}${"]".repeat(20)}`) as unknown },
];

/** Tokens that somebody might take for good, by what is wrong with them. */
function hostileTokens(): { readonly issuer: string; readonly token: string; readonly what: string }[] {
	const tokens: { issuer: string; token: string; what: string }[] = [];
	const add = (issuer: string, what: string, token: string): void => void tokens.push({ issuer, what, token });
	const claims = { ...CLAIMS, iss: "https://id.example" };
	const shared = { alg: "HS256" };
	const pem = { alg: "RS256" };
	for (const alg of NONE) {
		for (const issuer of ["shared", "pem"]) {
			add(issuer, `alg ${alg} without signature`, put({ alg }, claims, ""));
			add(issuer, `alg ${alg} signed with HS256`, put({ alg }, claims, hs(SHARED)));
		}
	}
	for (const [index, key] of RAW_KEYS().entries()) {
		for (const issuer of ["pem", "set", "curve"]) {
			add(issuer, `HS256 with public key ${index}`, put({ ...shared, kid: "rsa-1" }, claims, hs(key)));
			add(issuer, `HS256 under the issuer's algorithm, ${index}`, put({ ...pem, kid: "rsa-1" }, claims, hs(key)));
		}
		add("shared", `HS256 with ${index}`, put(shared, claims, hs(key)));
	}
	for (const kid of KIDS) add("set", `kid ${kid}`, put({ ...pem, kid }, claims, rs(rsa.privateKey)));
	add("set", "no kid", put(pem, claims, rs(rsa.privateKey)));
	add("set", "another's key under the right kid", put({ ...pem, kid: "rsa-1" }, claims, rs(other.privateKey)));
	add(
		"set",
		"kid of the shared secret in the set",
		put({ ...shared, kid: "oct-1" }, claims, hs("a shared secret in a public place")),
	);
	for (const iss of [undefined, "", "https://id.example/", "https://evil.example", ["https://id.example"]]) {
		add("set", `iss ${iss}`, put({ ...pem, kid: "rsa-1" }, { ...claims, iss }, rs(rsa.privateKey)));
	}
	for (const more of EMBEDDED()) {
		const header = { ...pem, ...more };
		add("pem", JSON.stringify(more).slice(0, 40), put(header, claims, rs(rsa.privateKey)));
		add(
			"pem",
			`${JSON.stringify(more).slice(0, 40)}, signed by the key that it brings`,
			put(header, claims, rs(other.privateKey)),
		);
	}
	for (const one of BAD_CLAIMS) {
		add("shared", `claims ${JSON.stringify(one).slice(0, 200)}`, put(shared, one, hs(SHARED)));
	}
	const good = put(shared, claims, hs(SHARED));
	const [head = "", body = "", signature = ""] = good.split(".");
	for (const token of [
		...[`${head}.${body}`, `${head}.${body}.`, `.${body}.${signature}`, `${good}.`, `${good}.${signature}`, ` ${good}`],
		...[`${good}\n`, `${good}=`, `${head}.${body}.${signature.slice(0, -1)}`, `${head}.${body}.${signature}A`],
		...[`${head}..${signature}`, `${head}=.${body}.${signature}`, good.toLowerCase(), good.replace(".", "%2E")],
		...[`${head}.${body}.${base64url(Buffer.alloc(32))}`, `Bearer ${good}`, JSON.stringify({ payload: body })],
		put('{"alg":"HS256","alg":"HS256"}', claims, hs(SHARED)),
		put('{"alg":"none","alg":"HS256"}', claims, hs(SHARED)),
		put('{"alg":["HS256"]}', claims, hs(SHARED)),
		put("{}", claims, hs(SHARED)),
		put('{"alg":"HS256"', claims, hs(SHARED)),
		put({ ...shared, more: "x".repeat(2000) }, claims, hs(SHARED)),
		put(shared, claims, hs(SHARED, "sha512")),
		put(shared, claims, hs(SHARED, "sha1")),
		// ECDSA with r = s = 0 (CVE-2022-21449).
	]) {
		add("shared", token.slice(-60), token);
	}
	for (const zeros of [64, 0, 63, 132]) {
		add("curve", `${zeros} zeros`, put({ alg: "ES256", kid: "ec-1" }, claims, base64url(Buffer.alloc(zeros))));
	}
	return tokens;
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

describe("SEC5", () => {
	const rigs = new Map<string, AccessRig>();
	beforeAll(async () => {
		for (const name of Object.keys(ISSUERS)) rigs.set(name, await openRig(settingsFor(name)));
	});

	test("more than 200 tokens that are forged, confused or damaged are refused, and good ones are not", async () => {
		const claims = { ...CLAIMS, iss: "https://id.example" };
		const signed = createSign("sha256");
		const input = put({ alg: "ES256", kid: "ec-1" }, claims, "");
		signed.update(input.slice(0, -1));
		const curve = signed.sign({ key: elliptic.privateKey, dsaEncoding: "ieee-p1363" });
		const good = {
			shared: put({ alg: "HS256" }, claims, hs(SHARED)),
			pem: put({ alg: "RS256", kid: "any", typ: "at+jwt", x5t: "abc" }, claims, rs(rsa.privateKey)),
			set: put({ alg: "RS256", kid: "rsa-1" }, claims, rs(rsa.privateKey)),
			curve: `${input}${base64url(curve)}`,
		};
		for (const [issuer, token] of Object.entries(good))
			expect([issuer, await ask(rigs.get(issuer)!, token)]).toEqual([issuer, "granted"]);
		const tokens = hostileTokens();
		expect(tokens.length).toBeGreaterThan(200);
		const passed: string[] = [];
		for (const { issuer, token, what } of tokens) {
			if ((await ask(rigs.get(issuer)!, token)) === "granted") passed.push(`${issuer}: ${what}`);
		}
		expect(passed).toEqual([]);
		console.info(`${tokens.length} tokens refused`);
	});

	test("a good token changed in any one place is refused", async () => {
		const token = put({ alg: "HS256" }, CLAIMS, hs(SHARED));
		await fc.assert(
			fc.asyncProperty(
				fc.nat(token.length - 1),
				fc.constantFrom(...ALPHABET.split(""), ".", "=", " "),
				async (at, char) => {
					fc.pre(token[at] !== char);
					expect(await ask(rigs.get("shared")!, `${token.slice(0, at)}${char}${token.slice(at + 1)}`)).not.toBe(
						"granted",
					);
				},
			),
			{ numRuns: 300 },
		);
	});

	test("a token has one spelling: spare bits at the end of a part are no room for another", async () => {
		// Of these lengths each part ends in a character with bits to spare.
		const token = put({ alg: "HS256", kid: "a" }, { ...CLAIMS, sub: "somebody els" }, hs(SHARED));
		const parts = token.split(".");
		expect(parts.map((part) => part.length % 4)).not.toContain(0);
		expect(await ask(rigs.get("shared")!, token)).toBe("granted");
		for (const [index, part] of parts.entries()) {
			const twins = ALPHABET.split("")
				.map((char) => `${part.slice(0, -1)}${char}`)
				.filter((twin) => twin !== part && Buffer.from(twin, "base64url").equals(Buffer.from(part, "base64url")));
			expect(twins.length).toBeGreaterThan(2);
			for (const twin of twins) {
				expect(await ask(rigs.get("shared")!, parts.with(index, twin).join("."))).toBe("ACCESS_REFUSED");
			}
		}
	});

	test("whatever comes as a token, its shape is judged and nothing is thrown", () => {
		const part = fc.oneof(
			fc.base64String(),
			fc.json().map((text) => base64url(text)),
			fc.string(),
		);
		fc.assert(
			fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
				shapeOfJwt(parts.join("."));
			}),
			{ numRuns: 3000 },
		);
	});
});

test.for([
	["too many keys", { keys: Array.from({ length: 33 }, (_, kid) => ({ ...SET.keys[0], kid: String(kid) })) }],
	["two keys of one id", { keys: [SET.keys[0], SET.keys[0]] }],
	["no key for the algorithm", { keys: [SET.keys[2], SET.keys[4], SET.keys[5]] }],
	["a private key", { keys: [{ ...jwkOf(rsa.privateKey), kid: "rsa-1" }] }],
	[
		"a short key",
		{ keys: [{ ...jwkOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey), kid: "rsa-1" }] },
	],
	["an endless key", { keys: [{ kty: "RSA", kid: "rsa-1", e: "AQAB", n: "w".repeat(5000) }] }],
	["no list", { keys: { 0: SET.keys[0] } }],
	["no JSON", "<html>"],
	["a megabyte", JSON.stringify(SET) + " ".repeat(1_000_000)],
] as const)("SEC5: a set of keys with %s is not used", async ([what, content]) => {
	const jwksFile = fileOf(`${what}.json`, content);
	const issuers = { one: { algorithm: "RS256", audience: AUDIENCE, jwksFile } };
	const rig = await openRig({ rights: [{ match: "*/*", verbs: ["play"], by: [{ jwt: "one" }] }], issuers });
	expect(await ask(rig, put({ alg: "RS256", kid: "rsa-1" }, CLAIMS, rs(rsa.privateKey)))).toBe("ACCESS_AWAY");
});

test("a set of keys that is changed is read again: for a new key within 30 s, for one that is gone within its time", async () => {
	const jwksFile = fileOf("rotated.json", { keys: [SET.keys[0]] });
	const issuers = { one: { algorithm: "RS256", audience: AUDIENCE, jwksFile, cacheMs: 120_000 } };
	const rig = await openRig({ rights: [{ match: "*/*", verbs: ["play"], by: [{ jwt: "one" }] }], issuers });
	const [one, two] = [rsa, other].map(({ privateKey }, index) =>
		put({ alg: "RS256", kid: `rsa-${index + 1}` }, CLAIMS, rs(privateKey)),
	);
	expect(await ask(rig, one!)).toBe("granted");
	expect(await ask(rig, two!)).toBe("ACCESS_REFUSED");
	fileOf("rotated.json", { keys: [SET.keys[1]] });
	expect(await ask(rig, two!)).toBe("ACCESS_REFUSED");
	rig.clock.advance(30_000);
	expect(await ask(rig, two!)).toBe("granted");
	expect(await ask(rig, one!)).toBe("ACCESS_REFUSED");
	fileOf("rotated.json", "gone");
	rig.clock.advance(200_000);
	expect(await ask(rig, two!)).toBe("granted");
	rig.clock.advance(2 * DAY_S * 1000);
	expect(
		await ask(rig, put({ alg: "RS256", kid: "rsa-2" }, { ...CLAIMS, exp: NOW_S + 9 * DAY_S }, rs(other.privateKey))),
	).toBe("ACCESS_AWAY");
});
