/**
 * One turn's network: publishers, server and receivers, each a namespace with one port on a bridge. The server is
 * `penstock serve` as people run it; the sink counts at the receivers' port.
 */
import { readdirSync, readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { setTimeout as pass } from "node:timers/promises";
import type { DistributionSnapshot } from "../../dist/server/api-distribution-model.js";
import { createLan, type Lan, type LanSide, PORT_DEVICE } from "../../test/kit/distribution/lan.ts";
import { CLI, writeConfig } from "../../test/kit/penstock.ts";
import type { RunningProcess } from "../../test/kit/processes.ts";
import { cpuMsOf } from "../distribution/cpu-time.ts";
import type { Arrivals } from "../distribution/field.ts";
import type { Tools } from "../distribution/tools.ts";
import { LoadProcess } from "./load-process.ts";
import { ENGINES, type EngineName, type RelayOptions, type Scene } from "./options.ts";
import type { Loaded, Playing, PublisherSettings, ReceiverSettings } from "./order.ts";

const RTSP_PORT = 8554;
const ANYONE = { rights: [{ match: "*/*", verbs: ["publish", "play"], by: ["anyone"] }] };
/** Who has had nothing for so long has had all. */
const QUIET_MS = 200;

/** CPU time so far, in milliseconds. */
export interface CpuTimes {
	/** The server's own process: with `node` it forwards, too. */
	readonly serverMs: number;
	/** The native engine's; 0 where there is none. */
	readonly engineMs: number;
}

export class Rig {
	readonly #lan: Lan;
	readonly #server: RunningProcess;
	readonly #sink: RunningProcess;
	readonly #questions: PassThrough;
	readonly #api: string;
	#publishers: LoadProcess<Loaded> | undefined;
	#receivers: LoadProcess<Playing> | undefined;
	#takes = 0;

	/** Use `Rig.open`. */
	private constructor(lan: Lan, server: RunningProcess, sink: RunningProcess, questions: PassThrough, api: string) {
		this.#lan = lan;
		this.#server = server;
		this.#sink = sink;
		this.#questions = questions;
		this.#api = api;
	}

	/** @returns when everybody publishes and plays */
	static async open(engine: EngineName, scene: Scene, tools: Tools, options: RelayOptions): Promise<Rig> {
		const lan = createLan();
		const rtsp = { listen: `${lan.server.ipv4}:${RTSP_PORT}`, maxConnectionsPerAddress: 1000 };
		const distribution = { ...ENGINES[engine], ...(engine !== "node" && { path: tools.distributor }) };
		const config = writeConfig({ channels: {}, access: ANYONE, publish: { rtsp }, distribution });
		// DPDK's worker has its CPU by name; its other threads, and the server's process, are not to wait for it.
		const pinned = engine === "dpdk-af_xdp" ? [] : ["taskset", "-c", String(options.serverCpu)];
		const [command, ...more] = [...pinned, process.execPath, CLI, "serve", "-c", config];
		const server = lan.start(lan.server, command!, more);
		const questions = new PassThrough();
		const sink = lan.start(lan.receivers, tools.sink, [PORT_DEVICE, tools.sinkProgram], { input: questions });
		await sink.waitForLine(/^ready/);
		const [, api] = await server.waitForLine(/"api":"(http:[^"]+)".*"msg":"listening"/, 60_000);
		const rig = new Rig(lan, server, sink, questions, api!);
		await rig.#load(scene, options);
		return rig;
	}

	async #load({ streams, each }: Scene, options: RelayOptions): Promise<void> {
		const lan = this.#lan;
		const { bitsPerSecond, payloadBytes, loadCpu } = options;
		const server = `rtsp://${lan.server.ipv4}:${RTSP_PORT}`;
		const under = ({ namespace }: LanSide): [string, ...string[]] => [
			...(["ip", "netns", "exec", namespace, "taskset", "-c", String(loadCpu)] as const),
		];
		const publishing: PublisherSettings = {
			...{ server, streams, address: lan.publisher.ipv4, bitsPerSecond, payloadBytes },
		};
		this.#publishers = await LoadProcess.start("publishers-process.ts", publishing, under(lan.publisher));
		const receiving: ReceiverSettings = { server, streams, each, address: lan.receivers.ipv4 };
		this.#receivers = await LoadProcess.start("receivers-process.ts", receiving, under(lan.receivers));
	}

	/** All publishers at their rates. @returns when it is over */
	async load(forMs: number): Promise<Loaded> {
		return await this.#publishers!.order({ do: "load", forMs });
	}

	/** The sink counts from here. */
	async begin(): Promise<void> {
		await this.#ask(" begin");
	}

	/** What has come since, when nothing comes any more. */
	async arrivals(): Promise<Arrivals> {
		for (let before = await this.#ask(""); ; ) {
			await pass(QUIET_MS);
			const now = await this.#ask("");
			if (now.joined > 0) throw new Error(`${now.joined} frames came uncut: the port leaves it to a device.`);
			if (now.packets === before.packets) return now;
			before = now;
		}
	}

	cpuTimes(): CpuTimes {
		const engine = childOf(this.#server.pid, "penstock-distri");
		return { serverMs: cpuMsOf(this.#server.pid), engineMs: engine === undefined ? 0 : cpuMsOf(engine) };
	}

	/** The engine's account. */
	distribution(): DistributionSnapshot {
		const text = this.#lan.run(this.#lan.server, "curl", "-s", `${this.#api}/api/v1/distribution`);
		return JSON.parse(text) as DistributionSnapshot;
	}

	/** Datagrams for which a socket on the server had no room. */
	receiveBufferErrors(): number {
		const lines = this.#lan.run(this.#lan.server, "cat", "/proc/net/snmp").split("\n");
		const [names, values] = lines.filter((line) => line.startsWith("Udp:")).map((line) => line.split(" "));
		return Number(values![names!.indexOf("RcvbufErrors")]);
	}

	async close(): Promise<void> {
		await this.#publishers?.stop();
		await this.#receivers?.stop();
		await this.#server.stop(15_000);
		this.#questions.end();
		await this.#sink.exited;
		this.#lan.remove();
	}

	async #ask(wish: "" | " begin"): Promise<Arrivals> {
		const take = ++this.#takes;
		this.#questions.write(`${take}${wish}\n`);
		const [line] = await this.#sink.waitForLine(new RegExp(`^\\{"take":${take},.*`));
		return JSON.parse(line) as Arrivals;
	}
}

/** @param name as the kernel has it, cut to 15 characters */
function childOf(pid: number, name: string): number | undefined {
	const threads = readdirSync(`/proc/${pid}/task`);
	const children = threads.flatMap((id) => readFileSync(`/proc/${pid}/task/${id}/children`, "utf8").trim().split(" "));
	const child = children.find((one) => one !== "" && readFileSync(`/proc/${one}/comm`, "utf8").trim() === name);
	return child === undefined ? undefined : Number(child);
}
