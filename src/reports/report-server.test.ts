import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { postReport } from "../../test/kit/reporting.ts";
import type { ReportOutcome } from "../wire/report-message.ts";
import type { ViewerReport } from "../wire/viewer-report.ts";
import { ReportServer } from "./report-server.ts";

const SESSION = "0123456789abcdef";
let http: Server | undefined;

interface SetUp {
	readonly url: string;
	readonly clock: ManualClock;
	readonly server: ReportServer;
	readonly taken: ViewerReport[];
	readonly faults: unknown[];
}

async function setUp(
	options: { addressRate?: number; origins?: string[]; outcome?: ReportOutcome } = {},
): Promise<SetUp> {
	const clock = new ManualClock();
	const taken: ViewerReport[] = [];
	const faults: unknown[] = [];
	const server = new ReportServer({
		...{ server: "network", clock, sessionKeyOf: (secret) => secret.toUpperCase() },
		taker: {
			take(report) {
				taken.push(report);
				if (report.figures.roundTripMs === 666) throw new Error("a fault of our own");
				return options.outcome ?? { kind: "applied", answer: { etpKbps: 9000 } };
			},
		},
		corsOrigins: options.origins ?? ["*"],
		addressRate: options.addressRate ?? 200,
		onFault: (thrown) => faults.push(thrown),
	});
	http = createServer((request, response) => void server.handle(request, response)).listen(0, "127.0.0.1");
	await once(http, "listening");
	return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, clock, server, taken, faults };
}

afterEach(async () => {
	http?.closeAllConnections();
	http?.close();
	if (http !== undefined) await once(http, "close");
	http = undefined;
});

const say = (url: string, body: unknown, headers = {}) =>
	postReport(url, "application/json", JSON.stringify(body), headers);
const results = ({ server }: SetUp): Record<string, number> =>
	Object.fromEntries([...server.counts.all()].map(({ result, count }) => [result, count]));

test("what is handed on has its server's figures and the session's key, and not the secret", async () => {
	const set = await setUp();
	const { status, headers } = await say(set.url, { session: SESSION, sequence: 3, bandwidthBps: 5e6, cpuIdle: 0.5 });
	expect([status, headers.get("CMSD-Dynamic")]).toEqual([204, '"penstock";etp=9000']);
	expect(set.taken).toEqual([
		{
			...{ sessionKey: SESSION.toUpperCase(), server: "network", sequence: 3, ageMs: 0 },
			...{ receivedAtEpochMs: set.clock.wall(), figures: { bandwidthBps: 5e6 } },
		},
	]);
});

test("a report that is kept for later is answered with 202", async () => {
	const set = await setUp({ outcome: { kind: "kept" } });
	expect((await say(set.url, { session: SESSION })).status).toBe(202);
	expect(results(set)).toEqual({ kept: 1 });
});

test("several reports in one request are judged one by one; one that is taken is enough", async () => {
	const set = await setUp();
	expect((await say(set.url, [{ session: "short" }, { session: SESSION, bandwidthBps: 1 }])).status).toBe(204);
	expect(results(set)).toEqual({ accepted: 1, "unknown-session": 1 });
});

describe("rates", () => {
	test("a session has 20 at once and 10 a second, whatever the others do", async () => {
		const set = await setUp();
		const many = async (session: string, times: number): Promise<number> => {
			let taken = 0;
			for (let i = 0; i < times; i++) taken += (await say(set.url, { session })).status === 204 ? 1 : 0;
			return taken;
		};
		expect([await many(SESSION, 30), await many("fedcba9876543210", 5)]).toEqual([20, 5]);
		set.clock.advance(1000);
		expect(await many(SESSION, 30)).toBe(10);
		expect(results(set)).toEqual({ accepted: 35, "rate-limited": 30 });
	});

	test("an address is held to its rate by reports, not by requests", async () => {
		const set = await setUp({ addressRate: 20 });
		const line = `sid="${SESSION}",mtp=(100)\n`;
		const post = (lines: number) => postReport(set.url, "application/cmcd", line.repeat(lines));
		expect([(await post(30)).status, (await post(20)).status, (await post(9)).status]).toEqual([204, 429, 204]);
		expect(await post(1)).toMatchObject({ status: 429, message: expect.stringContaining("20 reports a second") });
	});
});

test("pages of other origins than those allowed are not let read the answer", async () => {
	const set = await setUp({ origins: ["https://mine.example"] });
	const origin = async (name: string) =>
		(await say(set.url, { session: SESSION }, { Origin: name })).headers.get("Access-Control-Allow-Origin");
	expect([await origin("https://mine.example"), await origin("https://other.example")]).toEqual([
		"https://mine.example",
		null,
	]);
});

test("a fault of our own is a 500 without its words, and told to the log", async () => {
	const set = await setUp();
	const { status, code, message } = await say(set.url, { session: SESSION, roundTripMs: 666 });
	expect([status, code]).toEqual([500, "INTERNAL"]);
	expect(message).not.toContain("fault of our own");
	expect(set.faults).toHaveLength(1);
});
