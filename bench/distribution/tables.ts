/** The results for people: a row for each contender, and one for each comparison. */
import type { Result } from "../kit/report.ts";
import { CONTENDERS, type ContenderName, FAN_OUTS } from "./options.ts";

/** Of each fan-out, in this order; how many digits are worth showing. */
const COLUMNS = [
	{ figure: "ppsPerCpuS", title: "kpps/CPU-s", text: (value: number) => (value / 1000).toFixed(0) },
	{ figure: "cpuPct", title: "CPU %", text: (value: number) => value.toFixed(0) },
	{ figure: "p50Us", title: "p50 µs", text: (value: number) => value.toFixed(0) },
	{ figure: "lostPct", title: "lost %", text: (value: number) => value.toFixed(2) },
] as const;

const COMPARISONS = ["vsNode", "vsSendmmsg", "vsTestpmd"] as const;

export function showTables(results: readonly Result[]): void {
	const values = new Map(results.map(({ name, value }) => [name, value]));
	const cell = (name: string, text: (value: number) => string): string => {
		const value = values.get(name);
		return value === undefined ? "" : text(value);
	};
	const presentIn = (part: string): ContenderName[] =>
		CONTENDERS.filter((contender) => results.some(({ name }) => name.startsWith(`${contender}.${part}`)));
	for (const fanOut of FAN_OUTS.map(({ name }) => name).filter((name) => presentIn(`${name}.`).length > 0)) {
		console.log(`\n${fanOut}`);
		console.table(
			Object.fromEntries(
				presentIn(`${fanOut}.`).map((contender) => [
					contender,
					Object.fromEntries([
						...COLUMNS.map(({ figure, title, text }) => [title, cell(`${contender}.${fanOut}.${figure}`, text)]),
						...COMPARISONS.map((as) => [as, cell(`${contender}.${fanOut}.${as}`, (value) => value.toFixed(2))]),
					]),
				]),
			),
		);
	}
	const idle = presentIn("idleCpuPct").map(
		(contender) => `${contender} ${values.get(`${contender}.idleCpuPct`)!.toFixed(1)} %`,
	);
	console.log(`\nCPU with nothing to do: ${idle.join(", ")}`);
}
