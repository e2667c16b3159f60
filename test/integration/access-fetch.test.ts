/** One request to a place that may be dialled, and sets of keys that are fetched so, against real servers. */
import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type FetchAnswer, guardedFetch } from "../../src/access/guarded-fetch.ts";
import { parseNetwork } from "../../src/access/ip-address.ts";
import { makeJwt } from "../../src/access/jwt.ts";
import { Secret } from "../../src/access/secret.ts";
import type { AccessSettings } from "../../src/access/settings.ts";
import { type Resolver, UrlGuard } from "../../src/access/url-guard.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import { asked, openRig, said } from "../kit/access-rig.ts";
import { HookServer } from "../kit/hook-server.ts";
import { ManualClock } from "../kit/manual-clock.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const clock = nodeClock();
const LOOPBACK = [parseNetwork("127.0.0.0/8")!];
const toLoopback: Resolver = () => Promise.resolve(["127.0.0.1"]);

const get = (
	url: string,
	more: { resolve?: Resolver; authorities?: string; networks?: typeof LOOPBACK } = {},
): Promise<FetchAnswer> => {
	const { resolve = toLoopback, authorities, networks = LOOPBACK } = more;
	const guard = new UrlGuard({ schemes: ["http", "https"], hosts: "any", networks, resolve });
	const parts = { guard, clock, ...(authorities !== undefined && { authorities }) };
	return guardedFetch(parts, { url, method: "GET", timeoutMs: 2000, mostBytes: 1000 });
};

/** A certificate that names one host. */
function certificateFor(host: string): { readonly key: string; readonly cert: string } {
	const folder = makeTempDir("certificate");
	const [key, cert] = ["key.pem", "cert.pem"].map((name) => join(folder, name));
	const made = spawnSync("openssl", [
		...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
		...["-subj", `/CN=${host}`, "-addext", `subjectAltName=DNS:${host}`, "-keyout", key!, "-out", cert!],
	]);
	if (made.status !== 0) throw new Error(`openssl: ${made.stderr.toString()}`);
	return { key: readFileSync(key!, "utf8"), cert: readFileSync(cert!, "utf8") };
}

test("an answer is read whole, up to its bound and no further", async () => {
	const server = await HookServer.start();
	server.reply((_call, response) => response.writeHead(418).end("x".repeat(1000)));
	expect(await get(server.url())).toEqual({ kind: "answered", status: 418, body: Buffer.alloc(1000, "x") });
	server.reply((_call, response) => response.end("x".repeat(1001)));
	expect(await get(server.url())).toEqual({ kind: "failed", why: "the answer has more than 1000 bytes" });
	server.reply((_call, response) => {
		response.write("x".repeat(600));
		response.end("x".repeat(600));
	});
	expect(await get(server.url())).toEqual({ kind: "failed", why: "the answer has more than 1000 bytes" });
	server.reply((_call, response) => {
		response.writeHead(200, { "Content-Length": "500" }).write("x".repeat(100));
		setTimeout(() => response.socket!.destroy(), 50);
	});
	expect((await get(server.url())).kind).toBe("failed");
});

test("SEC3: nothing is sent to a place that is not admitted", async () => {
	const server = await HookServer.start();
	expect((await get(server.url(), { networks: [] })).kind).toBe("refused");
	expect((await get(server.url("/", "inside.example"), { networks: [] })).kind).toBe("refused");
	expect((await get(server.url("/", "localhost"), { networks: [] })).kind).toBe("refused");
	expect((await get(server.url("/", "[::ffff:127.0.0.1]"), { networks: [] })).kind).toBe("refused");
	expect(server.connections).toBe(0);
	expect((await get(server.url())).kind).toBe("answered");
	expect(server.calls[0]!.headers).toEqual({
		...{ host: `127.0.0.1:${server.port}`, "accept-encoding": "identity", connection: "close" },
	});
});

describe("over TLS, to the address that was checked and by the name of the URL", () => {
	const certificate = certificateFor("hooks.example");
	let server: HookServer;
	beforeAll(async () => {
		server = await HookServer.start(certificate);
	});
	const authorities = certificate.cert;

	test("the name of the certificate answers", async () => {
		expect(await get(server.url("/", "hooks.example"), { authorities })).toMatchObject({
			kind: "answered",
			status: 200,
		});
		expect(server.calls[0]!.headers.host).toBe(`hooks.example:${server.port}`);
	});

	test.for(["other.example", "127.0.0.1", "example"])("SEC3: %s at the same address does not", async (host) => {
		const before = server.calls.length;
		const answer = await get(server.url("/", host), { authorities });
		expect(answer).toMatchObject({ kind: "failed", why: expect.stringMatching(/altnames/) });
		expect(server.calls).toHaveLength(before);
	});

	test("nobody is trusted who is not named", async () => {
		const answer = await get(server.url("/", "hooks.example"));
		expect(answer).toMatchObject({ kind: "failed", why: expect.stringMatching(/self-signed certificate/) });
	});
});

describe("SEC5: keys of an issuer by URL", () => {
	const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
	const next = generateKeyPairSync("rsa", { modulusLength: 2048 });
	const setOf = (keys: Readonly<Record<string, KeyObject>>): string =>
		JSON.stringify({ keys: Object.entries(keys).map(([kid, key]) => ({ ...key.export({ format: "jwk" }), kid })) });
	const settingsFor = (jwksUrl: string): AccessSettings => ({
		rights: [{ match: "*/*", verbs: ["play"], by: [{ jwt: "site" }] }],
		issuers: { site: { algorithm: "RS256", audience: "penstock", jwksUrl, cacheMs: 600_000 } },
	});

	test("are fetched once, again for a key that is new, and go on while they cannot be fetched", async () => {
		const server = await HookServer.start();
		server.reply((_call, response) => response.end(setOf({ one: pair.publicKey })));
		// Real time for the network's time-outs, and as much of it as the test likes.
		const manual = new ManualClock();
		const { control } = await openRig(settingsFor(server.url("/jwks.json")), { clock: manual });
		const token = (kid: string, key: KeyObject): Promise<string> =>
			makeJwt({
				...{ algorithm: "RS256", kid, audience: "penstock", paths: ["live/*"], verbs: ["play"] },
				key: new Secret(key.export({ type: "pkcs8", format: "pem" }).toString()),
				...{ issued: manual.wall(), expires: manual.wall() + 86_400_000 },
			});
		const ask = async (bearer: string): Promise<string> => said(await control.gate.ask(asked({ bearer })));
		const [one, two] = [await token("one", pair.privateKey), await token("two", next.privateKey)];
		expect(await Promise.all(Array.from({ length: 20 }, () => ask(one)))).toEqual(Array(20).fill("granted"));
		expect(server.calls).toHaveLength(1);
		expect(await ask(two)).toBe("ACCESS_REFUSED");
		expect(server.calls).toHaveLength(1);
		manual.advance(30_000);
		server.reply((_call, response) => response.end(setOf({ one: pair.publicKey, two: next.publicKey })));
		expect(await ask(two)).toBe("granted");
		expect(server.calls).toHaveLength(2);
		server.reply((_call, response) => response.writeHead(500).end());
		manual.advance(3_600_000);
		expect(await ask(two)).toBe("granted");
		for (let guess = 0; guess < 20; guess++) await ask(await token(`guess-${guess}`, pair.privateKey));
		expect(server.calls.length).toBeLessThanOrEqual(4);
	});

	test("SEC3: that lie inside are not fetched", async () => {
		const server = await HookServer.start();
		const url = `https://keys.example:${server.port}/jwks.json`;
		const { control } = await openRig(settingsFor(url), { resolve: toLoopback });
		const bearer = await makeJwt({
			...{ algorithm: "RS256", kid: "one", audience: "penstock", paths: ["live/*"], verbs: ["play"] },
			key: new Secret(pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
			...{ issued: clock.wall(), expires: clock.wall() + 1e9 },
		});
		expect(said(await control.gate.ask(asked({ bearer })))).toBe("ACCESS_AWAY");
		expect(server.connections).toBe(0);
	});
});
