/**
 * The design's flow with network server and status server as processes of their own (S6, S10): a viewer reports to them,
 * they pass it on over a real NATS server to the media server, and that switches. NATS goes and comes in between, and the
 * newest figure arrives all the same.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { NATS_TOKEN, startNats } from "../kit/nats.ts";
import { type Penstock, startCli, startPenstock } from "../kit/penstock.ts";
import { freePort } from "../kit/ports.ts";
import type { RunningProcess } from "../kit/processes.ts";
import { report, SteadyReporter, sessionOf } from "../kit/reporting.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { TINY_CHANNEL, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

interface ReportProcess {
	readonly process: RunningProcess;
	/** Where viewers report. */
	readonly http: string;
	/** Where health and metrics are. */
	readonly admin: string;
}

async function startReportServer(kind: "network" | "status", nats: string): Promise<ReportProcess> {
	const tokenFile = join(makeTempDir("nats-token"), "token");
	writeFileSync(tokenFile, `${NATS_TOKEN}\n`);
	const running = startCli([
		...[`${kind}-server`, "--listen", "127.0.0.1:0", "--nats", nats, "--nats-token-file", tokenFile],
	]);
	const [line] = await running.waitForLine(/^\{.*"msg":"listening".*\}$/, 20_000);
	const { http, admin } = JSON.parse(line) as { http: string; admin: string };
	return { process: running, http, admin };
}

const health = async (base: string): Promise<{ status: number; body: unknown }> => {
	const response = await fetch(`${base}/healthz`);
	return { status: response.status, body: await response.json() };
};
const metricsOf = async ({ admin }: ReportProcess): Promise<string> => (await fetch(`${admin}/metrics`)).text();

describe("network server, status server and media server, with NATS between", () => {
	let natsPort: number;
	let nats: RunningProcess;
	let penstock: Penstock;
	let networkServer: ReportProcess;
	let statusServer: ReportProcess;

	beforeAll(async () => {
		natsPort = await freePort();
		const url = `nats://127.0.0.1:${natsPort}`;
		// All but NATS, which comes last: nobody waits for it.
		[penstock, networkServer, statusServer] = await Promise.all([
			startPenstock({
				channels: { signal: TINY_CHANNEL },
				// What a machine that is busy with other tests does is not the point here.
				server: { underDuress: "ignore" },
				switching: { policy: "threshold", threshold: { minServerCpuIdle: 0 } },
				reports: { network: false, status: false, nats: { url, token: NATS_TOKEN } },
			}),
			startReportServer("network", url),
			startReportServer("status", url),
		]);
		expect((await health(penstock.api)).body).toMatchObject({ troubles: [expect.stringContaining("NATS is away")] });
		expect((await health(networkServer.admin)).status).toBe(503);
		nats = await startNats(natsPort);
		for (const base of [networkServer.admin, statusServer.admin, penstock.api]) {
			await eventually(async () => expect(await health(base)).toEqual({ status: 200, body: { status: "ok" } }));
		}
	});
	afterAll(async () => {
		await Promise.all([penstock.stop(), networkServer.process.stop(), statusServer.process.stop(), nats.stop()]);
	});

	test("reports switch a viewer up and down, over a NATS that dies and comes back", async () => {
		const viewer = await openViewer(`${penstock.http}/live/signal.ts`, { onChunk: () => undefined });
		const session = sessionOf(viewer);
		const id = viewer.headers["penstock-viewer"]!;
		const network = new SteadyReporter(networkServer.http, "network", session);
		const status = new SteadyReporter(statusServer.http, "status", session);
		const rendition = async (): Promise<string> => (await penstock.viewer(id)).rendition;
		const becomes = (name: string): Promise<void> =>
			eventually(async () => expect(await rendition()).toBe(name), 60_000);

		// The design's own figures: 10 Mbit/s, CPU 95 % idle, memory 20 % used.
		await eventually(async () => expect(await network.say({ bandwidthBps: 1e7 })).toMatchObject({ status: 204 }));
		await eventually(async () =>
			expect(await status.say({ cpuIdle: 0.95, memoryUsed: 0.2 })).toMatchObject({ status: 204 }),
		);
		const { figures } = await penstock.viewer(id);
		expect(figures).toMatchObject({
			bandwidthBps: { value: 1e7, source: "reported" },
			cpuIdle: { value: 0.95, source: "reported" },
			memoryUsed: { value: 0.2, source: "reported" },
		});
		await becomes("high");

		const answer = await network.say({ bandwidthBps: 1e5 });
		const { unit } = await penstock.viewer(id);
		expect(Number(answer.cmsd["mb"])).toBeGreaterThan(0);
		await becomes("low");
		const [down] = (await penstock.viewer(id)).lastSwitches.slice(-1);
		expect(down).toMatchObject({ from: "high", to: "low", because: { cause: "network" } });
		expect(down!.unit - unit!).toBeLessThanOrEqual(2);
		console.info(`switched down at unit ${down!.unit}, reported in unit ${unit} of ${TINY_UNIT_MS} ms`);

		nats.kill("SIGKILL");
		await nats.exited;
		await eventually(async () => expect((await health(networkServer.admin)).status).toBe(503));
		expect((await health(penstock.api)).status).toBe(200);
		expect(await network.say({ bandwidthBps: 2e5, roundTripMs: 40 })).toMatchObject({ status: 202 });
		expect(await network.say({ bandwidthBps: 1e7 })).toMatchObject({ status: 202 });
		// The last word before NATS comes back: nothing is said after it.
		network.stop();
		expect(await network.say({ bandwidthBps: 9.5e6 })).toMatchObject({ status: 202 });
		expect(await metricsOf(networkServer)).toMatch(/^penstock_reports_kept_sessions 1$/m);
		expect(await metricsOf(networkServer)).toMatch(/^penstock_nats_connected 0$/m);
		nats = await startNats(natsPort);
		await eventually(async () => {
			expect((await penstock.viewer(id)).figures.bandwidthBps).toMatchObject({ value: 9.5e6, source: "reported" });
		}, 20_000);
		await eventually(async () => expect(await metricsOf(networkServer)).toMatch(/^penstock_reports_kept_sessions 0$/m));
		expect(await metricsOf(networkServer)).toMatch(/^penstock_reports_total\{server="network",result="kept"\} [3-9]/m);
		network.start();
		await becomes("high");
		for (const reporter of [network, status]) reporter.stop();
		viewer.close();
	});

	test("a session that no media server has is unknown, and the log of no process has a secret or the token", async () => {
		const strange = "a-session-that-nobody-has";
		await eventually(async () => {
			expect(await report(statusServer.http, "status", strange, { cpuIdle: 0.5 })).toMatchObject({
				...{ status: 404, code: "REPORT_SESSION" },
			});
		}, 20_000);
		expect(await metricsOf(statusServer)).toMatch(/result="unknown-session"\} [1-9]/);
		for (const { process } of [penstock, networkServer, statusServer]) {
			const said = `${process.stdout}${process.stderr}`;
			expect(said).not.toContain(strange);
			expect(said).not.toContain(NATS_TOKEN);
		}
	});

	test("each answers its own path, and says which that is", async () => {
		const wrong = await report(networkServer.http, "status", "0123456789abcdef", { cpuIdle: 0.5 });
		expect(wrong).toMatchObject({ status: 404, code: "REPORT_ROUTE" });
		expect(wrong.message).toContain("/report/network");
		expect(await health(networkServer.http)).toEqual({ status: 200, body: { status: "ok" } });
	});
});

test.each([
	[["network-server"], "COMMAND_LINE", "name one: --nats"],
	[["status-server", "--nats", "http://x"], "COMMAND_LINE", "nats://127.0.0.1:4222"],
	[
		["status-server", "--nats", "nats://127.0.0.1:1", "--nats-credentials", "/no/such.creds"],
		"NATS_CREDENTIALS",
		"/no/such.creds",
	],
])("penstock %j ends with 2 and says why", async (args, code, words) => {
	const running = startCli(args, { PENSTOCK_REPORTS_NATS_URL: undefined });
	expect((await running.exited).code).toBe(2);
	expect(running.stderr).toMatch(new RegExp(`^penstock: ${code}: .*${words}`));
});
