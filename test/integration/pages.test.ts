/**
 * What a browser gets besides streams: the console with the API, the watch page and the player with the streams, and a
 * channel's description; from each of several listeners.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ServerSnapshot, ViewerList } from "../../src/server/api-model.ts";
import type { ChannelDescription } from "../../src/wire/channel-description.ts";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const HTML = "text/html; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

let penstock: Penstock;
/** Of the second listener for viewers. */
let second: string;

beforeAll(async () => {
	penstock = await startPenstock({
		http: { listen: ["127.0.0.1:0", "127.0.0.1:0"] },
		channels: { signal: TINY_CHANNEL, later: { ...TINY_CHANNEL, onDemand: true, idleMs: 0 } },
	});
	const { others } = penstock.log.find(({ msg }) => msg === "listening") as unknown as { others: [string] };
	[second] = others;
	await openStream(penstock.http);
});
afterAll(() => penstock.stop());

/** Opens a stream, sees its first bytes, leaves. */
async function openStream(origin: string): Promise<void> {
	const viewer = await openViewer(`${origin}/live/signal.ts`);
	expect(viewer.status).toBe(200);
	await viewer.nextChunk();
	viewer.close();
}

/** With a Host field of one's own, which fetch does not let one have. */
async function getAs(origin: string, host: string, path: string): Promise<{ head: string; body: string }> {
	const { hostname, port } = new URL(origin);
	const socket = connect(Number(port), hostname);
	socket.end(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
	let text = "";
	for await (const bytes of socket) text += String(bytes);
	const [head = "", body = ""] = text.split("\r\n\r\n");
	return { head, body };
}

/** Addresses that a page loads, as they stand in it. */
async function loadedBy(url: string): Promise<string[]> {
	const html = await (await fetch(url)).text();
	const found = [...html.matchAll(/<(?:script|link)\b[^>]*\b(?:src|href)="([^"]+)"/g)].map(([, address]) => address!);
	return found.filter((address) => !address.startsWith("data:"));
}

const PAGES = [
	["the console", () => `${penstock.api}/`, "'none'"],
	["the watch page", () => `${penstock.http}/play/live/signal`, "*"],
	["the watch page of the second listener", () => `${second}/play/live/signal`, "*"],
	["the watch page of a channel on demand", () => `${penstock.http}/play/live/later`, "*"],
] as const;

describe.each(PAGES)("%s", (_, url, ancestors) => {
	test("is a page under a strict policy, and all that it loads is there", async () => {
		const { status, headers } = await fetch(url());
		expect([status, headers.get("Content-Type")]).toEqual([200, HTML]);
		expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
		expect(headers.get("Referrer-Policy")).toBe("no-referrer");
		const policy = headers.get("Content-Security-Policy")!.split("; ");
		for (const part of ["default-src 'self'", "script-src 'self'", "style-src 'self'", "worker-src 'self' blob:"])
			expect(policy).toContain(part);
		expect(policy).toContain(`frame-ancestors ${ancestors}`);
		const loaded = await loadedBy(url());
		expect(loaded.some((address) => address.endsWith(".js"))).toBe(true);
		for (const address of loaded)
			expect([address, (await fetch(new URL(address, url()))).status]).toEqual([address, 200]);
	});

	test("is kept by browsers, and asked for again", async () => {
		const first = await fetch(url());
		expect(first.headers.get("Cache-Control")).toBe("no-cache");
		const etag = first.headers.get("ETag")!;
		for (const known of [etag, etag.replace("W/", ""), `"other", ${etag}`, "*"]) {
			const again = await fetch(url(), { headers: { "If-None-Match": known } });
			expect([again.status, again.headers.get("ETag"), await again.text()]).toEqual([304, etag, ""]);
		}
		expect((await fetch(url(), { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
	});

	test("by HEAD has no body, by POST is refused", async () => {
		const headers = { "Accept-Encoding": "identity" };
		const head = await fetch(url(), { method: "HEAD", headers });
		const length = Number(head.headers.get("Content-Length"));
		const whole = await (await fetch(url(), { headers })).text();
		expect([head.status, length, await head.text()]).toEqual([200, whole.length, ""]);
		const post = await fetch(url(), { method: "POST" });
		expect([post.status, ((await post.json()) as { error: { code: string } }).error.code]).toEqual([
			405,
			"HTTP_METHOD",
		]);
	});
});

describe("the player", () => {
	const files = ["player.js", "element.js", "worker.js", "audio-worklet.js"];

	test.each(files)("%s is there for the pages of any site, with the streams", async (file) => {
		for (const origin of [penstock.http, second]) {
			const { status, headers } = await fetch(`${origin}/player/${file}?v=1`, {
				headers: { Origin: "https://a.test" },
			});
			expect([status, headers.get("Content-Type")]).toEqual([200, SCRIPT]);
			expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
			expect(headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
		}
	});

	test.each(files)("%s is there for the console alone, with the API", async (file) => {
		const { status, headers } = await fetch(`${penstock.api}/player/${file}`, {
			headers: { Origin: "https://a.test" },
		});
		expect([status, headers.get("Content-Type")]).toEqual([200, SCRIPT]);
		expect(headers.get("Access-Control-Allow-Origin")).toBe(null);
		expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
	});

	test("of another name is refused with what there is", async () => {
		for (const origin of [penstock.http, penstock.api]) {
			const nothing = await fetch(`${origin}/player/nothing.js`);
			const { error } = (await nothing.json()) as { error: { code: string; message: string } };
			expect(nothing.status).toBe(404);
			expect(error.message).toMatch(/^PAGE_NOT_FOUND: .*\/player\/player\.js/);
			for (const name of ["..%2fconsole%2fconsole.html", "%2e%2e", "../console/console.html", "a/b.js", ""]) {
				const { head } = await getAs(origin, "127.0.0.1", `/player/${name}`);
				expect([name, head.split("\r\n")[0]]).toEqual([name, "HTTP/1.1 404 Not Found"]);
			}
		}
	});

	test("and the console's scripts are not with the streams, but for the watch page's", async () => {
		expect((await fetch(`${penstock.http}/console/watch.js`)).status).toBe(200);
		for (const path of ["/console/console.js", "/console/console.html", "/console/watch.html"])
			expect([path, (await fetch(`${penstock.http}${path}`)).status]).toEqual([path, 404]);
	});
});

describe("a page", () => {
	test("of a channel that is not there says so by its status, and is the page all the same", async () => {
		const { status, headers } = await fetch(`${penstock.http}/play/live/nothing`, {
			headers: { "If-None-Match": "*" },
		});
		expect([status, headers.get("Content-Type")]).toEqual([404, HTML]);
		const odd = await fetch(`${penstock.http}/play/live/a.b`);
		expect([odd.status, ((await odd.json()) as { error: { code: string } }).error.code]).toEqual([400, "NAME_INVALID"]);
	});

	test("of the API is not for those who come under a strange name", async () => {
		for (const path of ["/", "/console/console.js", "/player/player.js"]) {
			const { head } = await getAs(penstock.api, "evil.example", path);
			expect([path, head.split("\r\n")[0]]).toEqual([path, "HTTP/1.1 403 Forbidden"]);
		}
	});

	test("asked for behind a stream closes the connection", async () => {
		for (const path of ["/play/live/signal", "/player/player.js", "/live/signal.json", "/healthz"]) {
			const connection = new RawConnection(penstock.http);
			connection.write("GET /live/signal.ts HTTP/1.1\r\nHost: x\r\n\r\n");
			await connection.until(/200 OK/);
			connection.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
			await connection.closed;
			expect(connection.answers).toBe(1);
		}
	});

	test("is named to those who ask the listener for viewers for nothing in particular", async () => {
		const { error } = (await (await fetch(penstock.http)).json()) as { error: { message: string } };
		expect(error.message).toContain("There is: /live/signal, /live/later (.ts");
		expect(error.message).toContain("in a browser: /play/live/signal");
	});
});

describe("a channel's description", () => {
	const describeAt = async (origin: string, path = "/live/signal.json"): Promise<ChannelDescription> =>
		(await (await fetch(`${origin}${path}`)).json()) as ChannelDescription;

	test("says what there is", async () => {
		const { headers } = await fetch(`${penstock.http}/live/signal.json`, { headers: { Origin: "https://a.test" } });
		expect(headers.get("Content-Type")).toBe("application/json; charset=utf-8");
		expect(headers.get("Cache-Control")).toBe("no-store");
		expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
		const { port } = new URL(penstock.http);
		await eventually(async () =>
			expect(await describeAt(penstock.http)).toEqual({
				...{ app: "live", stream: "signal", live: true, unitMs: 250 },
				renditions: [
					{ ...rendition("high", 320, 180), bitrateBps: 628_000 },
					{ ...rendition("mid", 256, 144), bitrateBps: 478_000 },
					{ ...rendition("low", 192, 128), bitrateBps: 378_000 },
				],
				audio: { codec: "mp4a.40.2", sampleRateHz: 48_000, channels: expect.any(Number) },
				urls: {
					...{ ts: "/live/signal.ts", flv: "/live/signal.flv" },
					...{ mp4: "/live/signal.mp4", rtp: "/live/signal.rtp" },
				},
				origins: [`http://127.0.0.1:${port}`, second],
			}),
		);
	});

	const rendition = (name: string, width: number, height: number) => ({
		...{ name, width, height, codec: expect.stringMatching(/^avc1\./), available: true },
		frameRate: expect.closeTo(30, 0),
	});

	test("of a channel on demand tells what it will be", async () => {
		const { live, renditions, audio } = await describeAt(penstock.http, "/live/later.json");
		expect([live, audio]).toEqual([false, undefined]);
		expect(renditions[0]).toEqual({ name: "high", width: 320, height: 180, bitrateBps: 500_000, available: false });
	});

	test("names the origins as they can be reached from where it was asked, and every one serves", async () => {
		const { port } = new URL(penstock.http);
		const { port: secondPort } = new URL(second);
		const origins = async (host: string): Promise<readonly string[]> =>
			(JSON.parse((await getAs(penstock.http, host, "/live/signal.json")).body) as ChannelDescription).origins;
		expect(await origins(`localhost:${port}`)).toEqual([`http://localhost:${port}`, `http://localhost:${secondPort}`]);
		// Through a proxy: it has ports of its own.
		for (const host of ["video.example", "video.example:8443"]) expect(await origins(host)).toEqual([]);
		for (const origin of (await describeAt(second)).origins) await openStream(origin);
	});

	test("by HEAD has no body, by OPTIONS is allowed, by POST is refused", async () => {
		const url = `${penstock.http}/live/signal.json`;
		const head = await fetch(url, { method: "HEAD" });
		expect([head.status, await head.text()]).toEqual([200, ""]);
		const preflight = await fetch(url, { method: "OPTIONS", headers: { Origin: "https://a.test" } });
		expect([preflight.status, preflight.headers.get("Access-Control-Allow-Methods")]).toEqual([
			204,
			"GET, HEAD, OPTIONS",
		]);
		expect((await fetch(url, { method: "POST" })).status).toBe(405);
	});

	test("of a channel that is not there is refused as its streams are", async () => {
		const answer = await fetch(`${penstock.http}/live/nothing.json`);
		expect([answer.status, await answer.json()]).toEqual([
			404,
			{ error: { code: "CHANNEL_NOT_FOUND", message: expect.stringContaining("/live/signal") } },
		]);
		expect((await fetch(`${penstock.http}/live/a%20b.json`)).status).toBe(400);
	});
});

describe("the API", () => {
	test("shows the server, and where streams are by the name that it was asked", async () => {
		const { body } = await penstock.call("GET", "/api/v1/server");
		const { mediaOrigins, version, policy, startedAt, totals } = body as ServerSnapshot;
		expect(mediaOrigins).toEqual([penstock.http, second]);
		expect([version, policy]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+/), "threshold"]);
		expect(Date.parse(startedAt)).toBeLessThanOrEqual(Date.now());
		expect(totals.viewersAccepted).toBeGreaterThan(0);
		const asked = await getAs(penstock.api, "localhost:9998", "/api/v1/server");
		const { mediaOrigins: named } = JSON.parse(asked.body) as ServerSnapshot;
		expect(named).toEqual([penstock.http, second].map((origin) => origin.replace("127.0.0.1", "localhost")));
	});

	test("shows viewers of all listeners, by channel and by part", async () => {
		const list = async (query = ""): Promise<ViewerList> =>
			(await penstock.call("GET", `/api/v1/viewers${query}`)).body as ViewerList;
		await eventually(async () => expect((await list()).total).toBe(0));
		const open = (origin: string, stream: string) =>
			openViewer(`${origin}/live/${stream}.ts`, { onChunk: () => undefined, timeoutMs: 30_000 });
		const viewers = [await open(penstock.http, "signal"), await open(second, "signal"), await open(second, "later")];
		const ids = viewers.map(({ headers }) => headers["penstock-viewer"]!);
		const idsOf = (part: ViewerList): [string[], number] => [part.viewers.map(({ id }) => id), part.total];
		expect(idsOf(await list())).toEqual([ids, 3]);
		expect(idsOf(await list("?limit=2"))).toEqual([ids.slice(0, 2), 3]);
		expect(idsOf(await list("?limit=2&offset=2"))).toEqual([ids.slice(2), 3]);
		expect(idsOf(await list("?offset=9"))).toEqual([[], 3]);
		expect(idsOf(await list("?channel=live/signal"))).toEqual([ids.slice(0, 2), 2]);
		expect(idsOf(await list("?channel=live/signal&offset=1&limit=1"))).toEqual([ids.slice(1, 2), 2]);
		for (const viewer of viewers) viewer.close();
	});
});
