import { createHmac, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	type AccessRig,
	type Asked,
	asked,
	nameOf,
	openRig,
	refusalOf,
	said,
	secret,
} from "../../test/kit/access-rig.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import type { AccessRequest } from "../wire/access.ts";
import { makeJwt } from "./jwt.ts";
import { Secret } from "./secret.ts";
import { type AccessSettings, OPEN_TO_VIEWERS } from "./settings.ts";
import { signUrl } from "./signed-url.ts";

const STUDIO = "the-key-of-the-studio";
const CAMERA = "camera's password";
const URL_KEY = randomBytes(32).toString("base64url");
const SHARED = randomBytes(32).toString("base64url");

const SETTINGS: AccessSettings = {
	rights: [
		{ match: "live/*", verbs: ["publish"], by: [{ key: "studio" }, { user: "camera" }, { jwt: "site" }] },
		{
			match: "live/*",
			verbs: ["play"],
			by: [{ signed: "web" }, { jwt: "site" }, { key: "studio" }, { user: "camera" }],
		},
		{ match: "open/*", verbs: ["play"], by: ["anyone"] },
		{ match: "lab/*", verbs: ["publish", "play"], by: ["anyone"], from: ["10.0.0.0/8", "fd00::/8"] },
	],
	keys: { studio: secret(STUDIO) },
	users: { camera: secret(CAMERA) },
	urlKeys: { web: secret(URL_KEY) },
	issuers: { site: { algorithm: "HS256", audience: "penstock", key: secret(SHARED) } },
	leewayMs: 0,
};

const says = async ({ control }: AccessRig, what: Asked): Promise<string> => said(await control.gate.ask(asked(what)));
let source = 0;
/** Of its own, so that nobody is held back for another. */
const address = (): string => `10.${++source >> 16}.${(source >> 8) & 255}.${source & 255}`;

const VERBS = ["publish", "play"] as const;
const PROTOCOLS = ["rtmp", "rtsp", "http"] as const;

describe("SEC4: protocol × verb × what is brought", async () => {
	const rig = await openRig(SETTINGS);
	const wall = rig.clock.wall();
	const jwt = (path: string, verbs: readonly ("publish" | "play")[], expires = wall + 60_000): Promise<string> =>
		makeJwt({
			...{ algorithm: "HS256", key: new Secret(SHARED), audience: "penstock", paths: [path], verbs },
			...{ issued: wall, expires },
		});
	const sign = (verb: "publish" | "play", stream: string, expires = wall + 60_000): string =>
		signUrl({
			kid: nameOf("web"),
			key: new Secret(URL_KEY),
			verb,
			app: nameOf("live"),
			stream: nameOf(stream),
			expires,
		});
	const DENIED: Readonly<Record<string, (verb: "publish" | "play") => Promise<Asked> | Asked>> = {
		nothing: () => ({}),
		"an empty token": () => ({ query: "token=" }),
		"a wrong key": () => ({ query: "token=the-key-of-the-studi0" }),
		"a key cut short": () => ({ query: `token=${STUDIO.slice(0, -1)}` }),
		"a key with more behind it": () => ({ bearer: `${STUDIO} ` }),
		"the key twice": () => ({ query: `token=${STUDIO}&token=${STUDIO}` }),
		"another key in the header": () => ({ query: `token=${STUDIO}`, bearer: "x" }),
		"the key by another name": () => ({ query: `key=${STUDIO}&Token=${STUDIO}` }),
		"the key as password": () => ({ user: "camera", password: STUDIO }),
		"the password as token": () => ({ query: `token=${encodeURIComponent(CAMERA)}` }),
		"a user without password": () => ({ user: "camera" }),
		"another user's name": () => ({ user: "Camera", password: CAMERA }),
		"a user of the language": () => ({ user: "__proto__", password: "x" }),
		"an expired token": async (verb) => ({ bearer: await jwt("live/cam", [verb], wall - 1) }),
		"another stream's token": async (verb) => ({ bearer: await jwt("live/other", [verb]) }),
		"the other verb's token": async (verb) => ({
			bearer: await jwt("live/cam", [verb === "play" ? "publish" : "play"]),
		}),
		"an expired signature": (verb) => ({ query: sign(verb, "cam", wall - 60_000) }),
		"another stream's signature": (verb) => ({ query: sign(verb, "other") }),
		"the other verb's signature": (verb) => ({ query: sign(verb === "play" ? "publish" : "play", "cam") }),
		"8 KiB": () => ({ query: `token=${"x".repeat(9000)}` }),
	};
	const cases = Object.keys(DENIED).flatMap((what) =>
		VERBS.flatMap((verb) => PROTOCOLS.map((protocol) => [protocol, verb, what] as const)),
	);

	test.for(cases)("%s, %s, %s: refused", async ([protocol, verb, what]) => {
		const brought = await DENIED[what]!(verb);
		expect(await says(rig, { verb, protocol, address: address(), ...brought })).not.toBe("granted");
	});

	test.for(PROTOCOLS)("%s: each of the means lets in whom it is for", async (protocol) => {
		const good: Asked[] = [
			{ verb: "publish", query: `token=${STUDIO}` },
			{ verb: "publish", bearer: STUDIO },
			{ verb: "publish", user: "camera", password: CAMERA },
			{ verb: "publish", bearer: await jwt("live/*", ["publish"]) },
			{ verb: "play", query: sign("play", "cam") },
			{ verb: "play", query: `token=${await jwt("*/cam", ["play"])}` },
			{ verb: "play", path: "open/any" },
		];
		for (const one of good)
			expect([one, await says(rig, { protocol, address: address(), ...one })]).toEqual([one, "granted"]);
	});
});

test("SEC4: what no right names is refused, whoever asks and whatever he brings", async () => {
	const rig = await openRig(SETTINGS);
	const refused = ["other/cam", "Live/cam", "vod/x", "*".replace("*", "_/_")];
	for (const path of refused) {
		for (const verb of VERBS) {
			const answer = await rig.control.gate.ask(asked({ verb, path, bearer: STUDIO, address: address() }));
			expect(refusalOf(answer).message).toBe(
				`ACCESS_REFUSED: ${verb} of /${path} is refused: no right of the configuration is for it.`,
			);
		}
	}
	expect(await says(rig, { verb: "publish", path: "open/x", bearer: STUDIO })).toBe("ACCESS_REFUSED");
	expect(await says(await openRig({ rights: [] }), {})).toBe("ACCESS_REFUSED");
	expect(rig.control.counts.evaluated).toBe(0);
});

test("a right for some networks is for nobody else", async () => {
	const rig = await openRig(SETTINGS);
	const from = (one: string): Promise<string> => says(rig, { verb: "publish", path: "lab/x", address: one });
	expect(await from("10.1.2.3")).toBe("granted");
	expect(await from("::ffff:10.1.2.3")).toBe("granted");
	expect(await from("fd12::1")).toBe("granted");
	for (const one of ["11.0.0.1", "192.0.2.1", "::1", "fe80::1", "10.1.2.3.evil", "", "unix"]) {
		expect([one, await from(one)]).toEqual([one, "ACCESS_REFUSED"]);
	}
});

test("what is wrong from one network may be right from another", async () => {
	const rig = await openRig({
		rights: [
			{ match: "*/*", verbs: ["play"], by: [{ key: "guest" }] },
			{ match: "*/*", verbs: ["play"], by: [{ key: "studio" }], from: ["10.0.0.0/8"] },
		],
		keys: { guest: secret(), studio: secret(STUDIO) },
	});
	expect(await says(rig, { bearer: STUDIO, address: "192.0.2.1" })).toBe("ACCESS_REFUSED");
	expect(await says(rig, { bearer: STUDIO, address: "10.0.0.1" })).toBe("granted");
});

test("SEC4: a right that is taken away ends for those who hold a session within the time of a recheck", async () => {
	const rig = await openRig(SETTINGS);
	const request = asked({ verb: "publish", bearer: STUDIO });
	const answer = await rig.control.gate.ask(request);
	expect(answer).toEqual({ kind: "granted", principal: "key:studio", until: rig.clock.wall() + 30_000 });
	const { clock, control } = rig;
	const changed = await openRig(
		{ ...SETTINGS, keys: { studio: secret("another-key-of-the-studio") } },
		{ clock, memory: control.memory },
	);
	clock.advance(30_000);
	expect(said(await changed.control.gate.ask(request))).toBe("ACCESS_REFUSED");
	const gone = await openRig({ ...SETTINGS, rights: [] }, { clock, memory: control.memory });
	expect(said(await gone.control.gate.ask(request))).toBe("ACCESS_REFUSED");
});

test("where nothing is said, everybody plays, and who has the key that was made at the first start publishes", async () => {
	const folder = makeTempDir("access-open");
	const rig = await openRig(OPEN_TO_VIEWERS, { folder });
	expect(readdirSync(folder)).toEqual(["keys-publish"]);
	const key = readFileSync(join(folder, "keys-publish"), "utf8").trim();
	expect(await says(rig, {})).toBe("granted");
	expect(await says(rig, { verb: "publish" })).toBe("ACCESS_CREDENTIALS");
	expect(await says(rig, { verb: "publish", query: "token=publish" })).toBe("ACCESS_REFUSED");
	expect(await says(rig, { verb: "publish", query: `token=${key}` })).toBe("granted");
	expect(await says(await openRig(OPEN_TO_VIEWERS, { folder }), { verb: "publish", bearer: key })).toBe("granted");
});

test("Digest gets a user's password, and of nobody else", async () => {
	const { control } = await openRig(SETTINGS);
	expect(control.digestSecretOf("camera")?.reveal()).toBe(CAMERA);
	for (const user of ["studio", "web", "", "__proto__", "constructor"])
		expect(control.digestSecretOf(user)).toBeUndefined();
	expect(control.urlKey("web")?.reveal()).toBe(URL_KEY);
});

describe("SEC20", () => {
	test("of 100 000 keys that one source tries, at most 600 are looked at, and the right one is not found", async () => {
		const rig = await openRig(SETTINGS);
		for (let guess = 0; guess < 100_000; guess++) {
			const answer = await says(rig, { verb: "publish", query: `token=guess-${guess}`, address: "203.0.113.7" });
			if (answer === "granted") throw new Error("a guess was granted");
			rig.clock.advance(100);
		}
		expect(rig.control.counts.evaluated).toBeLessThanOrEqual(600);
		expect(rig.control.counts.evaluated).toBeGreaterThan(10);
		expect(await says(rig, { verb: "publish", query: `token=${STUDIO}`, address: "203.0.113.7" })).toBe("ACCESS_RATE");
		expect(await says(rig, { verb: "publish", query: `token=${STUDIO}`, address: "203.0.113.8" })).toBe("granted");
	}, 120_000);

	test("a thousand guesses that come in one moment are not looked at more than ten", async () => {
		const rig = await openRig(SETTINGS);
		const { payload } = {
			payload: Buffer.from(JSON.stringify({ aud: "penstock", exp: 9e9, path: "live/*", verbs: "play" })).toString(
				"base64url",
			),
		};
		const head = Buffer.from('{"alg":"HS256"}').toString("base64url");
		const guess = (index: number): string =>
			`${head}.${payload}.${createHmac("sha256", String(index)).update(`${head}.${payload}`).digest("base64url")}`;
		const answers = await Promise.all(Array.from({ length: 1000 }, (_, index) => says(rig, { bearer: guess(index) })));
		expect(rig.control.counts.evaluated).toBe(10);
		expect(answers.filter((one) => one === "ACCESS_RATE")).toHaveLength(990);
	});

	test("an encoder with last year's key is no guesser: it is looked at once, and holds back nobody behind its address", async () => {
		const rig = await openRig(SETTINGS);
		for (let attempt = 0; attempt < 1000; attempt++) {
			expect(await says(rig, { verb: "publish", query: "token=last-years-key-of-all" })).toBe("ACCESS_REFUSED");
			rig.clock.advance(1000);
		}
		expect(rig.control.counts.evaluated).toBe(1);
		expect(await says(rig, { verb: "publish", query: `token=${STUDIO}` })).toBe("granted");
	});

	test("three hundred viewers behind one address come in at once", async () => {
		const rig = await openRig(SETTINGS);
		const wall = rig.clock.wall();
		const tokens = await Promise.all(
			Array.from({ length: 300 }, (_, index) =>
				makeJwt({
					...{
						algorithm: "HS256",
						key: new Secret(SHARED),
						audience: "penstock",
						paths: ["live/cam"],
						verbs: ["play"],
					},
					...{ issued: wall, expires: wall + 60_000, subject: `viewer-${index}` },
				}),
			),
		);
		const answers = await Promise.all(tokens.map((bearer) => says(rig, { bearer })));
		expect(answers.filter((one) => one === "granted")).toHaveLength(300);
	});

	test("a session goes on while others guess from its address", async () => {
		const rig = await openRig(SETTINGS);
		const session = asked({ verb: "publish", bearer: STUDIO });
		expect(said(await rig.control.gate.ask(session))).toBe("granted");
		for (let guess = 0; guess < 20; guess++) await says(rig, { verb: "publish", bearer: `guess-${guess}` });
		expect(await says(rig, { verb: "publish", bearer: STUDIO })).toBe("ACCESS_RATE");
		expect(said(await rig.control.gate.ask(session))).toBe("granted");
	});
});

test("SEC14: a secret is in no answer, no count and no printed form of anything here", async () => {
	const canary = "canary-0123456789-canary-0123456789";
	const { control, troubles } = await openRig({
		...SETTINGS,
		keys: { studio: secret(`${canary}-key`) },
		users: { camera: secret(`${canary}-password`) },
		urlKeys: { web: secret(`${canary}-url`) },
	});
	const requests: AccessRequest[] = [
		asked({ verb: "publish", query: `token=${canary}-key` }),
		asked({ verb: "publish", query: `token=${canary}-wrong` }),
		asked({ verb: "publish", user: "camera", password: `${canary}-password` }),
		asked({ verb: "publish", user: canary, password: canary }),
		asked({ query: `kid=${canary}&sign=${canary}&expires=${canary}` }),
		asked({ bearer: `eyJ.${canary}.x` }),
	];
	const answers = [];
	for (const request of requests) answers.push(await control.gate.ask(request));
	expect(answers.map(said)).toContain("granted");
	const shown = [
		inspect({ answers, control, troubles }, { depth: 20, showHidden: true }),
		JSON.stringify({ answers, control, troubles, counts: control.counts.all() }),
		...answers.map((answer) => (answer.kind === "refused" ? `${answer.error.stack}` : answer.principal)),
	];
	for (const text of shown) expect(text).not.toContain("canary");
});

test("what the gate has said is counted by verb, protocol and outcome, with few of each", async () => {
	const rig = await openRig(SETTINGS);
	await says(rig, { path: "open/x" });
	await says(rig, { path: "open/y" });
	await says(rig, { verb: "publish", protocol: "rtmp" });
	expect(rig.control.counts.all()).toEqual([
		{ verb: "play", protocol: "http", outcome: "granted", count: 2 },
		{ verb: "publish", protocol: "rtmp", outcome: "no-credentials", count: 1 },
	]);
});

test("SEC4: whatever is brought, the gate answers, and lets nobody in by chance", async () => {
	const rig = await openRig(SETTINGS);
	const text = fc.oneof(
		fc.string(),
		fc.string({ unit: "binary" }),
		fc.constantFrom("", "0", "null", "*", STUDIO.toUpperCase()),
	);
	const optional = fc.option(text, { nil: undefined });
	await fc.assert(
		fc.asyncProperty(
			optional,
			optional,
			optional,
			optional,
			fc.nat(65_535),
			async (query, bearer, user, password, port) => {
				const from = `2001:db8:${port.toString(16)}::1`;
				const answer = await rig.control.gate.ask(
					asked({
						...(query !== undefined && { query: `token=${encodeURIComponent(query.toWellFormed())}&${query}` }),
						...(bearer !== undefined && { bearer }),
						...(user !== undefined && { user }),
						...(password !== undefined && { password }),
						...{ verb: "publish", address: from },
					}),
				);
				expect(answer.kind).toBe("refused");
			},
		),
		{ numRuns: 1000 },
	);
});
