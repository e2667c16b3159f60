/**
 * Penstock on one side of a shaped link and viewers on the other: the server as people run it, with a real ladder, and
 * for each viewer the times at which its pictures arrived.
 */
import { fileURLToPath } from "node:url";
import type { DecisionSnapshot, ViewerSnapshot } from "../../src/server/api-model.ts";
import { Arrivals } from "./arrivals.ts";
import { type ConfigFile, writeConfig } from "./penstock.ts";
import type { ProcessOptions, RunningProcess } from "./processes.ts";
import { createShapedLink, type ShapedLink, type ShapedLinkOptions } from "./shaped-link.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/penstock.js", import.meta.url));
const ARRIVALS = fileURLToPath(new URL("./arrivals-process.ts", import.meta.url));
const PORT = 8080;
const API_PORT = 9998;

/** The three renditions of the default ladder, from the best to the lowest, as cheap to encode as they can be. */
const LINK_LADDER = [
	{ name: "high", width: 1280, height: 720, bitrateBps: 2_500_000, preset: "ultrafast" },
	{ name: "mid", width: 848, height: 480, bitrateBps: 1_200_000, preset: "ultrafast" },
	{ name: "low", width: 480, height: 270, bitrateBps: 500_000, preset: "ultrafast" },
] as const;

export interface LinkedPenstockOptions {
	readonly link: ShapedLinkOptions;
	/** 500 where this is left out. */
	readonly unitMs?: number;
	/** Beside the channel; "adaptive" decides where this says nothing. */
	readonly config?: ConfigFile;
}

/** Resolves when the server listens. */
export async function startLinkedPenstock(options: LinkedPenstockOptions): Promise<LinkedPenstock> {
	const { link: linkOptions, unitMs = 500, config } = options;
	const link = await createShapedLink(linkOptions);
	const file = writeConfig({
		// What is tested is the network's part; the machine is shared and may be as busy as it likes.
		server: { underDuress: "ignore" },
		...config,
		http: { listen: `${link.near.address}:${PORT}` },
		api: { listen: `127.0.0.1:${API_PORT}` },
		channels: {
			camera: {
				source: { test: { width: 1280, height: 720, frameRate: 30 } },
				...{ unitMs, renditions: LINK_LADDER },
			},
		},
	});
	const server = link.start(link.near, process.execPath, [CLI, "serve", "-c", file], { keepBytes: 2 ** 24 });
	await server.waitForLine(/"msg":"listening"/, 30_000);
	return new LinkedPenstock(link, server);
}

export class LinkedPenstock {
	readonly link: ShapedLink;
	readonly server: RunningProcess;
	/** As the viewers' side has it. */
	readonly origin: string;

	/** Use `startLinkedPenstock`. */
	constructor(link: ShapedLink, server: RunningProcess) {
		this.link = link;
		this.server = server;
		this.origin = `http://${link.near.address}:${PORT}`;
	}

	/** A viewer who only reads. */
	read(query = ""): Arrivals {
		return this.#arrivals("read", `${this.origin}/live/camera.ts${query}`);
	}

	/** Stands between a player and the server; resolves with the URL for the player. */
	async pass(): Promise<{ readonly arrivals: Arrivals; readonly url: string }> {
		const arrivals = this.#arrivals("pass", this.origin);
		return { arrivals, url: `http://127.0.0.1:${await arrivals.port}/live/camera.ts` };
	}

	#arrivals(mode: "read" | "pass", url: string): Arrivals {
		const { link } = this;
		return new Arrivals((options) => link.start(link.far, process.execPath, [ARRIVALS, mode, url], options));
	}

	/** Starts a process on the viewers' side. */
	startViewer(command: string, args: readonly string[], options?: ProcessOptions): RunningProcess {
		return this.link.start(this.link.far, command, args, options);
	}

	/** `penstock play --json`, which reports to nobody unless `args` say otherwise. */
	play(url: string, args: readonly string[] = []): RunningProcess {
		return this.startViewer(process.execPath, [CLI, "play", "--json", "--report", "none", ...args, url], {
			keepBytes: 2 ** 24,
		});
	}

	async viewer(id: string): Promise<ViewerSnapshot> {
		return (await this.#ask(`/api/v1/viewers/${id}`)) as ViewerSnapshot;
	}

	/** The newest last. */
	async decisions(id: string): Promise<readonly DecisionSnapshot[]> {
		const { decisions } = (await this.#ask(`/api/v1/viewers/${id}/decisions`)) as {
			decisions: DecisionSnapshot[];
		};
		return decisions;
	}

	async #ask(path: string): Promise<unknown> {
		const url = `http://127.0.0.1:${API_PORT}${path}`;
		const asked = this.link.start(this.link.near, "curl", ["--silent", "--show-error", "--fail", url]);
		const { code } = await asked.exited;
		if (code !== 0) throw new Error(`${path}: ${asked.lastWords()}`);
		return JSON.parse(asked.stdout);
	}

	async stop(): Promise<void> {
		await this.server.stop(15_000);
		await this.link.remove();
	}
}
