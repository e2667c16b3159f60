/**
 * `POST /session/rendition`: a viewer says what it wants to be sent, in the response that it has. Nobody says it for
 * another; what does not fit is refused in words.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { type HttpViewer, openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startPenstock } from "../kit/penstock.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { postReport, sessionOf } from "../kit/reporting.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const JSON_TYPE = "application/json";
const STRANGER = "0123456789abcdef0123456789abcdef";

let penstock: Penstock;
const viewers: HttpViewer[] = [];

async function watch(query = ""): Promise<HttpViewer> {
	const viewer = await openViewer(`${penstock.http}/live/signal.mp4${query}`, { onChunk: () => undefined });
	expect(viewer.status).toBe(200);
	viewers.push(viewer);
	return viewer;
}
const snapshot = (viewer: HttpViewer) => penstock.viewer(viewer.headers["penstock-viewer"]!);
const post = (body: string, type = JSON_TYPE, headers: Record<string, string> = {}) =>
	postReport(`${penstock.http}/session/rendition`, type, body, headers);
const wish = (session: string, rendition: string) => post(JSON.stringify({ session, rendition }));

beforeAll(async () => {
	penstock = await startPenstock({ channels: { signal: TINY_CHANNEL }, reports: { addressRate: 1_000_000 } });
	await watch();
});
afterEach(() => {
	for (const viewer of viewers.splice(0)) viewer.close();
});
afterAll(() => penstock.stop());

test("a viewer is moved within its response to the rendition that it wants, and is left to the policy again", async () => {
	const viewer = await watch();
	expect(await wish(sessionOf(viewer), "high")).toMatchObject({ status: 204, code: "" });
	expect((await snapshot(viewer)).wish).toBe("high");
	await eventually(async () => expect((await snapshot(viewer)).rendition).toBe("high"));
	const { lastSwitches, bytesSent } = await snapshot(viewer);
	expect(lastSwitches).toMatchObject([{ from: "low", to: "high", because: { cause: "wish" } }]);
	await wish(sessionOf(viewer), "mid");
	await eventually(async () => expect((await snapshot(viewer)).rendition).toBe("mid"));
	expect((await wish(sessionOf(viewer), "auto")).status).toBe(204);
	expect((await snapshot(viewer)).wish).toBe("auto");
	await eventually(async () => expect((await snapshot(viewer)).bytesSent).toBeGreaterThan(bytesSent));
});

test("who asked for a rendition in the GET may change its mind", async () => {
	const viewer = await watch("?rendition=high&sid=a-session-of-my-own");
	expect((await snapshot(viewer)).wish).toBe("high");
	expect((await wish("a-session-of-my-own", "low")).status).toBe(204);
	await eventually(async () => expect((await snapshot(viewer)).rendition).toBe("low"));
});

test("pages of other sites may ask, after a preflight, as they may report", async () => {
	const viewer = await watch();
	const Origin = "https://page.example";
	const asked = { Origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type" };
	for (const path of ["/session/rendition", "/report/network", "/report/status"]) {
		const { status, headers } = await fetch(`${penstock.http}${path}`, { method: "OPTIONS", headers: asked });
		expect([path, status]).toEqual([path, 204]);
		expect(headers.get("Access-Control-Allow-Origin")).toBe(Origin);
		expect(headers.get("Access-Control-Allow-Methods")).toContain("POST");
		expect(headers.get("Access-Control-Allow-Headers")?.toLowerCase()).toContain("content-type");
	}
	const body = JSON.stringify({ session: sessionOf(viewer), rendition: "low" });
	const answer = await post(body, "application/json; charset=utf-8", { Origin });
	expect([answer.status, answer.headers.get("Access-Control-Allow-Origin")]).toEqual([204, Origin]);
});

describe("what does not fit", () => {
	const known = (rendition: unknown) => JSON.stringify({ session: STRANGER, rendition });
	const refusals: [string, string, string, number, string, string][] = [
		["of another type", "text/plain", known("low"), 415, "SESSION_TYPE", "send application/json"],
		["no JSON", JSON_TYPE, "{", 400, "SESSION_MALFORMED", "the body is not JSON"],
		["a list", JSON_TYPE, "[]", 400, "SESSION_MALFORMED", "a list of 0 but must be a map"],
		["without a session", JSON_TYPE, '{"rendition":"low"}', 400, "SESSION_MALFORMED", "session is missing"],
		["without a rendition", JSON_TYPE, `{"session":"${STRANGER}"}`, 400, "SESSION_MALFORMED", "rendition is missing"],
		["a number", JSON_TYPE, known(3), 400, "SESSION_MALFORMED", "rendition is 3 but must be text"],
		["nothing", JSON_TYPE, known(""), 400, "SESSION_MALFORMED", "at least 1 characters"],
		["a slip", JSON_TYPE, '{"session":"x","renditon":"low"}', 400, "SESSION_MALFORMED", 'did you mean "rendition"?'],
		["a stranger's session", JSON_TYPE, known("low"), 404, "SESSION_NOT_FOUND", "Penstock-Session"],
		["a short session", JSON_TYPE, '{"session":"x","rendition":"low"}', 404, "SESSION_NOT_FOUND", "Penstock-Session"],
		["1 KiB and more", JSON_TYPE, known("x".repeat(1024)), 413, "SESSION_TOO_LARGE", "1024 bytes"],
	];
	test.each(refusals)("is refused in words: %s", async (_, type, body, status, code, words) => {
		expect(await post(body, type)).toMatchObject({ status, code, message: expect.stringContaining(words) });
	});

	test("is refused: a rendition that the channel has not, with those that it has", async () => {
		const viewer = await watch();
		expect(await wish(sessionOf(viewer), "ultra")).toMatchObject({
			...{ status: 404, code: "RENDITION_NOT_FOUND" },
			message: expect.stringContaining('no rendition "ultra"; there is auto, high, mid, low'),
		});
		expect((await snapshot(viewer)).wish).toBe("auto");
	});

	test("is refused: a compressed body, a text that is not UTF-8, another method", async () => {
		expect(await post("{}", JSON_TYPE, { "Content-Encoding": "gzip" })).toMatchObject({ status: 415 });
		const latin = await fetch(`${penstock.http}/session/rendition`, {
			...{ method: "POST", headers: { "Content-Type": JSON_TYPE } },
			body: Buffer.from([0x7b, 0xe4, 0x7d]),
		});
		expect(latin.status).toBe(400);
		const get = await fetch(`${penstock.http}/session/rendition`);
		expect([get.status, get.headers.get("Allow")]).toEqual([405, "POST, OPTIONS"]);
	});
});

describe("a viewer that means harm", () => {
	test("cannot ask for another: not by its id, not by its session's hash", async () => {
		const victim = await watch();
		const hash = await crypto.subtle.digest("SHA-256", Buffer.from(sessionOf(victim)));
		const guesses = [victim.headers["penstock-viewer"]!, Buffer.from(hash).toString("base64url")];
		for (const session of guesses) expect((await wish(session, "high")).status).toBe(404);
		expect((await snapshot(victim)).wish).toBe("auto");
	});

	test("asks too often: its session is held to its rate, and another's wish comes through", async () => {
		const [eager, other] = [await watch(), await watch()];
		const answers = await Promise.all(Array.from({ length: 60 }, () => wish(sessionOf(eager), "low")));
		const refused = answers.filter(({ status, code }) => status === 429 && code === "SESSION_RATE");
		expect(refused.length).toBeGreaterThan(0);
		expect(refused[0]!.headers.get("Retry-After")).toBe("1");
		expect((await wish(sessionOf(other), "low")).status).toBe(204);
	});

	test("asks behind its stream on the same connection, which closes it", async () => {
		const connection = new RawConnection(penstock.http);
		connection.write("GET /live/signal.ts HTTP/1.1\r\nHost: x\r\n\r\n");
		await connection.until(/200 OK/);
		const head = `Host: x\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 2`;
		connection.write(`POST /session/rendition HTTP/1.1\r\n${head}\r\n\r\n{}`);
		await connection.closed;
		expect(connection.answers).toBe(1);
	});
});

test("one address is held to its rate", async () => {
	const strict = await startPenstock({
		channels: { signal: { ...TINY_CHANNEL, onDemand: true } },
		reports: { addressRate: 1 },
	});
	const url = `${strict.http}/session/rendition`;
	const body = JSON.stringify({ session: STRANGER, rendition: "low" });
	const answers = await Promise.all(Array.from({ length: 20 }, () => postReport(url, JSON_TYPE, body)));
	expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404, 429]));
	await strict.stop();
});

test("no secret is in the log or the API", async () => {
	const sid = "canary-canary-canary-canary";
	const viewer = await watch(`?sid=${sid}`);
	await wish(sid, "mid");
	await wish(sid, "ultra");
	await post(`{"session":"${sid}"}`);
	await eventually(async () => expect(JSON.stringify(penstock.log)).toContain("rendition set by the viewer"));
	expect(`${penstock.process.stdout}${penstock.process.stderr}${JSON.stringify(await snapshot(viewer))}`).not.toContain(
		sid,
	);
});
