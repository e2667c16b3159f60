/** What `penstock play` reports of the machine that it runs on: shares since it was asked last. */
import { nodeReadings } from "../server/machine-readings.ts";
import type { MachineShares } from "../terminal/report-sender.ts";

export interface OwnMachine {
	shares(): MachineShares;
	close(): void;
}

/** Between two readings that are closer, the grain of the kernel's counters is all there is to see. */
const LEAST_MS = 200;

export function ownMachine(): OwnMachine {
	const readings = nodeReadings();
	let before = readings.cpu();
	let cpuIdle: number | undefined;
	return {
		shares() {
			const now = readings.cpu();
			const total = now.totalMs - before.totalMs;
			if (total >= LEAST_MS) {
				cpuIdle = Math.min(1, Math.max(0, (now.idleMs - before.idleMs) / total));
				before = now;
			}
			const used = readings.memory().map(({ usedBytes, totalBytes }) => usedBytes / totalBytes);
			return { cpuIdle, memoryUsed: used.length === 0 ? undefined : Math.min(1, Math.max(...used)) };
		},
		close: () => readings.close(),
	};
}
