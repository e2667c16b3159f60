/**
 * RTSP publishers and players by UDP on a whole server: what each engine loses, what a packet costs, and how late it is;
 * 100 publishers of 2 Mbit/s with three players each, and fewer where DPDK is among the engines. Needs root. Method:
 * docs/benchmarks.md.
 */
import { setTimeout as pass } from "node:timers/promises";
import { buildTools } from "./distribution/tools.ts";
import { report } from "./kit/report.ts";
import { Figures, showTables } from "./relay/figures.ts";
import { type EngineName, type RelayOptions, relayOptions, type Scene } from "./relay/options.ts";
import { Rig } from "./relay/rig.ts";

const options = relayOptions();
const figures = new Figures();
// What was made (namespaces, processes) is taken away on the way out.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
const tools = buildTools();

async function turn(engine: EngineName, scene: Scene, { warmUpMs, loadMs, idleMs }: RelayOptions): Promise<void> {
	const rig = await Rig.open(engine, scene, tools, options);
	try {
		await rig.load(warmUpMs);
		await rig.arrivals();
		const idleFrom = { ...rig.cpuTimes(), at: performance.now() };
		await pass(idleMs);
		const idleTo = { ...rig.cpuTimes(), at: performance.now() };
		await rig.begin();
		const [before, errorsBefore, cpuBefore] = [rig.distribution(), rig.receiveBufferErrors(), rig.cpuTimes()];
		const published = await rig.load(loadMs);
		const cpu = rig.cpuTimes();
		const arrived = await rig.arrivals();
		const [after, errors] = [rig.distribution(), rig.receiveBufferErrors() - errorsBefore];
		figures.add(engine, scene, {
			...{ published, arrived, before, after, receiveBufferErrors: errors, bitsPerSecond: options.bitsPerSecond },
			payloadBytes: options.payloadBytes,
			serverMs: cpu.serverMs - cpuBefore.serverMs,
			engineMs: cpu.engineMs - cpuBefore.engineMs,
			idleShare:
				(idleTo.serverMs + idleTo.engineMs - idleFrom.serverMs - idleFrom.engineMs) / (idleTo.at - idleFrom.at),
		});
	} finally {
		await rig.close();
	}
}

for (let round = 0; round < options.rounds; round++) {
	for (const scene of options.scenes) {
		// Each is the first now and then.
		for (const engine of scene.engines.map((_, at, all) => all[(at + round) % all.length]!)) {
			process.stderr.write(`round ${round + 1} of ${options.rounds}: ${scene.name}, ${engine}\n`);
			await turn(engine, scene, options);
		}
	}
}
report("relay", figures.results(), options, showTables);
process.exit(0);
