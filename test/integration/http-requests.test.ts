/**
 * What the listener for viewers says to requests, good and bad, and that none of them does anything to the viewer
 * next door (S1, S9). What this server refuses, it refuses as JSON with a stable code.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { HOSTILE_PATHS } from "../kit/hostile-names.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { RawConnection, refusalOf } from "../kit/raw-connection.ts";
import { type Recording, record } from "../kit/recording.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { HIDDEN_MARK, refusedShapes, streamShapes } from "../kit/smuggling-shapes.ts";
import { NO_TS_FAULTS, stepsBack, TINY_CHANNEL, TINY_SIZES } from "../kit/tiny-ladder.ts";

const PATH = "/live/signal.ts";
const HEADERS_TIMEOUT_MS = 1000;
const MAX_CONNECTIONS = 40;
const ALLOWED = "GET, HEAD, OPTIONS";

let penstock: Penstock;
let neighbour: Recording;
let reading: Promise<unknown>;
let done = false;

const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;

/** Viewers whose connection has gone leave the list a moment later. */
const untilAlone = () => eventually(async () => expect(await viewerCount()).toBe(1));

async function viewerCount(server = penstock): Promise<number> {
	const { body } = await server.call("GET", "/api/v1/viewers");
	return (body as { viewers: unknown[] }).viewers.length;
}

beforeAll(async () => {
	penstock = await startPenstock({
		http: { headersTimeoutMs: HEADERS_TIMEOUT_MS, maxConnections: MAX_CONNECTIONS },
		channels: { signal: TINY_CHANNEL, later: { ...TINY_CHANNEL, onDemand: true, idleMs: 0 } },
	});
	neighbour = await record(`${penstock.http}${PATH}`);
	reading = neighbour.until(() => done);
});

afterAll(() => penstock.stop());

describe("a request for a stream", () => {
	test("by HEAD gets the header and no body, and is no viewer", async () => {
		const accepted = await penstock.metric("penstock_viewers_accepted_total");
		const viewer = await openViewer(`${penstock.http}${PATH}`, { method: "HEAD" });
		expect(viewer.status).toBe(200);
		expect(viewer.headers).toMatchObject({
			"content-type": "video/mp2t",
			"cache-control": "no-store, no-transform",
			"access-control-allow-origin": "*",
			"x-accel-buffering": "no",
			"x-content-type-options": "nosniff",
		});
		expect(viewer.headers["penstock-viewer"]).toBeUndefined();
		expect((await viewer.bytes()).length).toBe(0);
		expect(await viewer.ended).toEqual({ kind: "complete" });
		expect(await penstock.metric("penstock_viewers_accepted_total")).toBe(accepted);
	});

	test("?rendition=high stays in that one", async () => {
		const recording = await record(`${penstock.http}${PATH}?rendition=high`);
		await recording.until(({ units }) => units.length > 4);
		recording.viewer.close();
		expect(new Set(recording.units.map(({ size }) => size))).toEqual(new Set([TINY_SIZES.high]));
	});

	test.each(["/live/signal.live.ts", "/live/signal.TS", `http://elsewhere.test${PATH}`])(
		"%s is an alias",
		async (path) => {
			const connection = new RawConnection(penstock.http).write(get(path));
			await connection.until(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n[0-9a-f]+\r\nG/s);
			connection.destroy();
		},
	);

	test("in HTTP/1.0 gets the same bytes without chunk framing", async () => {
		const connection = new RawConnection(penstock.http).write(`GET ${PATH} HTTP/1.0\r\n\r\n`);
		const [, head, body] = await connection.until(/^(.*?)\r\n\r\n(G.{9399})/s);
		connection.destroy();
		expect(head).not.toMatch(/transfer-encoding/i);
		for (let at = 0; at < body!.length; at += 188) expect(body![at]).toBe("G");
	});

	test("is refused with what there is, where the name, the packaging or the rendition is not", async () => {
		const refusal = async (path: string) => await refusalOf(penstock.http, get(path));
		expect(await refusal("/live/none.ts")).toMatchObject({
			status: 404,
			code: "CHANNEL_NOT_FOUND",
			message: expect.stringContaining('no stream at "/live/none.ts". There is: /live/signal, /live/later (.ts'),
		});
		expect(await refusal("/live/signal.avi")).toMatchObject({
			status: 404,
			code: "PACKAGING_UNKNOWN",
			message: expect.stringContaining('no packaging ".avi"; ask for /live/signal.ts'),
		});
		expect(await refusal(`${PATH}?rendition=ultra`)).toMatchObject({
			status: 404,
			code: "RENDITION_NOT_FOUND",
			message: expect.stringContaining('no rendition "ultra"; there is auto, high, mid, low.'),
			headers: expect.objectContaining({
				"cache-control": "no-store",
				"content-type": "application/json; charset=utf-8",
			}),
		});
	});

	test.each(["POST", "PUT", "DELETE", "PATCH", "TRACE"])("by %s is refused with what is allowed", async (method) => {
		const refused = await refusalOf(
			penstock.http,
			`${method} ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`,
		);
		expect(refused).toMatchObject({
			status: 405,
			code: "HTTP_METHOD",
			headers: expect.objectContaining({ allow: ALLOWED }),
		});
	});

	test("by a page of another site is allowed before it is made", async () => {
		const { status, headers } = await fetch(`${penstock.http}${PATH}`, {
			method: "OPTIONS",
			headers: { Origin: "https://page.test", "Access-Control-Request-Method": "GET" },
		});
		expect(status).toBe(204);
		expect(headers.get("access-control-allow-origin")).toBe("*");
		expect(headers.get("access-control-allow-methods")).toBe(ALLOWED);
		expect(headers.get("allow")).toBe(ALLOWED);
	});
});

describe("a server of few viewers, of one site's pages, that does not tell what it has", () => {
	const LIMIT = 2;
	let strict: Penstock;
	beforeAll(async () => {
		strict = await startPenstock({
			http: { corsOrigins: ["https://page.test"] },
			api: { listChannelsTo404: false },
			delivery: { maxViewers: LIMIT },
			channels: { signal: TINY_CHANNEL },
		});
	});
	afterAll(() => strict.stop());

	test("lists no channels to one who asks for another", async () => {
		const { status, message } = await refusalOf(strict.http, get("/live/none.ts"));
		expect([status, message]).toEqual([404, 'CHANNEL_NOT_FOUND: no stream at "/live/none.ts".']);
	});

	test("lets only the pages of that site read", async () => {
		const headersFor = async (origin: string) =>
			(await openViewer(`${strict.http}${PATH}`, { method: "HEAD", headers: { Origin: origin } })).headers;
		const own = await headersFor("https://page.test");
		expect([own["access-control-allow-origin"], own["vary"]]).toEqual(["https://page.test", "Origin"]);
		for (const origin of ["https://other.test", "https://page.test.evil.test", "http://page.test", "null"]) {
			const { vary, ...headers } = await headersFor(origin);
			expect([headers["access-control-allow-origin"], vary]).toEqual([undefined, "Origin"]);
		}
	});

	test("answers 503 with Retry-After beyond its limit, and has a place again when one leaves", async () => {
		const viewers = [await openViewer(`${strict.http}${PATH}`), await openViewer(`${strict.http}${PATH}`)];
		expect(viewers.map(({ status }) => status)).toEqual([200, 200]);
		expect(await refusalOf(strict.http, get(PATH))).toMatchObject({
			status: 503,
			code: "VIEWERS_LIMIT",
			message: expect.stringMatching(`the server has ${LIMIT} viewers .*, which is delivery.maxViewers`),
			headers: expect.objectContaining({ "retry-after": expect.stringMatching(/^[1-9]\d*$/) }),
		});
		expect(await strict.metric("penstock_viewers_refused_total")).toBe(1);
		viewers[0]!.close();
		await eventually(async () => expect(await viewerCount(strict)).toBe(LIMIT - 1));
		const next = await openViewer(`${strict.http}${PATH}`);
		expect(next.status).toBe(200);
		next.close();
		viewers[1]!.close();
	});
});

describe("SEC12: a request that may be read in two ways", () => {
	test.each(refusedShapes(PATH))("$name: is refused once, and the connection closed", async ({ bytes }) => {
		const connection = new RawConnection(penstock.http).write(bytes);
		const { status } = await connection.refusal();
		expect([400, 405]).toContain(status);
		await connection.closed;
		expect(connection.answers).toBe(1);
		expect(connection.text).not.toContain(HIDDEN_MARK);
	});

	test.each(streamShapes(PATH))("a good one with $name: no second answer in the stream", async ({ bytes }) => {
		const connection = new RawConnection(penstock.http).write(bytes);
		// Some are closed at once, some go on; none is answered but by this stream's own header.
		await Promise.race([connection.closed, connection.until(/ 200 OK\r\n.{30000}/s).catch(() => {})]);
		connection.destroy();
		expect(connection.text.match(/HTTP\/1\.1 [2-5]\d\d/g)?.length ?? 0).toBeLessThanOrEqual(1);
		expect(connection.text).not.toContain(HIDDEN_MARK);
	});

	test("two requests at once for a stream that is not ready yet: never two streams in one connection", async () => {
		const accepted = await penstock.metric("penstock_viewers_accepted_total");
		const connection = new RawConnection(penstock.http).write(get("/live/later.ts").repeat(2));
		await connection.closed;
		expect(connection.text).toBe("");
		expect(await penstock.metric("penstock_viewers_accepted_total")).toBe(accepted);
	});

	test("a request for a stream behind another one is refused in its turn", async () => {
		const connection = new RawConnection(penstock.http).write(get("/live/none.ts") + get(PATH));
		await connection.closed;
		expect(connection.text.match(/HTTP\/1\.1 (\d{3})/g)).toEqual(["HTTP/1.1 404", "HTTP/1.1 400"]);
		expect(connection.text).toContain("a stream was asked for behind another request");
	});

	test("left no viewer behind", untilAlone);
});

describe("a header", () => {
	const large = (bytes: number) => `GET ${PATH} HTTP/1.1\r\nHost: a\r\nX-Large: ${"x".repeat(bytes)}`;
	const TOO_LARGE = { status: 431, code: "HTTP_HEADERS_TOO_LARGE" };

	test("of 10,000 bytes is refused with the limit", async () => {
		const refused = await refusalOf(penstock.http, `${large(10_000)}\r\n\r\n`);
		expect(refused).toMatchObject({
			...TOO_LARGE,
			message: expect.stringContaining("8192 bytes (http.maxHeaderBytes)"),
		});
	});

	test("that goes on after it was refused meets no reset, which could take the answer away", async () => {
		const connection = new RawConnection(penstock.http, { allowHalfOpen: true }).write(large(9000));
		expect(await connection.refusal()).toMatchObject(TOO_LARGE);
		for (let piece = 0; piece < 10; piece++) {
			connection.write("y".repeat(100));
			// The server has read it by the time that it has answered somebody else.
			await penstock.call("GET", "/healthz");
		}
		connection.end();
		expect(await connection.closed).toBeUndefined();
	});

	test.each([
		[100, 200],
		[101, 431],
		[150, 431],
	])("of %i fields is answered by %i", async (count, status) => {
		const fields = Array.from({ length: count - 1 }, (_, index) => `X-${index}: 1\r\n`).join("");
		const connection = new RawConnection(penstock.http).write(get(PATH, fields));
		expect((await connection.until(/^HTTP\/1\.1 (\d+)/))[1]).toBe(String(status));
		if (status === 431) expect(await connection.refusal()).toMatchObject(TOO_LARGE);
		connection.destroy();
	});

	test("that comes byte by byte, or not at all, is given up after http.headersTimeoutMs", async () => {
		const slow = new RawConnection(penstock.http);
		const silent = new RawConnection(penstock.http);
		const began = performance.now();
		const bytes = get(PATH, "X-Slow: yes\r\n".repeat(50))[Symbol.iterator]();
		const timer = setInterval(() => slow.write(bytes.next().value ?? ""), 50);
		for (const connection of [slow, silent]) {
			expect(await connection.refusal(5000)).toMatchObject({
				status: 408,
				code: "HTTP_TIMEOUT",
				message: expect.stringContaining(`within ${HEADERS_TIMEOUT_MS} ms (http.headersTimeoutMs)`),
			});
			expect(performance.now() - began).toBeGreaterThan(HEADERS_TIMEOUT_MS - 50);
			await connection.closed;
		}
		clearInterval(timer);
		expect(performance.now() - began).toBeLessThan(5000);
	});
});

test(`of more than ${MAX_CONNECTIONS} connections the last are closed, counted, and no loss to the others`, async () => {
	await untilAlone();
	const connections = Array.from({ length: MAX_CONNECTIONS + 10 }, () => new RawConnection(penstock.http));
	await eventually(async () =>
		expect(connections.filter(({ isClosed }) => isClosed).length).toBeGreaterThanOrEqual(11),
	);
	const dropped = connections.filter(({ isClosed, text }) => isClosed && text === "").length;
	expect(
		await penstock.metric("penstock_requests_refused_total", { code: "CONNECTIONS_LIMIT" }),
	).toBeGreaterThanOrEqual(11);
	expect(dropped).toBeGreaterThanOrEqual(11);
	for (const connection of connections) connection.destroy();
	await eventually(async () => expect((await fetch(`${penstock.http}/healthz`)).status).toBe(200));
});

describe("a hostile name", () => {
	const refuses = async (path: string): Promise<void> => {
		const refused = await refusalOf(penstock.http, get(path, "Connection: close\r\n"));
		expect([path, [400, 404].includes(refused.status), refused.headers["content-type"]]).toEqual([
			path,
			true,
			"application/json; charset=utf-8",
		]);
	};

	test(`is refused: ${HOSTILE_PATHS.length} of them`, async () => {
		for (const path of HOSTILE_PATHS) await refuses(path);
	});

	test("is refused: any text", async () => {
		const text = fc.string({ unit: "binary", maxLength: 60 }).map((any) => Buffer.from(any).toString("latin1"));
		const escaped = text.map((any) => encodeURIComponent(any));
		const isNone = (name: string) => !/^(signal|later)$/.test(name);
		await fc.assert(
			fc.asyncProperty(fc.oneof(text, escaped).filter(isNone), fc.boolean(), async (name, asApp) => {
				await refuses(asApp ? `/${name}/signal.ts` : `/live/${name}.ts`);
			}),
			{ numRuns: 300 },
		);
	});
});

test("all this time the viewer next door got every frame once, in order, in the one response", async () => {
	await untilAlone();
	done = true;
	await reading;
	const { kind } = await Promise.race([neighbour.viewer.ended, Promise.resolve({ kind: "open" })]);
	expect(kind).toBe("open");
	neighbour.viewer.close();
	expect(neighbour.units.at(-1)!.at - neighbour.units[0]!.at).toBeGreaterThan(3 * HEADERS_TIMEOUT_MS);
	expect(neighbour.counts).toMatchObject(NO_TS_FAULTS);
	expect(stepsBack(neighbour)).toEqual([]);
	const { counters, warnings } = await readCounters(neighbour.save());
	expect(warnings).toEqual([]);
	expectEveryFrameOnce(counters);
});
