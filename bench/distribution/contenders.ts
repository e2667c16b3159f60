/** Who is measured between the two namespaces: our engines as a server has them, and their peers. */
import { readFileSync } from "node:fs";
import type { EngineKind } from "../../dist/wire/distributor-answer.js";
import type { RunningProcess } from "../../test/kit/processes.ts";
import { type Field, MEDIA_PORT, PORT, RECEIVER_PORT, receiverAddress } from "./field.ts";
import type { ContenderName, DistributionOptions } from "./options.ts";
import { OurEngine } from "./our-engine.ts";
import type { Tools } from "./tools.ts";

/** One that runs, and forwards what comes to the server's media port. */
export interface Contender {
	/** Of the process that forwards; another one after `receivers`, perhaps. */
	readonly pid: number;
	receivers(count: number): Promise<void>;
	stop(): Promise<void>;
}

export interface Arena {
	readonly field: Field;
	readonly tools: Tools;
	readonly options: DistributionOptions;
}

export type OnField = Exclude<ContenderName, "ring">;

export function startContender(name: OnField, arena: Arena): Promise<Contender> {
	switch (name) {
		case "dpdk-af_xdp":
			return startEngine(arena, "dpdk", ["--backend", "af_xdp", ...dpdkArguments(arena.options)]);
		case "dpdk-af_packet":
			return startEngine(arena, "dpdk", ["--backend", "af_packet", ...dpdkArguments(arena.options)]);
		case "sockets":
			return startEngine(arena, "sockets", []);
		case "node":
			return startEngine(arena, "node", []);
		case "sendmmsg":
			return Promise.resolve(new Plain(arena));
		case "testpmd-af_xdp":
			return startTestpmd(arena, `net_af_xdp0,iface=${PORT},start_queue=0,queue_count=1`);
		case "testpmd-af_packet":
			return startTestpmd(arena, `net_af_packet0,iface=${PORT},qpairs=1,blocksz=4096,framesz=2048,framecnt=4096`);
	}
}

const dpdkArguments = ({ engineCpu }: DistributionOptions): string[] => [
	...["--interface", PORT, "--cores", String(engineCpu)],
];

/** What one distributor takes with its default of packet memory, and some more; it does without where there are fewer. */
const HUGE_PAGES_KIB = 160 * 1024;

export function hugePagesAreThere(): boolean {
	const text = readFileSync("/proc/meminfo", "utf8");
	const figure = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
	return figure("HugePages_Free") * figure("Hugepagesize") >= HUGE_PAGES_KIB;
}

/** Who has threads of his own for control is told which CPU his worker has; the others are held there whole. */
function startEngine({ field, tools, options }: Arena, engine: EngineKind, more: string[]): Promise<Contender> {
	const { namespace, address } = field.server;
	const pinned = engine === "dpdk" ? [] : ["taskset", "-c", String(options.engineCpu)];
	return OurEngine.start(
		{ engine, distributor: tools.distributor, arguments: more, match: { address, port: MEDIA_PORT } },
		["ip", "netns", "exec", namespace, ...pinned],
	);
}

/** recvmmsg and sendmmsg (native/distributor/bench/plain.c): its receivers are on its command line. */
class Plain implements Contender {
	readonly #arena: Arena;
	#process: RunningProcess | undefined;

	constructor(arena: Arena) {
		this.#arena = arena;
	}

	get pid(): number {
		return this.#process?.pid ?? 0;
	}

	async receivers(count: number): Promise<void> {
		await this.stop();
		const { field, tools, options } = this.#arena;
		const flow = [field.server.address, MEDIA_PORT, receiverAddress(0), count, RECEIVER_PORT].map(String);
		this.#process = field.start("taskset", ["-c", String(options.engineCpu), tools.plain, ...flow]);
		await this.#process.waitForLine(/^ready/);
	}

	async stop(): Promise<void> {
		await this.#process?.stop();
	}
}

/** How often testpmd is looked at, and how long in all. */
const PROBE_MS = 50;
const START_TIMEOUT_MS = 15_000;

/** DPDK's own: sends each packet back out of the port with new Ethernet addresses, and looks at nothing else of it. */
async function startTestpmd({ field, options }: Arena, device: string): Promise<Contender> {
	const memory = hugePagesAreThere() ? ["--in-memory", "-m", "128"] : ["--no-huge", "-m", "256"];
	const running = field.start("dpdk-testpmd", [
		...["--no-telemetry", "--no-pci", "--iova-mode=va", "--file-prefix", `penstock-bench-${process.pid}`, ...memory],
		...["--lcores", `0@${options.publisherCpu},1@${options.engineCpu}`, "--vdev", device, "--"],
		...["--auto-start", "--total-num-mbufs=16384", "--stats-period=1000", "--nb-cores=1", "--forward-mode=mac"],
		...["--port-topology=loop", `--eth-peer=0,${field.farMac}`],
	]);
	let ended = false;
	void running.exited.then(() => (ended = true));
	// What it prints comes when its buffer is full; that it forwards shows at the receivers.
	await field.begin();
	for (const deadline = performance.now() + START_TIMEOUT_MS; (await field.arrivals()).packets === 0; ) {
		if (ended || performance.now() > deadline) throw new Error(`testpmd forwards nothing: ${running.lastWords()}`);
		await field.publish(1000, PROBE_MS);
	}
	return {
		pid: running.pid,
		receivers: () => Promise.resolve(),
		stop: async () => void (await running.stop()),
	};
}
