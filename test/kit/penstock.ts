/**
 * Penstock itself, as people run it: `penstock serve -c FILE` from the build, in a process of its own, on free ports.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ChannelSnapshot, ViewerSnapshot } from "../../src/server/api-model.ts";
import { type RunningProcess, startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

export const CLI = fileURLToPath(new URL("../../dist/cli/penstock.js", import.meta.url));

/** A configuration as it would stand in the file; JSON is YAML. */
export type ConfigFile = Record<string, unknown>;

/** Three small renditions: what a test needs where the picture does not matter. */
export const SMALL_LADDER = [
	{ name: "high", width: 640, height: 360, bitrateBps: 1_200_000, preset: "ultrafast" },
	{ name: "mid", width: 480, height: 270, bitrateBps: 600_000, preset: "ultrafast" },
	{ name: "low", width: 320, height: 180, bitrateBps: 300_000, preset: "ultrafast" },
] as const;

/** A test pattern as small as its ladder. */
export const SMALL_TEST_SOURCE = { test: { width: 640, height: 360, frameRate: 30 } };

export function writeConfig(config: ConfigFile): string {
	const file = join(makeTempDir("config"), "penstock.yaml");
	const listen = "127.0.0.1:0";
	const whole = {
		...config,
		http: { listen, ...(config["http"] as object) },
		api: { listen, ...(config["api"] as object) },
		log: { level: "info", format: "json", ...(config["log"] as object) },
		...(config["publish"] !== undefined && { publish: onFreePorts(config["publish"]) }),
	};
	writeFileSync(file, JSON.stringify(whole, null, "\t"));
	return file;
}

function onFreePorts(publish: unknown): unknown {
	const { rtmp, rtsp, ...more } = publish as Record<string, object | undefined>;
	const listen = "127.0.0.1:0";
	return { ...more, rtmp: { listen, ...rtmp }, rtsp: { listen, ...rtsp } };
}

export const startCli = (args: readonly string[], env: Record<string, string | undefined> = {}): RunningProcess =>
	startProcess(process.execPath, [CLI, ...args], { env, keepBytes: 2 ** 24 });

/**
 * What a test gets that says nothing of switching: nobody goes up but by wish, whatever the connection shows, and the
 * machine, which tests share, may be as busy as it likes.
 */
export const STILL: ConfigFile = {
	server: { underDuress: "ignore" },
	switching: { policy: "threshold", threshold: { minServerCpuIdle: 1 } },
};

/** Starts a server and resolves when it listens. */
export async function startPenstock(config: ConfigFile, env: Record<string, string> = {}): Promise<Penstock> {
	const running = startCli(["serve", "-c", writeConfig({ ...STILL, ...config })], env);
	const line = await running.waitForLine(/^\{.*"msg":"listening".*\}$/, 60_000);
	const { http, api } = JSON.parse(line[0]) as { http: string; api: string };
	return new Penstock(running, http, api);
}

export class Penstock {
	readonly process: RunningProcess;
	/** `http://127.0.0.1:port`, for viewers. */
	readonly http: string;
	/** The same, for the API and the metrics. */
	readonly api: string;

	/** Use `startPenstock`. */
	constructor(running: RunningProcess, http: string, api: string) {
		this.process = running;
		this.http = http;
		this.api = api;
	}

	/** Log lines so far, parsed. */
	get log(): readonly Record<string, unknown>[] {
		const lines = `${this.process.stdout}\n${this.process.stderr}`.split("\n").filter((line) => line.startsWith("{"));
		return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
	}

	async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
		const response = await fetch(`${this.api}${path}`, {
			method,
			...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
		});
		const text = await response.text();
		return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
	}

	async viewer(id: string): Promise<ViewerSnapshot> {
		const { status, body } = await this.call("GET", `/api/v1/viewers/${id}`);
		if (status !== 200) throw new Error(`viewer ${id}: ${status} ${JSON.stringify(body)}`);
		return body as ViewerSnapshot;
	}

	async channel(path: string): Promise<ChannelSnapshot> {
		const { status, body } = await this.call("GET", `/api/v1/channels/${path}`);
		if (status !== 200) throw new Error(`channel ${path}: ${status} ${JSON.stringify(body)}`);
		return body as ChannelSnapshot;
	}

	/** Sums the samples of a metric whose labels include those given. */
	async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
		const text = await (await fetch(`${this.api}/metrics`)).text();
		let sum = 0;
		for (const line of text.split("\n")) {
			const match = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)$/.exec(line);
			if (match?.[1] !== name) continue;
			if (Object.entries(labels).every(([key, value]) => match[2]?.includes(`${key}="${value}"`)))
				sum += Number(match[3]);
		}
		return sum;
	}

	async stop(): Promise<void> {
		await this.process.stop(15_000);
	}
}
