/**
 * Reports of viewers in the media server (S10): what a report changes, what it is answered, and what it cannot do. Lying,
 * stale, flooding, malformed reports and strangers have no effect on anybody else, leave nothing behind and are counted.
 */
import { type Cmcd, encodeCmcd } from "@svta/cml-cmcd";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ViewerSnapshot } from "../../src/server/api-model.ts";
import { eventually } from "../kit/eventually.ts";
import { type HttpViewer, openViewer } from "../kit/http-viewer.ts";
import { type Penstock, startCli, startPenstock } from "../kit/penstock.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { postReport, report, SteadyReporter, sessionOf } from "../kit/reporting.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

const CMCD = "application/cmcd";
const JSON_TYPE = "application/json";

let penstock: Penstock;
const viewers: HttpViewer[] = [];

async function watch(query = "", headers: Record<string, string> = {}): Promise<HttpViewer> {
	const viewer = await openViewer(`${penstock.http}/live/signal.ts${query}`, { headers, onChunk: () => undefined });
	expect(viewer.status).toBe(200);
	viewers.push(viewer);
	return viewer;
}
const idOf = (viewer: HttpViewer): string => viewer.headers["penstock-viewer"]!;
const snapshot = (viewer: HttpViewer): Promise<ViewerSnapshot> => penstock.viewer(idOf(viewer));
const count = (server: string, result: string): Promise<number> =>
	penstock.metric("penstock_reports_total", { server, result });

/** What a counter gains by an action. */
async function gained(server: string, result: string, action: () => Promise<unknown>): Promise<number> {
	const before = await count(server, result);
	await action();
	return (await count(server, result)) - before;
}

beforeAll(async () => {
	penstock = await startPenstock({
		channels: { signal: TINY_CHANNEL },
		// What a machine that is busy with other tests does is not the point here.
		server: { underDuress: "ignore" },
		switching: { policy: "threshold", threshold: { minServerCpuIdle: 0 } },
		// All of this comes from one address; what holds an address back has tests of its own, beside the code.
		reports: { addressRate: 1_000_000 },
	});
	await watch();
});
afterEach(() => {
	for (const viewer of viewers.splice(0)) viewer.close();
});
afterAll(() => penstock.stop());

describe("a report", () => {
	test("changes the figures of its viewer, each server's its own, and is answered with CMSD", async () => {
		const viewer = await watch();
		const figures = {
			bandwidthBps: 9e6,
			cpuIdle: 0.93,
			memoryUsed: 0.2,
			bufferMs: 800,
			hidden: false,
			smoothUpTo: "mid",
		};
		const told = { stalls: 1, stalledMs: 250, delayMs: 420, playheadMs: 9000, renditionShown: "low" };
		const network = await report(penstock.http, "network", sessionOf(viewer), { ...figures, ...told });
		expect([network.status, network.code]).toEqual([204, ""]);
		expect(Object.keys((await snapshot(viewer)).figures)).toEqual(["bandwidthBps"]);
		const status = await report(penstock.http, "status", sessionOf(viewer), { ...figures, ...told });
		expect(status.status).toBe(204);
		expect(Number(status.cmsd["mb"])).toBeGreaterThan(0);
		const { figures: after, told: toldAfter } = await snapshot(viewer);
		for (const [name, value] of Object.entries(figures)) {
			expect(after[name as keyof typeof after]).toMatchObject({ value, source: "reported" });
		}
		expect(toldAfter).toEqual(told);
	});

	test("of an event of CMCD, as players' own library writes it, is one", async () => {
		const sid = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
		const query = `?CMCD=${encodeURIComponent(encodeCmcd({ sid, sf: "o" }))}`;
		const viewer = await watch(query);
		expect(sessionOf(viewer)).toBe(sid);
		const event: Cmcd = { sid, e: "t", mtp: [8800], bl: [1200], dfa: 3, "org.penstock-cpu": "nominal" };
		const line = encodeCmcd({ ...event, ts: Date.now(), sn: 1 }, { version: 2, reportingMode: "event" });
		for (const server of ["network", "status"]) {
			expect(await postReport(`${penstock.http}/report/${server}`, CMCD, `${line}\n`)).toMatchObject({ status: 204 });
		}
		expect((await snapshot(viewer)).figures).toMatchObject({
			...{
				bandwidthBps: { value: 8.8e6 },
				bufferMs: { value: 1200 },
				cpuIdle: { value: 0.95 },
				hidden: { value: false },
			},
		});
	});

	test("counts of frames become the share that the decoder dropped since the report before", async () => {
		const viewer = await watch();
		const say = (droppedFrames: number, shownFrames: number, sequence: number) =>
			report(penstock.http, "status", sessionOf(viewer), { droppedFrames, shownFrames, sequence });
		await say(10, 1000, 1);
		expect((await snapshot(viewer)).figures.droppedShare).toBeUndefined();
		await eventually(async () => {
			await say(25, 1045, Math.round(performance.now()));
			expect((await snapshot(viewer)).figures.droppedShare).toMatchObject({ value: 0.25 });
		});
	});

	test("moves the viewer: the policy weighs what was reported", async () => {
		const viewer = await watch();
		const network = new SteadyReporter(penstock.http, "network", sessionOf(viewer));
		const status = new SteadyReporter(penstock.http, "status", sessionOf(viewer));
		await network.say({ bandwidthBps: 1e7 });
		await status.say({ cpuIdle: 0.95, memoryUsed: 0.2 });
		// A machine without any idle time at all makes nobody climb; it will have some sooner or later.
		await eventually(async () => expect((await snapshot(viewer)).rendition).toBe("high"), 60_000);
		await network.say({ bandwidthBps: 1e5 });
		await eventually(async () => expect((await snapshot(viewer)).rendition).toBe("low"));
		for (const reporter of [network, status]) reporter.stop();
	});

	test("from a page: the preflight allows it, with the credentials that a beacon always sends", async () => {
		const viewer = await watch();
		const url = `${penstock.http}/report/status`;
		const origin = { Origin: "https://page.example" };
		const preflight = await fetch(url, { method: "OPTIONS", headers: origin });
		expect(preflight.status).toBe(204);
		expect(preflight.headers.get("Access-Control-Allow-Methods")).toContain("POST");
		expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("Content-Type");
		const body = JSON.stringify({ session: sessionOf(viewer), cpuIdle: 0.5 });
		const { headers } = await postReport(url, JSON_TYPE, body, origin);
		expect(headers.get("Access-Control-Allow-Origin")).toBe("https://page.example");
		expect(headers.get("Access-Control-Allow-Credentials")).toBe("true");
		expect(headers.get("Access-Control-Expose-Headers")).toContain("CMSD-Dynamic");
	});
});

describe("penstock play", () => {
	const played = async (args: readonly string[]) => {
		const player = startCli(["play", `${penstock.http}/live/signal.ts`, "--json", ...args]);
		const [line] = await player.waitForLine(/^\{"event":"start".*\}$/, 30_000);
		return { player, id: (JSON.parse(line) as { viewer: string }).viewer };
	};

	test("reports to the server that it watches, and acknowledges a switch", async () => {
		const { player, id } = await played([]);
		await eventually(async () => {
			const { figures, told } = await penstock.viewer(id);
			for (const name of ["cpuIdle", "memoryUsed", "bufferMs", "droppedShare"] as const) {
				expect(figures[name], name).toMatchObject({ source: "reported" });
			}
			// Whether so small a stream shows anything of the network is left open: where it does not, nothing is made up.
			expect(await count("network", "accepted")).toBeGreaterThan(0);
			expect(told).toMatchObject({ renditionShown: "low", stalls: expect.any(Number) });
			expect(told.delayMs).toBeGreaterThan(0);
		}, 30_000);
		await penstock.call("PUT", `/api/v1/viewers/${id}/rendition`, { rendition: "mid" });
		await eventually(async () => {
			const { told, lastSwitches } = await penstock.viewer(id);
			expect(told.acknowledgedUnit).toBe(lastSwitches.at(-1)!.unit);
		}, 30_000);
		await player.stop();
		expect(player.stderr).toBe("");
	});

	test("reports to nobody where it is told to", async () => {
		const { player, id } = await played(["--report", "none"]);
		const stats = /"event":"stats".*"timeMs":[3-9]\d{3}/;
		await player.waitForLine(stats, 30_000);
		expect(Object.values((await penstock.viewer(id)).figures)).not.toContainEqual(
			expect.objectContaining({ source: "reported" }),
		);
		await player.stop();
	});
});

describe("a stream's own answer", () => {
	test("names the session and says what it is, for pages to read", async () => {
		const { headers } = await watch("", { Origin: "https://page.example" });
		expect(headers["penstock-session"]).toMatch(/^[0-9a-f]{32}$/);
		expect(headers["cmsd-static"]).toBe('n="penstock",ot=av,sf=o,st=l');
		expect(headers["access-control-expose-headers"]).toMatch(/Penstock-Viewer, Penstock-Session/);
	});

	test("a newer GET takes a session over; the older viewer is reported for no more", async () => {
		const sid = "one-session-of-two-viewers";
		const older = await watch(`?sid=${sid}`);
		const newer = await watch("", { "CMCD-Session": `sid="${sid}"` });
		expect([sessionOf(older), sessionOf(newer)]).toEqual([sid, sid]);
		await report(penstock.http, "network", sid, { bandwidthBps: 5e6 });
		expect((await snapshot(older)).figures).toEqual({});
		expect((await snapshot(newer)).figures.bandwidthBps).toMatchObject({ value: 5e6 });
		older.close();
		await eventually(async () =>
			expect((await penstock.call("GET", `/api/v1/viewers/${idOf(older)}`)).status).toBe(404),
		);
		expect(await report(penstock.http, "network", sid, { bandwidthBps: 6e6 })).toMatchObject({ status: 204 });
	});
});

describe("what is no report, or nobody's", () => {
	const sid = "0123456789abcdef0123456789abcdef";
	const refusals: [string, string, string, string, number, string, string][] = [
		["text/plain", "text/plain", "sid", "unsupported", 415, "REPORT_TYPE", "send application/cmcd or application/json"],
		["broken JSON", JSON_TYPE, "{", "malformed", 400, "REPORT_MALFORMED", "not JSON"],
		[
			"a slip",
			JSON_TYPE,
			`{"session":"${sid}","cpuidle":1}`,
			"malformed",
			400,
			"REPORT_MALFORMED",
			"did you mean cpuIdle?",
		],
		[
			"a share of 7",
			JSON_TYPE,
			`{"session":"${sid}","cpuIdle":7}`,
			"malformed",
			400,
			"REPORT_MALFORMED",
			"from 0 to 1",
		],
		["a broken line", CMCD, `sid="${sid}"\nbl=(`, "malformed", 400, "REPORT_MALFORMED", "line 2"],
		[
			"a stranger's session",
			JSON_TYPE,
			`{"session":"${sid}"}`,
			"unknown-session",
			404,
			"REPORT_SESSION",
			"Penstock-Session",
		],
		["a short session", JSON_TYPE, '{"session":"x"}', "unknown-session", 404, "REPORT_SESSION", "Penstock-Session"],
		["20 KB", JSON_TYPE, " ".repeat(20_000), "too-large", 413, "REPORT_TOO_LARGE", "16384 bytes"],
	];
	test.each(refusals)("%s is refused in words and counted", async (_, type, body, result, status, code, words) => {
		for (const server of ["network", "status"]) {
			const url = `${penstock.http}/report/${server}`;
			const more = await gained(server, result, async () => {
				expect(await postReport(url, type, body)).toMatchObject({
					status,
					code,
					message: expect.stringContaining(words),
				});
			});
			expect(more).toBe(1);
		}
	});

	test("a compressed body is not even read", async () => {
		const answer = await postReport(`${penstock.http}/report/status`, JSON_TYPE, "{}", { "Content-Encoding": "gzip" });
		expect(answer).toMatchObject({ status: 415, code: "REPORT_TYPE" });
	});

	test("GET is refused with what is allowed", async () => {
		const response = await fetch(`${penstock.http}/report/status`);
		expect([response.status, response.headers.get("Allow")]).toEqual([405, "POST, OPTIONS"]);
	});

	test("a body of 100 MB is cut off, and the server goes on", async () => {
		const more = await gained("status", "too-large", async () => {
			const body = Buffer.alloc(100_000_000, 32);
			const sent = fetch(`${penstock.http}/report/status`, { method: "POST", headers: { "Content-Type": CMCD }, body });
			await sent.then(
				({ status }) => expect(status).toBe(413),
				() => undefined,
			);
		});
		expect(more).toBe(1);
	});

	test("a body that does not come is given up after 5 s", async () => {
		const more = await gained("network", "timeout", async () => {
			const request = `POST /report/network HTTP/1.1\r\nHost: x\r\nContent-Type: ${CMCD}\r\nContent-Length: 100\r\n\r\nsid=`;
			const connection = new RawConnection(penstock.http).write(request);
			const { status, code } = await connection.refusal(8000);
			expect([status, code]).toEqual([408, "HTTP_TIMEOUT"]);
			await connection.closed;
		});
		expect(more).toBe(1);
	});

	test("a report behind a stream on its connection closes it", async () => {
		const connection = new RawConnection(penstock.http);
		connection.write("GET /live/signal.ts HTTP/1.1\r\nHost: x\r\n\r\n");
		await connection.until(/200 OK/);
		connection.write(
			`POST /report/status HTTP/1.1\r\nHost: x\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: 2\r\n\r\n{}`,
		);
		await connection.closed;
		expect(connection.answers).toBe(1);
	});
});

describe("a viewer that means harm", () => {
	test("cannot report for another: not by its id, not by its session's hash", async () => {
		const [victim, liar] = [await watch(), await watch()];
		const { figures } = await snapshot(victim);
		const hash = await crypto.subtle.digest("SHA-256", Buffer.from(sessionOf(victim)));
		for (const session of [idOf(victim), Buffer.from(hash).toString("base64url"), `${sessionOf(victim)}0`]) {
			expect(await report(penstock.http, "network", session, { bandwidthBps: 1 })).toMatchObject({ status: 404 });
		}
		await report(penstock.http, "network", sessionOf(liar), { bandwidthBps: 1 });
		expect((await snapshot(victim)).figures).toEqual(figures);
	});

	test("with old news changes nothing, and is told so by nobody but the counter", async () => {
		const viewer = await watch();
		const say = (figures: Record<string, number>) => report(penstock.http, "network", sessionOf(viewer), figures);
		await say({ bandwidthBps: 4e6, sequence: 10, sentAtEpochMs: Date.now() });
		const more = await gained("network", "stale", async () => {
			expect(await say({ bandwidthBps: 1e6, sequence: 9 })).toMatchObject({ status: 204 });
			expect(await say({ bandwidthBps: 1e6, sequence: 10 })).toMatchObject({ status: 204 });
			expect(await say({ bandwidthBps: 1e6, sequence: 11, sentAtEpochMs: Date.now() - 11_000 })).toMatchObject({
				status: 204,
			});
		});
		expect(more).toBe(3);
		expect((await snapshot(viewer)).figures.bandwidthBps).toMatchObject({ value: 4e6 });
	});

	test("floods: its session is held to its rate, and another's report comes through", async () => {
		const [flooder, other] = [await watch(), await watch()];
		const flood = Array.from({ length: 60 }, () =>
			report(penstock.http, "status", sessionOf(flooder), { cpuIdle: 0.5 }),
		);
		const answers = await Promise.all(flood);
		const refused = answers.filter(({ status, code }) => status === 429 && code === "REPORT_RATE");
		expect(refused.length).toBeGreaterThan(20);
		expect(refused[0]!.headers.get("Retry-After")).toBe("1");
		expect(answers.filter(({ status }) => status === 204).length).toBeGreaterThanOrEqual(20);
		expect(await report(penstock.http, "status", sessionOf(other), { cpuIdle: 0.6 })).toMatchObject({ status: 204 });
		expect(await count("status", "rate-limited")).toBeGreaterThanOrEqual(refused.length);
	});
});

test("100,000 random sessions leave nothing behind", async () => {
	const rss = async (): Promise<number> => await penstock.metric("process_resident_memory_bytes");
	const flood = async (posts: number): Promise<void> => {
		for (let post = 0; post < posts; post++) {
			const reports = Array.from({ length: 32 }, () => ({ session: crypto.randomUUID(), cpuIdle: 0.5 }));
			const answer = await postReport(`${penstock.http}/report/status`, JSON_TYPE, JSON.stringify(reports));
			expect(answer.status).toBe(404);
		}
	};
	const others = [await watch(), await watch()];
	const { figures } = await snapshot(others[0]!);
	// The first of them fill the tables, whose size is bounded; the rest must add nothing to speak of.
	await flood(700);
	const before = await rss();
	const unknown = await gained("status", "unknown-session", () => flood(3200));
	const grown = (await rss()) - before;
	console.info(`102,400 random sessions: resident memory ${(grown / 2 ** 20).toFixed(1)} MiB more`);
	expect(unknown).toBe(102_400);
	// One that kept a kilobyte of each would have 100 MiB.
	expect(grown).toBeLessThan(80 * 2 ** 20);
	expect((await snapshot(others[0]!)).figures).toEqual(figures);
	expect(await report(penstock.http, "status", sessionOf(others[1]!), { cpuIdle: 0.6 })).toMatchObject({ status: 204 });
});

test("no secret is in the log, the API or the metrics", async () => {
	const sid = "canary-canary-canary-canary";
	const viewer = await watch(`?sid=${sid}&rendition=auto`);
	await report(penstock.http, "status", sid, { cpuIdle: 0.5 });
	await postReport(`${penstock.http}/report/status`, CMCD, `sid="${sid}",mtp=("x")`);
	await fetch(`${penstock.http}/live/nothing.ts?sid=${sid}`);
	const metrics = await (await fetch(`${penstock.api}/metrics`)).text();
	const told = JSON.stringify([await snapshot(viewer), penstock.log, metrics]);
	expect(told).not.toContain(sid);
	viewer.close();
	await eventually(async () => expect(JSON.stringify(penstock.log)).toContain(idOf(viewer)));
	expect(`${penstock.process.stdout}${penstock.process.stderr}`).not.toContain(sid);
});
