/**
 * What strangers try, through the real protocols of a real server: names that are none, commands in names, credentials
 * of every wrong kind, requests that may be read in two ways, guesses; and that no secret is seen anywhere.
 * Of RTSP: rtsp-strangers.test.ts. Of RTMP's limits: rtmp-limits.test.ts. Of hooks and keys by URL: access-*.test.ts.
 */
import { createHash, createHmac } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { HookServer } from "../kit/hook-server.ts";
import { HOSTILE_PATHS } from "../kit/hostile-names.ts";
import { type Penstock, startCli, startPenstock, writeConfig } from "../kit/penstock.ts";
import { PUBLISHED, PublishingServer, publishWithFfmpeg } from "../kit/publishing.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { record } from "../kit/recording.ts";
import { attemptRtmp } from "../kit/rtmp-attempt.ts";
import { HIDDEN_MARK, refusedShapes } from "../kit/smuggling-shapes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

/** Secrets of every kind, each with a word by which it would be found. */
const CANARY = "canary9f3b";
const secretOf = (kind: string): string => `${CANARY}-${kind}-${"0123456789abcdef".repeat(3)}`;
const KEY = secretOf("key");
const PASSWORD = secretOf("password");
const URL_KEY = secretOf("url-key");
const TOKEN_KEY = secretOf("token-key");
const HOOK_TOKEN = secretOf("hook-token");
const API_TOKEN = secretOf("api-token");

/** What a request may take until it is whole. */
const SLOW_MS = 2000;

const folder = makeTempDir("security");
/** What FFmpeg was started with, one line each time. */
const COMMANDS = join(folder, "commands");
const SENTINEL = join(folder, "sentinel");

let hooks: HookServer;
let penstock: Penstock;
let rtmpPort: number;
/** Not for writing: the file's own folder must stay as it is. */
let config: Record<string, unknown>;

/** FFmpeg, and a record of how it was started. */
function witnessedFfmpeg(): string {
	const path = join(folder, "ffmpeg");
	writeFileSync(path, `#!/bin/sh\nprintf '%s ' "$@" >> '${COMMANDS}'\necho >> '${COMMANDS}'\nexec ffmpeg "$@"\n`);
	chmodSync(path, 0o755);
	return path;
}

beforeAll(async () => {
	hooks = await HookServer.start();
	const cam = { ...PUBLISHED, audio: "none" };
	config = {
		channels: { cam, open: cam, other: cam },
		ffmpeg: { path: witnessedFfmpeg() },
		http: { headersTimeoutMs: SLOW_MS },
		// Most of what is let in here waits for a picture that does not come.
		delivery: { startTimeoutMs: 500 },
		publish: { rtmp: { listen: "127.0.0.1:0", maxConnectionsPerAddress: 10_000, maxConnections: 10_000 } },
		api: { login: "always", token: { value: API_TOKEN } },
		access: {
			rights: [
				{ match: "live/open", verbs: ["publish", "play"], by: ["anyone"] },
				{
					...{ match: "live/cam", verbs: ["publish", "play"] },
					by: [{ key: "studio" }, { user: "ann" }, { signed: "web" }, { jwt: "site" }],
				},
				{ match: "live/other", verbs: ["play"], by: [{ signed: "web" }] },
			],
			keys: { studio: { value: KEY } },
			users: { ann: { value: PASSWORD } },
			urlKeys: { web: { value: URL_KEY } },
			issuers: { site: { algorithm: "HS256", audience: "penstock", key: { value: TOKEN_KEY } } },
			hooks: { urls: { on_stop: [hooks.url()] }, token: { value: HOOK_TOKEN } },
			leewayMs: 0,
		},
	};
	penstock = await startPenstock(config);
	rtmpPort = Number(new URL(new PublishingServer(penstock).rtmp.replace("rtmp:", "http:")).port);
}, 60_000);
afterAll(() => penstock.stop());

const api = async (path: string): Promise<string> =>
	await (await fetch(`${penstock.api}${path}`, { headers: { Authorization: `Bearer ${API_TOKEN}` } })).text();

async function metric(name: string): Promise<number> {
	const lines = (await api("/metrics"))
		.split("\n")
		.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
	return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });
/** Of somebody who guesses: the address is held back for it. */
const guesser = new Agent({ keepAlive: true, maxSockets: 8, localAddress: "127.0.99.1" });
afterAll(() => {
	agent.destroy();
	guesser.destroy();
});

interface Asking {
	readonly method?: string;
	/** As it stands in the request line. */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly localAddress?: string;
	readonly agent?: Agent;
	readonly body?: string;
}

/** @returns status and code; of a stream, 200, and the connection is closed */
async function ask({
	method = "GET",
	path,
	headers = {},
	localAddress,
	agent: by = agent,
	body,
}: Asking): Promise<readonly [number, string]> {
	const { hostname: host, port } = new URL(penstock.http);
	const { promise, resolve, reject } = Promise.withResolvers<readonly [number, string]>();
	const how = localAddress === undefined ? { agent: by } : { localAddress };
	const asking = request({ ...{ host, port, method, path, headers }, ...how }, (response) => {
		const status = response.statusCode ?? 0;
		if (status === 200) {
			response.destroy();
			resolve([200, ""]);
			return;
		}
		let text = "";
		response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
		response.on("end", () => resolve([status, /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? ""]));
	});
	asking.once("error", reject);
	asking.end(body);
	return await promise;
}

/** All files below, and what is in them. */
function digestOf(path: string): string {
	const hash = createHash("sha256");
	for (const entry of readdirSync(path, { recursive: true, withFileTypes: true }).toSorted((a, b) =>
		join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1,
	)) {
		const file = join(entry.parentPath, entry.name);
		hash.update(file);
		if (entry.isFile()) hash.update(readFileSync(file));
	}
	return hash.digest("hex");
}

const COMMAND_PAYLOADS = [
	...[
		`$(touch ${SENTINEL})`,
		`\`touch ${SENTINEL}\``,
		`;touch ${SENTINEL};`,
		`|touch ${SENTINEL}`,
		`&touch ${SENTINEL}&`,
	],
	...[`\ntouch ${SENTINEL}\n`, `\r\ntouch ${SENTINEL}`, `>${SENTINEL}`, `-i ${SENTINEL}`, "-filter_complex", "-f"],
	...[
		`,movie=${SENTINEL}`,
		`[in]movie=${SENTINEL}[out]`,
		`concat:${SENTINEL}`,
		`file:${SENTINEL}`,
		"'\"\\",
		"%s%n",
		"{{7*7}}",
	],
];

/** Those that a client of HTTP sends as they are. */
const SENDABLE = HOSTILE_PATHS.filter((path) => /^\/[!-~]*$/.test(path));

describe("SEC1: names that are none", () => {
	test(`${SENDABLE.length} paths by PUT, POST and GET name no stream, and nothing is written anywhere`, async () => {
		const before = digestOf(folder);
		for (const path of SENDABLE) {
			for (const method of ["PUT", "POST", "GET"]) {
				const [status] = await ask({ method, path, headers: { "Content-Type": "video/mp2t" } });
				expect([method, path, status >= 300 && status < 500]).toEqual([method, path, true]);
			}
		}
		expect(JSON.parse(await api("/api/v1/publishers"))).toEqual({ publishers: [] });
		expect(digestOf(folder)).toBe(before);
	});

	test(`${HOSTILE_PATHS.length} of them by RTMP, as app and as name`, async () => {
		const before = digestOf(folder);
		for (const path of HOSTILE_PATHS) {
			const name = Buffer.from(path.slice(0, 3000), "latin1").toString();
			for (const attempt of [{ name }, { app: name }]) {
				const word = await attemptRtmp(rtmpPort, attempt);
				expect([path, word]).toEqual([path, expect.stringMatching(/^(NAME_INVALID|ACCESS_\w+|CHANNEL_NOT_FOUND)$/)]);
			}
		}
		expect(JSON.parse(await api("/api/v1/publishers"))).toEqual({ publishers: [] });
		expect(digestOf(folder)).toBe(before);
	});

	test("and to the API", async () => {
		for (const path of SENDABLE) {
			for (const where of ["/api/v1/channels", "/api/v1/publishers", "/api/v1/viewers", "/console", "/player"]) {
				const { status } = await fetch(`${penstock.api}${where}${path}`, {
					headers: { Authorization: `Bearer ${API_TOKEN}` },
				});
				expect([where, path, status]).toEqual([
					where,
					path,
					expect.toSatisfy((one: number) => one >= 400 && one < 500),
				]);
			}
		}
	});
});

test("SEC2: commands in names, queries and metadata reach no shell and no FFmpeg", async () => {
	for (const payload of COMMAND_PAYLOADS) {
		const query = encodeURIComponent(payload);
		expect(await attemptRtmp(rtmpPort, { name: payload })).not.toBe("granted");
		expect(
			await attemptRtmp(rtmpPort, {
				more: [
					["swfUrl", payload],
					["tcUrl", `rtmp://${payload}/live`],
				],
			}),
		).not.toBe("granted");
		expect((await ask({ method: "PUT", path: `/live/${query}` }))[0]).toBe(400);
	}
	// One that is let in, with all of it in its query and its metadata.
	const query = COMMAND_PAYLOADS.map((payload, index) => `p${index}=${encodeURIComponent(payload)}`).join("&");
	const url = `${penstock.http}/live/open.flv?${query}`;
	const metadata = COMMAND_PAYLOADS.flatMap((payload) => ["-metadata", `title=${payload}`]);
	const sending = publishWithFfmpeg([...metadata, "-f", "flv", "-method", "PUT", url]);
	await eventually(
		async () => expect(JSON.parse(await api("/api/v1/channels/live/open"))).toMatchObject({ live: true }),
		30_000,
	);
	await sending.stop();
	expect(existsSync(SENTINEL)).toBe(false);
	const started = readFileSync(COMMANDS, "utf8")
		.split("\n")
		.filter((line) => line.includes("pipe:"));
	expect(started.length).toBeGreaterThan(0);
	for (const line of started)
		for (const part of ["sentinel", "movie", "touch", "7*7"]) expect(line).not.toContain(part);
});

/** A query by which a URL is signed, of anything. */
function signed(
	verb: string,
	path: string,
	{ expires = Date.now() / 1000 + 600, once = "", key = URL_KEY } = {},
): string {
	const lines = ["penstock-url-1", verb, path, String(Math.floor(expires)), "web", once];
	const sign = createHmac("sha256", key).update(lines.join("\n")).digest("base64url");
	const more = once === "" ? "" : `&once=${once}`;
	return `kid=web&expires=${Math.floor(expires)}${more}&sign=${sign}`;
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function jwt(claims: object, { header = {}, key = TOKEN_KEY, hash = "sha256" } = {}): string {
	const now = Math.floor(Date.now() / 1000);
	const whole = { aud: "penstock", exp: now + 600, path: "live/cam", verbs: ["publish", "play"], ...claims };
	const text = `${part({ alg: "HS256", typ: "JWT", ...header })}.${part(whole)}`;
	return `token=${text}.${createHmac(hash, key).update(text).digest("base64url")}`;
}

const past = (): number => Math.floor(Date.now() / 1000) - 10;
const onceOf = (name: string): string =>
	`${Math.floor(Date.now() / 1000)}.${name.replaceAll(/[^a-z]/gi, "").padEnd(43, "x")}`;

/** What is brought for `verb` of live/cam, and why it is not good. */
const WRONG: readonly (readonly [string, (verb: "publish" | "play") => string])[] = [
	["nothing", () => ""],
	["a wrong key", () => `token=${"wrong".repeat(5)}`],
	["the right key twice", () => `token=${KEY}&token=${KEY}`],
	["the key of URLs as a key", () => `token=${URL_KEY}`],
	["a signature that has expired", (verb) => signed(verb, "live/cam", { expires: past() })],
	["a signature of another stream", (verb) => signed(verb, "live/other")],
	["a signature of the other verb", (verb) => signed(verb === "play" ? "publish" : "play", "live/cam")],
	["a signature by another key", (verb) => signed(verb, "live/cam", { key: KEY })],
	["a token that has expired", () => jwt({ exp: past() })],
	["a token without an end", () => jwt({ exp: undefined })],
	["a token of another stream", () => jwt({ path: "live/other" })],
	["a token of the other verb", (verb) => jwt({ verbs: [verb === "play" ? "publish" : "play"] })],
	["a token for others", () => jwt({ aud: "somebody" })],
];

/** Each from an address of its own: whoever was wrong ten times waits. */
let lastAddress = 0;
const nextAddress = (): string => `127.0.${10 + Math.floor(++lastAddress / 200)}.${1 + (lastAddress % 200)}`;

const attempts = {
	"publish by RTMP": async (query: string) => {
		const word = await attemptRtmp(rtmpPort, { name: `cam?${query}`, localAddress: nextAddress() });
		return word === "granted" ? "granted" : word;
	},
	"publish by HTTP": async (query: string) => {
		const headers = { "Content-Type": "video/mp2t" };
		const path = `/live/cam?${query}`;
		const [status, code] = await ask({ method: "PUT", path, headers, localAddress: nextAddress(), body: "x" });
		return status === 204 ? "granted" : code;
	},
	"play in a packaging": async (query: string) => {
		const [status, code] = await ask({ path: `/live/cam.flv?${query}`, localAddress: nextAddress() });
		return status === 200 || code === "CHANNEL_NOT_READY" ? "granted" : code;
	},
	"be told of it": async (query: string) => {
		const [status, code] = await ask({ path: `/live/cam.json?${query}`, localAddress: nextAddress() });
		return status === 200 ? "granted" : code;
	},
} as const;

describe.for(Object.entries(attempts))("SEC4: to %s with", ([what, attempt]) => {
	const verb = what.startsWith("publish") ? "publish" : "play";

	test.for(WRONG)("%s: refused", async ([, query]) => {
		expect(await attempt(query(verb))).toMatch(/^ACCESS_(CREDENTIALS|REFUSED|EXPIRED)$/);
	});

	test.for([
		["the key", () => `token=${KEY}`],
		["a signature", () => signed(verb, "live/cam")],
		["a token", () => jwt({})],
	] as const)("%s: granted", { timeout: 30_000 }, async ([, query]) => {
		expect(await attempt(query())).toBe("granted");
	});

	test("a URL that was good for one time: refused the second time, wherever it comes from", {
		timeout: 30_000,
	}, async () => {
		const query = signed(verb, "live/cam", { once: onceOf(what) });
		expect(await attempt(query)).toBe("granted");
		expect(await attempt(query)).toBe("ACCESS_REPLAYED");
	});
});

test("SEC4: what no right names is refused, and nobody is told whether it is there", async () => {
	for (const path of ["/live/other.ts", "/live/nothing.ts"]) {
		const [status] = await ask({ path: `${path}?token=${KEY}`, localAddress: nextAddress() });
		expect([401, 403]).toContain(status);
	}
	const other = await ask({ path: `/live/other.ts?token=${KEY}`, localAddress: nextAddress() });
	const nothing = await ask({ path: `/live/nothing.ts?token=${KEY}`, localAddress: nextAddress() });
	expect([other[1], nothing[1]]).toEqual(["ACCESS_REFUSED", "ACCESS_REFUSED"]);
});

describe("SEC5: a token that is not what it says, over HTTP and RTMP", () => {
	const none = (): string => {
		const [header, claims] = [part({ alg: "none" }), jwt({}).split(".")[1]!];
		return `token=${header}.${claims}.`;
	};
	test.for([
		["no algorithm", none],
		["another hash, with its signature", () => jwt({}, { header: { alg: "HS512" }, hash: "sha512" })],
		["RS256 said, HS256 done", () => jwt({}, { header: { alg: "RS256" } })],
		["another key", () => jwt({}, { key: KEY })],
		["a key of its own", () => jwt({}, { header: { jwk: { kty: "oct", k: "AAAA" } } })],
		["a URL of keys", () => jwt({}, { header: { jku: hooks.url() } })],
		["a kid that is a path", () => jwt({}, { header: { kid: "../../../../dev/null" } })],
		["something critical", () => jwt({}, { header: { crit: ["exp"] } })],
		["a signature that is cut", () => jwt({}).slice(0, -4)],
		["9 KiB of claims", () => jwt({ filler: "x".repeat(9000) })],
	] as const)("%s: refused", async ([, query]) => {
		const calls = hooks.connections;
		for (const what of ["play in a packaging", "publish by RTMP"] as const) {
			expect(await attempts[what](query())).toMatch(/^(ACCESS_(REFUSED|CREDENTIALS)|HTTP_\w+|NAME_INVALID|)$/);
		}
		expect(hooks.connections).toBe(calls);
	});
});

describe("SEC12: a publisher's request that may be read in two ways", () => {
	test.for(refusedShapes("/live/open").map(({ name, bytes }) => ({ name, bytes: bytes.replace(/^GET/, "PUT") })))(
		"$name: one answer at most, and nothing behind it",
		async ({ bytes }) => {
			const connection = new RawConnection(penstock.http).write(bytes);
			await connection.until(/HTTP\/1\.1 [1-5]\d\d/).catch(() => undefined);
			await connection.closed;
			expect(connection.answers).toBeLessThanOrEqual(1);
			expect(connection.text).not.toContain(HIDDEN_MARK);
			expect(connection.text).not.toMatch(/^HTTP\/1\.1 2/);
		},
	);
});

describe("a request that takes its time, beside publishers whose body has no end", () => {
	const head = (method: string, path: string): string =>
		`${method} ${path} HTTP/1.1\r\nHost: penstock.test\r\nContent-Type: video/mp2t\r\nContent-Length: 1000000\r\n\r\n`;

	test.for([
		["a header that does not end", "PUT /live/open.ts HTTP/1.1\r\nHost: penstock.test\r\nX-Slow: ", 408],
		["a body of a stranger", head("PUT", "/live/cam.ts"), 401],
		["a body for a stream that nobody waits for", head("PUT", "/live/nothing.ts"), 403],
		["a body of no publisher's method", head("DELETE", "/live/open.ts"), 405],
		["a body of a report", head("POST", "/report/network"), 415],
		["a body for a page", head("PUT", "/play/live/open"), 405],
	] as const)("%s: its connection is closed in time", { timeout: 30_000 }, async ([, bytes, status]) => {
		const connection = new RawConnection(penstock.http, { allowHalfOpen: true }).write(bytes);
		const dripping = setInterval(() => connection.write("x"), 100);
		await connection.closed;
		clearInterval(dripping);
		expect(connection.text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(connection.answers).toBe(1);
	});
});

test("SEC20: of ten thousand guesses at a key, a few are looked at; who has it still gets in", {
	timeout: 120_000,
}, async () => {
	const before = await metric("penstock_access_evaluated_total");
	const guesses = Array.from({ length: 10_000 }, (_, index) => `token=${"guess".repeat(4)}${index}`);
	const codes = new Set<string>();
	const work = async (): Promise<void> => {
		for (let guess = guesses.pop(); guess !== undefined; guess = guesses.pop()) {
			codes.add((await ask({ path: `/live/cam.json?${guess}`, agent: guesser }))[1]);
		}
	};
	await Promise.all(Array.from({ length: 8 }, work));
	expect(codes).toEqual(new Set(["ACCESS_REFUSED", "ACCESS_RATE"]));
	expect((await metric("penstock_access_evaluated_total")) - before).toBeLessThan(60);
	expect(await attempts["be told of it"](`token=${KEY}`)).toBe("granted");
});

test("SEC14: no secret is in a log, an answer, a metric, the API or a command line", { timeout: 60_000 }, async () => {
	const seen: string[] = [];
	const url = new PublishingServer(penstock).rtmp;
	const sending = publishWithFfmpeg(["-f", "flv", `${url}/live/cam?token=${KEY}`]);
	await eventually(
		async () => expect(JSON.parse(await api("/api/v1/channels/live/cam"))).toMatchObject({ live: true }),
		30_000,
	);
	const recording = await record(`${penstock.http}/live/cam.ts?token=${KEY}`);
	await recording.until(({ units }) => units.length > 1);
	for (const path of ["channels", "viewers", "publishers", "server", "openapi.json", "rules"])
		seen.push(await api(`/api/v1/${path}`));
	seen.push(await api("/metrics"), await api("/healthz"));
	for (const query of [
		`token=${KEY}x`,
		`token=${TOKEN_KEY}`,
		signed("play", "live/other"),
		jwt({ path: "live/other" }),
	]) {
		const answer = await fetch(`${penstock.http}/live/cam.ts?${query}`);
		seen.push(await answer.text(), JSON.stringify([...answer.headers]));
	}
	const basic = { Authorization: `Basic ${btoa(`ann:${PASSWORD}x`)}` };
	seen.push(await (await fetch(`${penstock.http}/live/cam.ts`, { headers: basic })).text());
	seen.push(await (await fetch(`${penstock.api}/`, { headers: { Authorization: `Bearer ${API_TOKEN}x` } })).text());
	const pids = [penstock.process.pid, JSON.parse(await api("/api/v1/channels/live/cam")).ladder.pid as number];
	for (const pid of pids) seen.push(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
	recording.viewer.close();
	await sending.stop();
	await eventually(async () => expect(hooks.calls.length).toBeGreaterThan(0));
	seen.push(JSON.stringify(penstock.log), penstock.process.stderr, readFileSync(COMMANDS, "utf8"));
	// What was asked for stands in answers as a path, without its query.
	for (const text of seen) expect(text).not.toContain(CANARY);
	// The hook itself is told who asks, and what the client brought.
	expect(hooks.calls[0]?.headers["authorization"]).toBe(`Bearer ${HOOK_TOKEN}`);
});

test("SEC14: nor is one in what penstock check says, or in an error of the configuration", async () => {
	const checking = startCli(["check", "-c", writeConfig(config)]);
	await checking.exited;
	const access = { ...(config["access"] as object), keys: { studio: { value: KEY, file: "x" } } };
	const wrong = startCli(["check", "-c", writeConfig({ ...config, access })]);
	expect((await wrong.exited).code).toBe(2);
	for (const { stdout, stderr } of [checking, wrong]) expect(stdout + stderr).not.toContain(CANARY);
});

/** A server as it is at its first start, of a configuration that says nothing of access. */
async function freshServer(): Promise<{ readonly port: number; readonly http: string; readonly key: string }> {
	const file = writeConfig({
		channels: { cam: { ...PUBLISHED, audio: "none" } },
		publish: { rtmp: { listen: "127.0.0.1:0" } },
	});
	const [line] = await startCli(["serve", "-c", file]).waitForLine(/^\{.*"msg":"listening".*\}$/, 60_000);
	const { http, rtmp } = JSON.parse(line) as { http: string; rtmp: string };
	const telling = startCli(["token", "publish", "live/cam", "-c", file]);
	expect((await telling.exited).code).toBe(0);
	const made = join(dirname(file), "secrets", "keys-publish");
	expect(statSync(made).mode & 0o777).toBe(0o600);
	const key = telling.stdout.trim();
	expect(key).toBe(`token=${readFileSync(made, "utf8").trim()}`);
	return { port: Number(new URL(rtmp.replace("rtmp:", "http:")).port), http, key };
}

test("SEC6: a fresh start lets nobody publish but who has the key that it made, and no two have the same", async () => {
	const [one, other] = await Promise.all([freshServer(), freshServer()]);
	expect(one.key).not.toBe(other.key);
	expect(await attemptRtmp(one.port, { name: "cam" })).toBe("ACCESS_CREDENTIALS");
	expect(await attemptRtmp(one.port, { name: `cam?${other.key}` })).toBe("ACCESS_REFUSED");
	const push = { method: "PUT", body: "x", headers: { "Content-Type": "video/mp2t" } };
	expect((await fetch(`${one.http}/live/cam`, push)).status).toBe(401);
	expect(await attemptRtmp(one.port, { name: `cam?${one.key}` })).toBe("granted");
	expect((await fetch(`${one.http}/live/cam.json`)).status).toBe(200);
});
