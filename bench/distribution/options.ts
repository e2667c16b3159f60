/** The command line of `bench:distribution`. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";

/** Who is compared, in the order of the table. */
export const CONTENDERS = [
	"dpdk-af_xdp",
	"dpdk-af_packet",
	"sockets",
	"sendmmsg",
	"node",
	"testpmd-af_xdp",
	"testpmd-af_packet",
	"ring",
] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** How many receivers a packet has. */
export const FAN_OUTS = [
	{ name: "1to1", receivers: 1 },
	{ name: "1to10", receivers: 10 },
	{ name: "1to100", receivers: 100 },
] as const;
export type FanOut = (typeof FAN_OUTS)[number];

/** What fits into a minute: the goals' own comparisons, without the largest fan-out. */
const QUICK_CONTENDERS: readonly ContenderName[] = [
	"dpdk-af_xdp",
	"sockets",
	"sendmmsg",
	"node",
	"testpmd-af_xdp",
	"ring",
];
const QUICK_FAN_OUTS = FAN_OUTS.slice(0, 2);

export interface DistributionOptions {
	readonly quick: boolean;
	readonly jsonFile: string | undefined;
	readonly contenders: readonly ContenderName[];
	readonly fanOuts: readonly FanOut[];
	/** Of the UDP payload. */
	readonly payloadBytes: number;
	readonly rounds: number;
	/** Before each measurement, and of each. */
	readonly warmUpMs: number;
	readonly saturatedMs: number;
	readonly delayMs: number;
	readonly idleMs: number;
	/** The CPUs of who is measured, and of the publisher. */
	readonly engineCpu: number;
	readonly publisherCpu: number;
}

export function distributionOptions(): DistributionOptions {
	const { values } = parseArgs({
		options: {
			quick: { type: "boolean", default: false },
			json: { type: "string" },
			only: { type: "string" },
			bytes: { type: "string", default: "1200" },
		},
	});
	const all: readonly string[] = values.quick ? QUICK_CONTENDERS : CONTENDERS;
	const wanted = values.only?.split(",") ?? all;
	const contenders = CONTENDERS.filter((name) => wanted.includes(name));
	if (contenders.length < wanted.length) throw new Error(`--only is a list of ${CONTENDERS.join(", ")}.`);
	const payloadBytes = Number(values.bytes);
	if (!(payloadBytes >= 64 && payloadBytes <= 1472)) {
		throw new Error(`--bytes is ${values.bytes}, but payloads have 64 to 1472 bytes.`);
	}
	return {
		...{ quick: values.quick, jsonFile: values.json, contenders, payloadBytes, rounds: 3 },
		fanOuts: values.quick ? QUICK_FAN_OUTS : FAN_OUTS,
		...(values.quick
			? { warmUpMs: 100, saturatedMs: 250, delayMs: 150, idleMs: 300 }
			: { warmUpMs: 500, saturatedMs: 2000, delayMs: 2000, idleMs: 3000 }),
		...{ engineCpu: cpus().length - 1, publisherCpu: 0 },
	};
}
