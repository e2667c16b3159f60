/** The command line of `bench:relay`. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { PORT_DEVICE } from "../../test/kit/distribution/lan.ts";

const LAST_CPU = cpus().length - 1;

/** By what packets go on, in the order of the table: the section `distribution` of the server's configuration. */
export const ENGINES = {
	"dpdk-af_xdp": {
		engine: "dpdk",
		device: PORT_DEVICE,
		backend: "af_xdp",
		arguments: ["--cores", String(LAST_CPU)],
	},
	sockets: { engine: "sockets" },
	node: { engine: "node" },
} as const;
export type EngineName = keyof typeof ENGINES;

/** How many publish, and how many play each of the streams. */
export interface Scene {
	readonly name: "full" | "few";
	readonly streams: number;
	readonly each: number;
	readonly engines: readonly EngineName[];
}

const SCENES: readonly Scene[] = [
	{ name: "full", streams: 100, each: 3, engines: ["sockets", "node"] },
	{ name: "few", streams: 20, each: 3, engines: ["dpdk-af_xdp", "sockets", "node"] },
];

export interface RelayOptions {
	readonly quick: boolean;
	readonly jsonFile: string | undefined;
	readonly scenes: readonly Scene[];
	readonly rounds: number;
	readonly warmUpMs: number;
	readonly loadMs: number;
	readonly idleMs: number;
	readonly bitsPerSecond: number;
	readonly payloadBytes: number;
	/** The CPUs of who is measured, and of the load. */
	readonly serverCpu: number;
	readonly loadCpu: number;
}

export function relayOptions(): RelayOptions {
	const { values } = parseArgs({
		options: {
			quick: { type: "boolean", default: false },
			json: { type: "string" },
			scene: { type: "string", multiple: true, default: SCENES.map(({ name }) => name) },
		},
	});
	const scenes = SCENES.filter(({ name }) => values.scene.includes(name));
	if (scenes.length < values.scene.length) {
		throw new Error(`--scene is one of ${SCENES.map(({ name }) => name).join(", ")}.`);
	}
	return {
		...{ quick: values.quick, jsonFile: values.json, scenes, bitsPerSecond: 2_000_000, payloadBytes: 1200 },
		...(values.quick
			? { rounds: 1, warmUpMs: 300, loadMs: 2000, idleMs: 500 }
			: { rounds: 3, warmUpMs: 1000, loadMs: 10_000, idleMs: 3000 }),
		...{ serverCpu: LAST_CPU, loadCpu: 0 },
	};
}
