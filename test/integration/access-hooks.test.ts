/** HTTP hooks against a real server: what they are told, what their answers mean, and what they cannot do to us. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { type AccessControl, openAccess } from "../../src/access/access-control.ts";
import { Secret } from "../../src/access/secret.ts";
import type { AccessSettings, HookSettings } from "../../src/access/settings.ts";
import { signUrl } from "../../src/access/signed-url.ts";
import type { Resolver } from "../../src/access/url-guard.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import { asked, nameOf, refusalOf, said } from "../kit/access-rig.ts";
import { eventually } from "../kit/eventually.ts";
import { HookServer } from "../kit/hook-server.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const clock = nodeClock();
const URL_KEY = randomBytes(32).toString("base64url");
const TIMEOUT_MS = 400;

let server: HookServer;
let troubles: string[];

beforeEach(async () => {
	server = await HookServer.start();
	troubles = [];
});

interface Rig {
	readonly hooks?: Partial<HookSettings>;
	readonly settings?: Partial<AccessSettings>;
	readonly resolve?: Resolver;
}

function open({ hooks = {}, settings = {}, resolve }: Rig = {}): Promise<AccessControl> {
	const url = server.url();
	return openAccess({
		settings: {
			rights: [{ match: "live/*", verbs: ["publish", "play"], by: ["hook"] }],
			hooks: {
				urls: { on_publish: [url], on_play: [url], on_unpublish: [url], on_stop: [url], on_switch: [url] },
				...{ timeoutMs: TIMEOUT_MS, cacheMs: 0, ...hooks },
			},
			...settings,
		},
		...{ clock, folder: makeTempDir("access"), environment: {}, onTrouble: (why) => troubles.push(why) },
		...(resolve && { resolve }),
	});
}

const ask = async ({ gate }: AccessControl, what: Parameters<typeof asked>[0] = {}): Promise<string> =>
	said(await gate.ask(asked(what)));

test("a hook is told what hooks of SRS are told, and one client_id goes through the whole session", async () => {
	const { gate, hooks } = await open();
	const request = asked({ verb: "publish", protocol: "rtmp", query: "token=abc&x=1", address: "192.0.2.7" });
	expect(await gate.ask(request)).toMatchObject({ kind: "granted", principal: "hook" });
	expect(server.calls[0]!.body).toEqual({
		...{
			server_id: "penstock",
			action: "on_publish",
			client_id: expect.stringMatching(/^[0-9a-f]{16}$/),
			ip: "192.0.2.7",
		},
		...{ vhost: "__defaultVhost__", app: "live", stream: "cam", param: "?token=abc&x=1", pageUrl: "" },
		...{ tcUrl: "rtmp://__defaultVhost__/live", stream_url: "/live/cam", protocol: "rtmp" },
	});
	expect(server.calls[0]!.headers).toMatchObject({
		"content-type": "application/json",
		host: `127.0.0.1:${server.port}`,
	});
	expect((await gate.ask(request)).kind).toBe("granted");
	hooks!.tell("on_switch", request, { from: "high", to: "low", because: "network" });
	await eventually(async () => expect(server.actions).toHaveLength(3));
	hooks!.tell("on_unpublish", request);
	await eventually(async () =>
		expect(server.actions).toEqual(["on_publish", "on_publish", "on_switch", "on_unpublish"]),
	);
	expect(server.calls[1]!.body).toMatchObject({ recheck: true });
	expect(server.calls[2]!.body).toMatchObject({ from: "high", to: "low", because: "network" });
	expect(new Set(server.calls.map(({ body }) => body["client_id"])).size).toBe(1);
	await ask({ gate } as AccessControl, { query: "token=abc&x=1" });
	expect(server.calls.at(-1)!.body["client_id"]).not.toBe(server.calls[0]!.body["client_id"]);
});

test("what happens in a session is told in its order, and a stop can wait until all is told", async () => {
	// Each sooner than the one before it.
	server.reply((_call, response) => setTimeout(() => response.end("0"), 60 - 5 * server.calls.length));
	const { hooks, counts } = await open();
	const [one, other] = [asked(), asked()];
	for (let unit = 0; unit < 8; unit++)
		hooks!.tell("on_switch", one, { from: "high", to: "low", because: `unit ${unit}` });
	hooks!.tell("on_stop", one);
	hooks!.tell("on_stop", other);
	await hooks!.settled();
	const ids = server.calls.map(({ body }) => body["client_id"]);
	const [first] = ids;
	const told = server.calls
		.filter((_call, index) => ids[index] === first)
		.map(({ body }) => body["because"] ?? body["action"]);
	expect(told).toEqual([...Array.from({ length: 8 }, (_, unit) => `unit ${unit}`), "on_stop"]);
	expect(ids).toHaveLength(10);
	expect(counts.hooks).toMatchObject({ yes: 10, lost: 0 });
	server.reply((_call, response) => response.writeHead(500).end());
	hooks!.tell("on_stop", one);
	await hooks!.settled();
	expect(counts.hooks.lost).toBe(1);
});

test("user, password and Bearer are handed on, for only the hook can judge them", async () => {
	const control = await open();
	await ask(control, { user: "camera", password: "secret", bearer: "a.b.c" });
	expect(server.calls[0]!.body).toMatchObject({ user: "camera", password: "secret", token: "a.b.c", param: "" });
});

test.for([
	[200, "0", "granted"],
	[200, " 0\n", "granted"],
	[200, "", "granted"],
	[204, "", "granted"],
	[201, '{"code":0}', "granted"],
	[200, '{"code": 0, "data": {"urls": []}}', "granted"],
	[200, "1", "ACCESS_HOOK"],
	[200, "ok", "ACCESS_HOOK"],
	[200, "true", "ACCESS_HOOK"],
	[200, '"0"', "ACCESS_HOOK"],
	[200, "00", "ACCESS_HOOK"],
	[200, '{"code":1}', "ACCESS_HOOK"],
	[200, '{"code":"0"}', "ACCESS_HOOK"],
	[200, '{"code":0,"code":1}', "ACCESS_HOOK"],
	[200, '{"code":1,"code":0}', "ACCESS_HOOK"],
	[200, '{"Code":0}', "ACCESS_HOOK"],
	[200, "[0]", "ACCESS_HOOK"],
	[200, "null", "ACCESS_HOOK"],
	[200, "<html></html>", "ACCESS_HOOK"],
	[401, "0", "ACCESS_HOOK"],
	[403, "", "ACCESS_HOOK"],
	[404, "0", "ACCESS_HOOK"],
	[500, "0", "ACCESS_AWAY"],
	[503, "", "ACCESS_AWAY"],
	[301, "0", "ACCESS_AWAY"],
	[304, "", "ACCESS_AWAY"],
] as const)("%i with %j means %s", async ([status, body, expected]) => {
	server.reply((_call, response) => response.writeHead(status).end(body));
	expect(await ask(await open())).toBe(expected);
});

describe("SEC4: a hook that is away lets nobody new in, and ends nobody", () => {
	const AWAY: Readonly<Record<string, (server: HookServer) => void>> = {
		silent: (one) => one.reply(() => undefined),
		failing: (one) => one.reply((_call, response) => response.writeHead(500).end()),
		"cut off": (one) => one.reply((_call, response) => void response.socket!.destroy()),
		"dripping for ever": (one) =>
			one.reply((_call, response) => {
				const drip = (): void => {
					if (response.destroyed) return;
					response.write("0");
					setTimeout(drip, 50);
				};
				drip();
			}),
		"without an end of its headers": (one) =>
			one.reply((_call, response) => {
				response.socket!.write(`HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(10_000)}`);
			}),
		"of a megabyte": (one) => one.reply((_call, response) => response.end(" ".repeat(1_000_000))),
		"without end": (one) =>
			one.reply((_call, response) => {
				const pour = (): void => {
					while (!response.destroyed && response.write(Buffer.alloc(65_536)));
				};
				response.on("drain", pour);
				pour();
			}),
		"no HTTP": (one) => one.reply((_call, response) => void response.socket!.end("SSH-2.0-x\r\n")),
		compressed: (one) =>
			one.reply((_call, response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end("x")),
	};

	test.for(Object.keys(AWAY))("%s", async (how) => {
		const control = await open();
		const running = asked({ query: "token=running" });
		expect((await control.gate.ask(running)).kind).toBe("granted");
		AWAY[how]!(server);
		const start = performance.now();
		const refusal = refusalOf(await control.gate.ask(asked({ query: "token=new" })));
		expect(refusal.message).toMatch(/^ACCESS_AWAY: play of \/live\/cam is refused: who has to be asked cannot be: /);
		expect(performance.now() - start).toBeLessThan(TIMEOUT_MS + 1500);
		expect((await control.gate.ask(running)).kind).toBe("granted");
		expect(troubles[0]).toMatch(/^on_play http:\/\/127\.0\.0\.1:\d+\/hook: /);
		await eventually(async () => expect(server.open).toBe(0));
	});

	test("it answers again: who runs is asked about, and may be ended", async () => {
		const control = await open();
		const running = asked();
		await control.gate.ask(running);
		server.reply((_call, response) => response.writeHead(500).end());
		expect((await control.gate.ask(running)).kind).toBe("granted");
		server.reply((_call, response) => response.end("1"));
		expect(refusalOf(await control.gate.ask(running)).code).toBe("ACCESS_HOOK");
		server.reply((_call, response) => response.writeHead(500).end());
		expect(refusalOf(await control.gate.ask(running)).code).toBe("ACCESS_AWAY");
	});

	test("where the configuration says so, it lets in", async () => {
		server.reply((_call, response) => response.writeHead(500).end());
		expect(await ask(await open({ hooks: { whenAway: "grant" } }))).toBe("granted");
	});
});

test("not more than 64 calls are under way at once, and all are answered", async () => {
	server.reply((_call, response) => setTimeout(() => response.end("0"), 30));
	const control = await open({ hooks: { timeoutMs: 20_000 } });
	const answers = await Promise.all(
		Array.from({ length: 300 }, (_, index) => ask(control, { address: `10.0.${index >> 8}.${index & 255}` })),
	);
	expect(answers.filter((one) => one === "granted")).toHaveLength(300);
	expect(server.mostOpen).toBeLessThanOrEqual(64);
	expect(server.mostOpen).toBeGreaterThan(32);
});

test("one source has not more than eight of them", async () => {
	server.reply((_call, response) => setTimeout(() => response.end("0"), 30));
	const control = await open({ hooks: { timeoutMs: 20_000 } });
	await Promise.all(Array.from({ length: 60 }, (_, index) => ask(control, { query: `token=${index}` })));
	expect(server.mostOpen).toBeLessThanOrEqual(8);
});

test("an answer is kept for the same verb, stream, address and credentials, and for nothing else", async () => {
	const control = await open({ hooks: { cacheMs: 300 } });
	for (let i = 0; i < 5; i++) expect(await ask(control, { query: "token=a" })).toBe("granted");
	await Promise.all(Array.from({ length: 10 }, () => ask(control, { query: "token=b" })));
	expect(server.calls).toHaveLength(2);
	await ask(control, { query: "token=a", address: "192.0.2.99" });
	await ask(control, { query: "token=a", path: "live/other" });
	await ask(control, { query: "token=a", verb: "publish" });
	await ask(control, { bearer: "a" });
	expect(server.calls).toHaveLength(6);
	server.reply((_call, response) => response.end("1"));
	expect(await ask(control, { query: "token=a" })).toBe("granted");
	await sleep(350);
	expect(await ask(control, { query: "token=a" })).toBe("ACCESS_HOOK");
	server.reply((_call, response) => response.end("0"));
	expect(await ask(control, { query: "token=a" })).toBe("ACCESS_HOOK");
});

test("all hooks of an action must say yes, and who is not sure of himself is not asked again", async () => {
	const second = await HookServer.start();
	const control = await open({
		hooks: { urls: { on_play: [server.url("/one"), second.url("/two")], on_publish: [server.url()] } },
	});
	expect(await ask(control)).toBe("granted");
	second.reply((_call, response) => response.end("7"));
	expect(await ask(control)).toBe("ACCESS_HOOK");
	server.reply((_call, response) => response.end("7"));
	expect(await ask(control)).toBe("ACCESS_HOOK");
	expect([server.calls.length, second.calls.length]).toEqual([3, 2]);
});

test("a hook has the last word over any other means, and a single-use URL that it refused can still be used", async () => {
	const urlKeys = { web: { value: new Secret(URL_KEY) } };
	const rights = [{ match: "live/*", verbs: ["play"], by: [{ signed: "web" }] }] as const;
	const control = await open({ settings: { rights, urlKeys } });
	const sign = {
		kid: nameOf("web"),
		key: new Secret(URL_KEY),
		verb: "play",
		app: nameOf("live"),
		stream: nameOf("cam"),
	} as const;
	const issued = clock.wall() + 1000;
	const query = signUrl({ ...sign, expires: issued + 60_000, once: { now: issued } });
	expect(await ask(control)).toBe("ACCESS_CREDENTIALS");
	expect(server.calls).toHaveLength(0);
	server.reply((_call, response) => response.writeHead(503).end());
	expect(await ask(control, { query })).toBe("ACCESS_AWAY");
	server.reply((_call, response) => response.end("0"));
	expect(await ask(control, { query })).toBe("granted");
	expect(await ask(control, { query })).toBe("ACCESS_REPLAYED");
});

test("SEC20: who guesses at a hook is held back before it", async () => {
	server.reply((_call, response) => response.end("1"));
	const control = await open();
	for (let guess = 0; guess < 300; guess++) await ask(control, { query: `token=${guess}` });
	expect(server.calls.length).toBeLessThanOrEqual(20);
	expect(await ask(control, { query: "token=x" })).toBe("ACCESS_RATE");
});

describe("SEC3", () => {
	test("a redirect is not followed, wherever it leads", async () => {
		const inside = await HookServer.start();
		for (const status of [301, 302, 303, 307, 308]) {
			server.reply((_call, response) => response.writeHead(status, { Location: inside.url("/secret") }).end());
			expect(await ask(await open())).toBe("ACCESS_AWAY");
		}
		expect(inside.connections).toBe(0);
	});

	test("a hook's name that leads inside is not dialled, unless its network is named", async () => {
		const url = server.url("/hook", "hooks.example");
		const hooks = { urls: { on_play: [url], on_publish: [url] } };
		const resolve: Resolver = () => Promise.resolve(["127.0.0.1"]);
		expect(await ask(await open({ hooks, resolve }))).toBe("ACCESS_AWAY");
		expect(server.connections).toBe(0);
		expect(troubles[0]).toMatch(/hooks\.example leads to 127\.0\.0\.1, which is a loopback address; name its network/);
		const named = await open({ hooks, resolve, settings: { networks: ["127.0.0.0/8"] } });
		expect(await ask(named)).toBe("granted");
		expect(server.calls[0]!.headers.host).toBe(`hooks.example:${server.port}`);
	});

	test("a name that changes its address between the check and the call is dialled where it was checked", async () => {
		const url = server.url("/hook", "hooks.example");
		const answers = [["127.0.0.1"], ["169.254.169.254"]];
		let lookups = 0;
		const resolve: Resolver = () => Promise.resolve(answers[lookups++] ?? []);
		const settings = { networks: ["127.0.0.0/8"] };
		const control = await open({ hooks: { urls: { on_play: [url], on_publish: [url] } }, resolve, settings });
		expect(await ask(control)).toBe("granted");
		expect([lookups, server.calls.length]).toEqual([1, 1]);
		expect(await ask(control)).toBe("ACCESS_AWAY");
		expect(server.connections).toBe(1);
	});

	test("a resolver that never answers costs the time-out and no more", async () => {
		const url = server.url("/hook", "hooks.example");
		const control = await open({
			hooks: { urls: { on_play: [url], on_publish: [url] } },
			resolve: () => new Promise(() => undefined),
		});
		const start = performance.now();
		expect(await ask(control)).toBe("ACCESS_AWAY");
		expect(performance.now() - start).toBeLessThan(TIMEOUT_MS + 1500);
	});
});

test("SEC16: an answer without end costs no memory", async () => {
	server.reply((_call, response) => {
		const pour = (): void => {
			while (!response.destroyed && response.write(Buffer.alloc(1 << 20)));
		};
		response.on("drain", pour);
		pour();
	});
	const control = await open();
	const before = process.memoryUsage().rss;
	for (let round = 0; round < 20; round++) {
		await Promise.all(Array.from({ length: 8 }, (_, index) => ask(control, { query: `token=${round}-${index}` })));
	}
	expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
});

test("SEC14: neither troubles nor answers show what a client or the configuration entrusts to a hook", async () => {
	const canary = "canary-0123456789abcdef";
	const url = server.url(`/hook?secret=${canary}`);
	const control = await open({
		hooks: { urls: { on_play: [url], on_publish: [url] }, token: { value: new Secret(canary) } },
	});
	expect(await ask(control, { query: `token=${canary}` })).toBe("granted");
	expect(server.calls[0]!.headers.authorization).toBe(`Bearer ${canary}`);
	expect(server.calls[0]!.url).toBe(`/hook?secret=${canary}`);
	server.reply((_call, response) => void response.socket!.destroy());
	const answer = await control.gate.ask(asked({ query: `token=${canary}-2` }));
	expect(said(answer)).toBe("ACCESS_AWAY");
	expect(troubles).toHaveLength(1);
	for (const text of [
		troubles.join(),
		inspect({ answer, control }, { depth: 20, showHidden: true }),
		JSON.stringify(answer),
	]) {
		expect(text).not.toContain(canary);
	}
});
