/**
 * The ceiling: our DPDK engine between two rings in memory, without kernel or card. A thread of the same process makes
 * the packets; what is charged is the time of the worker's thread alone, which never waits.
 */
import { setTimeout as pass } from "node:timers/promises";
import { cpuMsOf } from "./cpu-time.ts";
import type { DistributionOptions, FanOut } from "./options.ts";
import { OurEngine } from "./our-engine.ts";
import type { Tools } from "./tools.ts";

/** What the backend makes its packets for, where nothing else is said. */
const MATCH = { address: "192.0.2.1", port: 5004 };
/** The thread that works, as DPDK 22.11 calls it. */
const isWorker = (thread: string): boolean => thread.startsWith("rte-worker");

/** Calls `told` with packets for each second of the worker's. */
export async function ringCeiling(
	tools: Tools,
	options: DistributionOptions,
	told: (fanOut: FanOut, ppsPerCpuS: number) => void,
): Promise<void> {
	// A large fan-out shares the payload, where the device takes frames in two pieces; a small one copies it.
	for (const shared of [false, true]) {
		const fanOuts = options.fanOuts.filter(({ receivers }) => receivers >= 100 === shared);
		if (fanOuts.length === 0) continue;
		const packets = `generate=${options.payloadBytes},copy=${shared ? 0 : 1}`;
		const engine = await OurEngine.start({
			...{ engine: "dpdk", distributor: tools.distributor, match: MATCH },
			arguments: ["--backend", "ring", "--backend-arguments", packets, "--cores", String(options.engineCpu)],
		});
		try {
			for (const fanOut of fanOuts) {
				await engine.receivers(fanOut.receivers);
				told(fanOut, await ppsPerCpuS(engine, options));
			}
		} finally {
			await engine.stop();
		}
	}
}

async function ppsPerCpuS(engine: OurEngine, { warmUpMs, saturatedMs }: DistributionOptions): Promise<number> {
	await pass(warmUpMs);
	const [before, cpuBefore] = [await engine.figures(), cpuMsOf(engine.pid, isWorker)];
	await pass(saturatedMs);
	const [after, cpuMs] = [await engine.figures(), cpuMsOf(engine.pid, isWorker) - cpuBefore];
	if (cpuMs === 0) throw new Error("the worker's thread is not found, or has no time");
	return ((after.sentPackets - before.sentPackets) / cpuMs) * 1000;
}
