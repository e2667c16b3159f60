/**
 * Reports over a NATS that speaks TLS with a certificate of its own authority, and lets in who has signed credentials:
 * how it is run beyond one machine.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../kit/eventually.ts";
import { openViewer } from "../kit/http-viewer.ts";
import { type GuardedNats, startGuardedNats } from "../kit/nats.ts";
import { type Penstock, startCli, startPenstock } from "../kit/penstock.ts";
import { freePort } from "../kit/ports.ts";
import type { RunningProcess } from "../kit/processes.ts";
import { report, sessionOf } from "../kit/reporting.ts";
import { TINY_CHANNEL } from "../kit/tiny-ladder.ts";

let nats: GuardedNats;
let port: number;
let penstock: Penstock;
const started: RunningProcess[] = [];

beforeAll(async () => {
	port = await freePort();
	nats = await startGuardedNats(port);
	const { caFile, credentialsFile } = nats;
	penstock = await startPenstock({
		channels: { signal: TINY_CHANNEL },
		reports: { network: false, nats: { url: `tls://localhost:${port}`, caFile, credentialsFile } },
	});
});
afterAll(async () => {
	await Promise.all([penstock.stop(), ...started.map((process) => process.stop())]);
	await nats.process.stop();
});

const networkServer = (...more: readonly string[]): string[] => [
	...["network-server", "--listen", "127.0.0.1:0", "--nats", `tls://localhost:${port}`, ...more],
];

/** @returns where viewers report, and where its health is */
async function startNetworkServer(...more: readonly string[]): Promise<{ http: string; admin: string }> {
	const running = startCli(networkServer(...more));
	started.push(running);
	const [line] = await running.waitForLine(/^\{.*"msg":"listening".*\}$/, 20_000);
	return JSON.parse(line) as { http: string; admin: string };
}

const health = async (base: string): Promise<unknown> => (await fetch(`${base}/healthz`)).json();

test("a report comes through to the media server", async () => {
	const { http, admin } = await startNetworkServer(
		"--nats-ca",
		nats.caFile,
		"--nats-credentials",
		nats.credentialsFile,
	);
	for (const base of [admin, penstock.api]) {
		await eventually(async () => expect(await health(base)).toEqual({ status: "ok" }));
	}
	const viewer = await openViewer(`${penstock.http}/live/signal.ts`, { onChunk: () => undefined });
	await eventually(async () => {
		expect(await report(http, "network", sessionOf(viewer), { bandwidthBps: 7e6 })).toMatchObject({ status: 204 });
	});
	expect((await penstock.viewer(viewer.headers["penstock-viewer"]!)).figures).toMatchObject({
		bandwidthBps: { source: "reported" },
	});
	viewer.close();
});

test.for([
	["an authority that nobody knows", () => ["--nats-credentials", nats.credentialsFile], /certificate/],
	["a user of an unknown account", () => ["--nats-ca", nats.caFile, "--nats-credentials", nats.strangersFile], /auth/i],
	["no credentials at all", () => ["--nats-ca", nats.caFile], /auth/i],
] as const)("%s is told by its health", async ([, more, why]) => {
	const { admin } = await startNetworkServer(...more());
	await eventually(async () => expect(JSON.stringify(await health(admin))).toMatch(why));
});

test("a file that is not there is told at the start", async () => {
	const running = startCli(networkServer("--nats-ca", "/nowhere/ca.pem"));
	expect((await running.exited).code).toBe(2);
	expect(running.stderr).toMatch(/^penstock: NATS_CREDENTIALS: \/nowhere\/ca\.pem cannot be read/m);
});
