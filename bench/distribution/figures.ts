/** What the rounds gave, and the results that come of it. */
import { median, type Result } from "../kit/report.ts";
import { type ContenderName, FAN_OUTS } from "./options.ts";

/** Figures of the rounds by the results' names. */
export class Figures {
	readonly #rounds = new Map<string, number[]>();

	add(name: string, value: number): void {
		const there = this.#rounds.get(name);
		if (there === undefined) this.#rounds.set(name, [value]);
		else there.push(value);
	}

	results(): Result[] {
		return [...this.#rounds].map(([name, values]) => ({
			...{ name, value: median(values), unit: unitOf(name), samples: values.length },
		}));
	}

	/** Ours to theirs of the same round, and then the median: rounds differ more than contenders in a round. */
	ratio(name: string, ours: string, theirs: string): Result[] {
		const [mine, their] = [this.#rounds.get(ours), this.#rounds.get(theirs)];
		if (mine === undefined || their === undefined) return [];
		const ratios = mine.map((value, round) => value / their[round]!);
		const ratio = median(ratios);
		return [
			{ name, value: ratio, unit: "×", samples: ratios.length, vs: `${theirs}, same round; above 1 is better`, ratio },
		];
	}
}

const UNITS: readonly (readonly [end: string, unit: string])[] = [
	["ppsPerCpuS", "packets/CPU-s"],
	["pps", "packets/s"],
	["Us", "µs"],
	["Pct", "%"],
];
const unitOf = (name: string): string => UNITS.find(([end]) => name.endsWith(end))?.[1] ?? "";

/** Who is compared with whom. */
const RATIOS: readonly { readonly ours: ContenderName; readonly theirs: ContenderName; readonly as: string }[] = [
	{ ours: "dpdk-af_xdp", theirs: "node", as: "vsNode" },
	{ ours: "dpdk-af_xdp", theirs: "sendmmsg", as: "vsSendmmsg" },
	{ ours: "dpdk-af_packet", theirs: "node", as: "vsNode" },
	{ ours: "dpdk-af_packet", theirs: "sendmmsg", as: "vsSendmmsg" },
	{ ours: "sockets", theirs: "node", as: "vsNode" },
	{ ours: "sockets", theirs: "sendmmsg", as: "vsSendmmsg" },
	{ ours: "ring", theirs: "sendmmsg", as: "vsSendmmsg" },
];

export function allResults(figures: Figures): Result[] {
	return [
		...figures.results(),
		...FAN_OUTS.flatMap(({ name: fanOut }) =>
			RATIOS.flatMap(({ ours, theirs, as }) =>
				figures.ratio(`${ours}.${fanOut}.${as}`, `${ours}.${fanOut}.ppsPerCpuS`, `${theirs}.${fanOut}.ppsPerCpuS`),
			),
		),
		// Who polls uses a whole CPU however little there is to do: there, what arrives is compared.
		...["af_xdp", "af_packet"].flatMap((backend) =>
			figures.ratio(`dpdk-${backend}.1to1.vsTestpmd`, `dpdk-${backend}.1to1.pps`, `testpmd-${backend}.1to1.pps`),
		),
	];
}
