import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { decodeCmcd, validateCmcdEventReport } from "@svta/cml-cmcd";
import { expect, test } from "vitest";
import { onCleanup } from "../../test/kit/cleanup.ts";
import { eventually } from "../../test/kit/eventually.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { errorBody } from "../delivery/http-answer.ts";
import { parseCmcdReports } from "../reports/cmcd-text.ts";
import type { ReportedFigures } from "../wire/viewer-report.ts";
import { ReportSender } from "./report-sender.ts";

const SECRET = "0123456789abcdef";
const FIGURES: ReportedFigures = {
	...{ hidden: false, droppedFrames: 8, shownFrames: 110, stalls: 3, stalledMs: 457, bandwidthBps: 9_900_000 },
	...{ shownBitrateBps: 612_000, delayMs: 82, playheadMs: 123_457, renditionShown: "mid", smoothUpTo: "high" },
};

/** A server that takes what comes, answers as it is told, and remembers. */
async function reportServer(answer: () => { status: number; body?: string } = () => ({ status: 204 })) {
	const taken: { path: string; type: string | undefined; body: string }[] = [];
	const server = createServer((request, response) => {
		const parts: Buffer[] = [];
		request.on("data", (part: Buffer) => parts.push(part));
		request.on("end", () => {
			taken.push({ path: request.url!, type: request.headers["content-type"], body: Buffer.concat(parts).toString() });
			const { status, body } = answer();
			response.writeHead(status).end(body);
		});
	});
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => void server.close());
	onCleanup(() => server.closeAllConnections());
	const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	const sender = new ReportSender(SECRET, (which) => `${base}/report/${which}`, new ManualClock());
	return { taken, sender };
}

const figuresOf = (body: string) => {
	const parsed = parseCmcdReports(body);
	if (parsed.kind === "refused") throw new Error(parsed.text);
	expect(parsed.value).toHaveLength(1);
	return parsed.value[0]!;
};

test("each server gets its own figures, which the server's parser reads as they were meant", async () => {
	const { taken, sender } = await reportServer();
	await sender.send({ figures: FIGURES, pressure: "fair" });
	const byPath = Object.fromEntries(taken.map((one) => [one.path, one]));
	expect(taken.map(({ type }) => type)).toEqual(["application/cmcd", "application/cmcd"]);
	const { bandwidthBps, ...terminal } = FIGURES;
	const network = figuresOf(byPath["/report/network"]!.body);
	expect(network).toEqual({
		...{ session: SECRET, sequence: 0, sentAtEpochMs: Date.UTC(2026, 0, 1), figures: { bandwidthBps, hidden: false } },
	});
	expect(figuresOf(byPath["/report/status"]!.body).figures).toEqual({ ...terminal, cpuIdle: 0.6 });
});

test("what is sent is CMCD as the standard's own library has it", async () => {
	const { taken, sender } = await reportServer();
	void sender.send({ figures: FIGURES, pressure: "nominal" });
	sender.acknowledge({ figures: FIGURES, pressure: undefined }, 77);
	await eventually(async () => expect(taken).toHaveLength(3));
	for (const { path, type, body } of taken) {
		const values = decodeCmcd(body.trim());
		expect(values).toMatchObject({ sid: SECRET, v: 2, ts: Date.UTC(2026, 0, 1) });
		const request = { url: `http://127.0.0.1${path}`, method: "POST", headers: { "Content-Type": type! }, body };
		const { issues } = validateCmcdEventReport(request);
		// It wants own keys to be text; ours are numbers where they count.
		expect(issues.filter(({ key }) => key?.startsWith("org.penstock-") !== true)).toEqual([]);
	}
});

test("a switch is acknowledged with its unit, to the status server, though an answer is still to come", async () => {
	const { taken, sender } = await reportServer();
	void sender.send({ figures: FIGURES, pressure: undefined });
	sender.acknowledge({ figures: FIGURES, pressure: undefined }, 77);
	await eventually(async () => expect(taken).toHaveLength(3));
	const acknowledged = taken.map(({ path, body }) => [path, figuresOf(body).figures.acknowledgedUnit]);
	expect(acknowledged.filter(([, unit]) => unit !== undefined)).toEqual([["/report/status", 77]]);
});

test.for([
	["whose session has just ended is asked again", 404, errorBody("REPORT_SESSION", "no viewer has this session."), 4],
	["that is too busy is asked again", 429, errorBody("REPORT_RATE", "too many."), 4],
	["that has no such place is not", 404, errorBody("CHANNEL_NOT_FOUND", "no stream at this path."), 2],
	["that takes no POST is not", 405, "", 2],
] as const)("a server %s", async ([, status, body, expected]) => {
	const { taken, sender } = await reportServer(() => ({ status, body }));
	for (let round = 0; round < 2; round++) await sender.send({ figures: FIGURES, pressure: undefined });
	expect(taken).toHaveLength(expected);
});

test("a server that is not there is no trouble", async () => {
	const sender = new ReportSender(SECRET, () => "http://127.0.0.1:1/report", new ManualClock());
	await expect(sender.send({ figures: FIGURES, pressure: undefined })).resolves.toBeUndefined();
});
