import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { asked, nameOf, openRig, said } from "../../test/kit/access-rig.ts";
import { Secret } from "./secret.ts";
import type { AccessSettings } from "./settings.ts";
import { signUrl } from "./signed-url.ts";

const KEY = "an-url-key-of-thirty-two-bytes-or-more";
const key = new Secret(KEY);
const SETTINGS: AccessSettings = {
	rights: [{ match: "live/*", verbs: ["play", "publish"], by: [{ signed: "web" }] }],
	urlKeys: { web: { value: key } },
	leewayMs: 0,
};
const MINUTE_MS = 60_000;
const WEB = nameOf("web");

const sign = (wall: number, more: Partial<Parameters<typeof signUrl>[0]> = {}): string =>
	signUrl({
		...{ kid: WEB, key, verb: "play", app: nameOf("live"), stream: nameOf("cam"), expires: wall + MINUTE_MS },
		...more,
	});

test("a signed URL is good for its verb and its stream until it expires, and its answer says until when", async () => {
	const { control, clock } = await openRig({ ...SETTINGS, recheckMs: 600_000 });
	const query = sign(clock.wall());
	const answer = await control.gate.ask(asked({ query }));
	expect(answer).toEqual({ kind: "granted", principal: "signed:web", until: clock.wall() + MINUTE_MS });
	clock.advance(MINUTE_MS - 1);
	expect(said(await control.gate.ask(asked({ query })))).toBe("granted");
	clock.advance(1);
	expect(said(await control.gate.ask(asked({ query })))).toBe("ACCESS_EXPIRED");
});

test("the signature is what docs/access.md says it is, so that other programs can make it", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const expires = String(Math.floor(clock.wall() / 1000) + 60);
	const text = `penstock-url-1\nplay\nlive/cam\n${expires}\nweb\n`;
	const made = createHmac("sha256", KEY).update(text).digest("base64url");
	expect(said(await control.gate.ask(asked({ query: `kid=web&expires=${expires}&sign=${made}` })))).toBe("granted");
	expect(sign(clock.wall())).toBe(`kid=web&expires=${expires}&sign=${made}`);
});

test("SEC4: a URL that is changed in any place is good for nothing", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall(), { once: { now: clock.wall() } });
	const characters = fc.constantFrom(..."ABCabc019_-.%+&= ".split(""));
	await fc.assert(
		fc.asyncProperty(
			fc.nat(query.length - 1),
			characters,
			fc.integer({ min: 1, max: 254 }),
			async (at, char, source) => {
				fc.pre(query[at] !== char);
				const changed = `${query.slice(0, at)}${char}${query.slice(at + 1)}`;
				const address = `203.0.113.${source}`;
				expect(said(await control.gate.ask(asked({ query: changed, address })))).not.toBe("granted");
			},
		),
	);
	expect(said(await control.gate.ask(asked({ query })))).toBe("granted");
});

test("SEC4: a signature has one spelling", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall());
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const answers = await Promise.all(
		alphabet.split("").map(async (char, source) => {
			const twin = `${query.slice(0, -1)}${char}`;
			return said(await control.gate.ask(asked({ query: twin, address: `203.0.113.${source}` })));
		}),
	);
	expect(answers.filter((one) => one === "granted")).toHaveLength(1);
});

test.for([
	["another verb", { verb: "publish" } as const, {}],
	["another stream", { path: "live/other" }, {}],
	["another key's id", {}, { kid: nameOf("other") }],
	["another key", {}, { key: new Secret("another-key-of-thirty-two-bytes-or-more") }],
] as const)("SEC4: a URL is of no use for %s", async ([, request, signed]) => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall(), signed);
	expect(said(await control.gate.ask(asked({ ...request, query })))).toBe("ACCESS_REFUSED");
});

test("SEC4: a parameter that stands twice makes the URL void", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall());
	for (const name of ["kid", "expires", "sign"]) {
		const one = new URLSearchParams(query).get(name);
		expect(said(await control.gate.ask(asked({ query: `${query}&${name}=${one}` })))).toBe("ACCESS_REFUSED");
	}
});

test("SEC4: a single-use URL is replayed by nobody, but its own session may ask again", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall(), { once: { now: clock.wall() } });
	const first = asked({ query });
	expect(said(await control.gate.ask(first))).toBe("granted");
	clock.advance(1000);
	expect(said(await control.gate.ask(asked({ query })))).toBe("ACCESS_REPLAYED");
	expect(said(await control.gate.ask(asked({ query, address: "198.51.100.9" })))).toBe("ACCESS_REPLAYED");
	expect(said(await control.gate.ask(first))).toBe("granted");
	clock.advance(MINUTE_MS);
	expect(said(await control.gate.ask(first))).toBe("ACCESS_EXPIRED");
});

test("SEC4: of a hundred that come at once with one single-use URL, one gets in", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall(), { once: { now: clock.wall() } });
	const answers = await Promise.all(Array.from({ length: 100 }, () => control.gate.ask(asked({ query }))));
	expect(answers.filter(({ kind }) => kind === "granted")).toHaveLength(1);
});

test("SEC4: a restart lets no single-use URL be used again, and a reload none either", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall(), { once: { now: clock.wall() } });
	const session = asked({ query });
	expect(said(await control.gate.ask(session))).toBe("granted");
	clock.advance(5000);
	const reloaded = await openRig(SETTINGS, { clock, memory: control.memory });
	expect(said(await reloaded.control.gate.ask(asked({ query })))).toBe("ACCESS_REPLAYED");
	expect(said(await reloaded.control.gate.ask(session))).toBe("granted");
	const restarted = await openRig(SETTINGS, { clock });
	expect(said(await restarted.control.gate.ask(asked({ query })))).toBe("ACCESS_REPLAYED");
	const fresh = sign(clock.wall(), { once: { now: clock.wall() } });
	expect(said(await restarted.control.gate.ask(asked({ query: fresh })))).toBe("granted");
});

test("the wall clock set back makes no expired single-use URL new", async () => {
	const { control, clock } = await openRig(SETTINGS);
	const query = sign(clock.wall(), { once: { now: clock.wall() } });
	expect(said(await control.gate.ask(asked({ query })))).toBe("granted");
	clock.time.jumpWall(10 * MINUTE_MS);
	expect(said(await control.gate.ask(asked({ query })))).toBe("ACCESS_EXPIRED");
	clock.time.jumpWall(-10 * MINUTE_MS);
	expect(said(await control.gate.ask(asked({ query })))).toBe("ACCESS_REPLAYED");
});
