/**
 * Distribution of media packets: what each engine of ours, and its peers, get out of a second of CPU time, and how late
 * the packets come, for 1, 10 and 100 receivers. All in one run, in turns, on the same port between two network
 * namespaces; and the ceiling of the DPDK engine where no kernel is in the way. Needs root. Method: docs/benchmarks.md.
 */
import { type Arena, hugePagesAreThere, type OnField, startContender } from "./distribution/contenders.ts";
import { Field } from "./distribution/field.ts";
import { allResults, Figures } from "./distribution/figures.ts";
import { delayed, idle, saturated } from "./distribution/measure.ts";
import { distributionOptions } from "./distribution/options.ts";
import { ringCeiling } from "./distribution/ring.ts";
import { showTables } from "./distribution/tables.ts";
import { buildTools } from "./distribution/tools.ts";
import { report } from "./kit/report.ts";

const options = distributionOptions();
const figures = new Figures();
// What was made (namespaces, processes) is taken away on the way out.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

async function measureOnField(name: OnField, arena: Arena): Promise<void> {
	const { field } = arena;
	// testpmd knows no receivers: it sends each packet back once.
	const fanOuts = name.startsWith("testpmd") ? options.fanOuts.slice(0, 1) : options.fanOuts;
	const contender = await startContender(name, arena);
	try {
		for (const fanOut of fanOuts) {
			await contender.receivers(fanOut.receivers);
			const { ppsPerCpuS, pps, cpuShare } = await saturated(field, name, contender, fanOut, options);
			const { p50Us, p99Us, lostShare } = await delayed(field, name, fanOut, options);
			const named = { ppsPerCpuS, pps, cpuPct: cpuShare * 100, p50Us, p99Us, lostPct: lostShare * 100 };
			for (const [figure, value] of Object.entries(named)) figures.add(`${name}.${fanOut.name}.${figure}`, value);
		}
		figures.add(`${name}.idleCpuPct`, 100 * (await idle(contender, options)));
	} finally {
		await contender.stop();
		field.clear();
	}
}

const tools = buildTools();
const arena: Arena = { field: await Field.open(tools, options), tools, options };
for (let round = 0; round < options.rounds; round++) {
	// Each is the first now and then.
	for (const name of options.contenders.map((_, at, all) => all[(at + round) % all.length]!)) {
		process.stderr.write(`round ${round + 1} of ${options.rounds}: ${name}\n`);
		if (name === "ring") {
			await ringCeiling(tools, options, (fanOut, value) => figures.add(`ring.${fanOut.name}.ppsPerCpuS`, value));
		} else {
			await measureOnField(name, arena);
		}
	}
}
await arena.field.close();
console.log(
	`Packet memory of DPDK: ${hugePagesAreThere() ? "hugepages" : "ordinary pages (no hugepages are set up)"}.`,
);
report("distribution", allResults(figures), options, showTables);
process.exit(0);
