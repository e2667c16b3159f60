import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runToEnd, startProcess } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const PENSTOCK = new URL("../../src/cli/penstock.ts", import.meta.url).pathname;
const folder = makeTempDir("cli");

/** The tests' own PENSTOCK_ variables are no part of what is tested. */
const CLEAN: Record<string, string | undefined> = Object.fromEntries(
	Object.keys(process.env)
		.filter((name) => name.startsWith("PENSTOCK_"))
		.map((name) => [name, undefined]),
);

const run = (args: readonly string[], env: Record<string, string> = {}, nodeArgs: readonly string[] = []) =>
	runToEnd(process.execPath, [...nodeArgs, PENSTOCK, ...args], {
		env: { ...CLEAN, ...env },
		cwd: folder,
		timeoutMs: 30_000,
	});

function config(name: string, text: string): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
}

/** A channel whose encoder starts only for a viewer, and none comes. */
const IDLE =
	'http: { listen: "127.0.0.1:0" }\napi: { listen: "127.0.0.1:0" }\nchannels: { demo: { source: test, onDemand: true } }\n';

const start = (args: readonly string[]) =>
	startProcess(process.execPath, [PENSTOCK, ...args], { env: { ...CLEAN, PENSTOCK_LOG_FORMAT: "json" }, cwd: folder });

/** Waits until the server listens, and gives the API's address. */
async function apiOf(server: ReturnType<typeof start>): Promise<string> {
	const [, url] = await server.waitForLine(/"api":"(http:[^"]+)".*"msg":"listening"/, 20_000);
	return url!;
}

describe("penstock", () => {
	it("tells its version", async () => {
		const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
			version: string;
		};
		const { code, stdout, stderr } = await run(["--version"]);
		expect([code, stdout, stderr]).toEqual([0, `${version}\n`, ""]);
	});

	it("has help with examples", async () => {
		const { code, stdout } = await run(["--help"]);
		expect(code).toBe(0);
		for (const part of ["serve", "check", "demo", "Examples:", "penstock serve -c penstock.yaml"])
			expect(stdout).toContain(part);
	});

	it.each([
		[["serv"], "unknown command 'serv' (Did you mean serve?)"],
		[["serve", "--bogus"], "unknown option '--bogus'"],
		[["serve", "extra"], "too many arguments"],
		[["demo", "--port", "70000"], "a port is a whole number from 0 to 65535"],
		[["demo", "--policy", "fixed"], "Allowed choices are adaptive, tour"],
		[["demo", "--port", "8x"], "a port is a whole number from 0 to 65535"],
	])("refuses %j in one line, with exit code 2", async (args, part) => {
		const { code, stdout, stderr } = await run(args);
		expect([code, stdout]).toEqual([2, ""]);
		expect(stderr).toMatch(/^penstock: COMMAND_LINE: [^\n]*\n$/);
		expect(stderr).toContain(part);
	});

	it("says which Node.js it wants, and ends with 2, before it imports anything", async () => {
		const older = config(
			"older.mjs",
			"const version = { ...process.versions, node: '20.20.2' };\nObject.defineProperty(process, 'versions', { value: version });\n",
		);
		const { code, stderr } = await run(["serve"], {}, ["--import", older]);
		expect([code, stderr]).toEqual([
			2,
			"penstock: RUNTIME_TOO_OLD: this is Node.js 20.20.2, but 24 is the oldest that works; install a newer one.\n",
		]);
	});
});

describe("penstock check", () => {
	it("says what would be served and that FFmpeg is fit for it", async () => {
		const file = config(
			"good.yaml",
			'channels: { demo: { source: test }, cam: { source: "rtsp://a:geheim@192.0.2.1/x" } }\n',
		);
		const { code, stdout, stderr } = await run(["check", "-c", file]);
		expect([code, stderr]).toEqual([0, ""]);
		for (const part of [
			"/live/demo.ts from test pattern",
			"high",
			"1280x720 2.5 Mbit/s",
			"FFmpeg",
			"good.yaml is good",
		]) {
			expect(stdout).toContain(part);
		}
		expect(stdout).not.toContain("geheim");
	});

	it("ends with 2 for a wrong configuration, without a stack unless asked", async () => {
		const file = config("wrong.yaml", "channels: { demo: { source: test, unitms: 1 } }\n");
		const plain = await run(["check", "-c", file]);
		expect(plain.code).toBe(2);
		expect(plain.stderr).toBe(
			'penstock: CONFIG_KEY: wrong.yaml:1:35: unknown key "unitms" in channels.demo; did you mean "unitMs"?\n',
		);
		const debug = await run(["check", "-c", file], { PENSTOCK_DEBUG: "1" });
		expect(debug.stderr).toMatch(/\n +at .*config\.ts:/);
	});

	it("ends with 2 when there is no configuration", async () => {
		const { code, stderr } = await run(["check", "-c", join(folder, "none.yaml")]);
		expect(code).toBe(2);
		expect(stderr).toMatch(/^penstock: CONFIG_FILE: .*none\.yaml does not exist/);
	});

	it("ends with 1 when FFmpeg is missing, and says what to install", async () => {
		const file = config("missing.yaml", "channels: { demo: { source: test } }\n");
		const { code, stderr } = await run(["check", "-c", file], { PENSTOCK_FFMPEG_PATH: join(folder, "no-ffmpeg") });
		expect(code).toBe(1);
		expect(stderr).toMatch(/^penstock: FFMPEG_MISSING: .*no-ffmpeg.*apt-get install ffmpeg.*\n$/);
	});
});

describe("penstock serve", () => {
	it.each([["SIGTERM"], ["SIGINT"]] as const)("answers its API, and ends with 0 after %s", async (signal) => {
		const server = start(["serve", "-c", config("idle.yaml", IDLE)]);
		const api = await apiOf(server);
		const response = await fetch(`${api}/api/v1/channels`);
		expect(await response.json()).toMatchObject({ channels: [{ app: "live", stream: "demo", onDemand: true }] });
		expect((await fetch(`${api}/healthz`)).status).toBe(200);
		expect(await (await fetch(`${api}/metrics`)).text()).toContain("penstock_viewers_accepted_total 0");
		server.kill(signal);
		expect(await server.exited).toEqual({ code: 0, signal: null });
		expect(server.stderr).toBe("");
		for (const line of server.stdout.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("level");
	});

	it("ends at once with the second signal, as a shell reports it", async () => {
		// The process wakes to both signals, with a viewer to drain.
		const file = config("slow.yaml", `${IDLE}delivery: { drainMs: 60s, startTimeoutMs: 60s }\n`);
		const server = start(["serve", "-c", file]);
		const [, http] = await server.waitForLine(/"http":"(http:[^"]+)".*"msg":"listening"/, 20_000);
		const viewer = await fetch(`${http}/live/demo.ts`);
		expect(viewer.status).toBe(200);
		server.kill("SIGSTOP");
		server.kill("SIGTERM");
		server.kill("SIGINT");
		server.kill("SIGCONT");
		const { code } = await server.exited;
		expect([130, 143]).toContain(code);
		await viewer.body?.cancel().catch(() => {});
	});

	it.each([
		["http", "PENSTOCK_HTTP_LISTEN"],
		["api", "PENSTOCK_API_LISTEN"],
	])("ends with 1 when %s.listen is taken, and says how to find by whom", async (section, variable) => {
		const taken = createServer().listen(0, "127.0.0.1");
		await once(taken, "listening");
		const { port } = taken.address() as AddressInfo;
		try {
			const file = config("idle.yaml", IDLE);
			const { code, stderr } = await run(["serve", "-c", file], { [variable]: `127.0.0.1:${port}` });
			expect(code).toBe(1);
			expect(stderr).toBe(
				`penstock: LISTEN_ADDRESS: ${section}.listen 127.0.0.1:${port} is taken by another program; find it with "ss -ltnp 'sport = :${port}'", stop it or choose another port.\n`,
			);
		} finally {
			taken.close();
		}
	});

	it("ends with 1 for an address that is not of this machine", async () => {
		const { code, stderr } = await run(["serve", "-c", config("idle.yaml", IDLE)], {
			PENSTOCK_HTTP_LISTEN: "192.0.2.1:0",
		});
		expect(code).toBe(1);
		expect(stderr).toMatch(/^penstock: LISTEN_ADDRESS: http\.listen 192\.0\.2\.1:0 is not an address of this machine/);
	});
});

describe("penstock demo", () => {
	it("says what to open first, serves the channel live/demo and its pages, and ends with SIGINT", async () => {
		const server = start(["demo", "--port", "0", "--api-port", "0"]);
		const [, url] = await server.waitForLine(/ffplay .*(http:\S+\/live\/demo\.ts)/, 20_000);
		const told = server.stdout.match(/http:\/\/\S+/g)!.filter((one) => !one.endsWith('",'));
		// The log's lines may come before or behind it.
		const [wall, watch, ...streams] = told.slice(told.findIndex((one) => one.includes("#")));
		expect(wall).toMatch(/\/#\/wall\/live\/demo$/);
		expect(watch).toBe(url!.replace("/live/demo.ts", "/play/live/demo"));
		expect(streams).toContain(url);
		for (const page of [wall!, watch!]) {
			const { status, headers } = await fetch(page);
			expect([page, status, headers.get("content-type")]).toEqual([page, 200, "text/html; charset=utf-8"]);
		}
		const { policy } = (await (await fetch(new URL("/api/v1/server", wall))).json()) as { policy: string };
		expect(policy).toBe("adaptive");
		const viewer = await fetch(url!);
		expect([viewer.status, viewer.headers.get("content-type")]).toEqual([200, "video/mp2t"]);
		const reader = viewer.body!.getReader();
		const { value } = await reader.read();
		expect(value?.[0]).toBe(0x47);
		await reader.cancel();
		server.kill("SIGINT");
		expect((await server.exited).code).toBe(0);
	});

	it("switches without being asked where it is told to", async () => {
		const server = start(["demo", "--port", "0", "--api-port", "0", "--policy", "tour"]);
		await server.waitForLine(/^Every 5 s the server switches the rendition inside it\.$/, 20_000);
		const api = await apiOf(server);
		expect(await (await fetch(`${api}/api/v1/server`)).json()).toMatchObject({ policy: "tour" });
		server.kill("SIGINT");
		expect((await server.exited).code).toBe(0);
	});
});
