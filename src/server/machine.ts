/**
 * The machine that the server runs on, sampled once a second: the server's processing capability (the design's fourth
 * parameter). Where a control group (cgroup v2) grants less than the machine has, that is what counts.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { ServerFigures } from "../switching/state.ts";

/** Readings that only ever grow; shares are made from two of them. */
export interface CpuReading {
	readonly idleMs: number;
	readonly totalMs: number;
}

export interface QuotaReading {
	readonly usedMs: number;
	/** How many CPUs' worth of time may be used. */
	readonly cpus: number;
}

export interface MemoryReading {
	readonly usedBytes: number;
	readonly totalBytes: number;
}

/** Where the figures come from: Linux and Node.js (`machine-readings.ts`), or a test. */
export interface MachineReadings {
	cpu(): CpuReading;
	/** Undefined where nothing limits the server's CPU time. */
	quota(): QuotaReading | undefined;
	/** The machine's, and the control group's where there is one with a limit. */
	memory(): readonly MemoryReading[];
	/** The event loop's delay since the last call, 99th percentile. */
	eventLoopDelayMs(): number;
	close(): void;
}

const INTERVAL_MS = 1000;

interface Sample {
	readonly at: Milliseconds;
	readonly cpu: CpuReading;
	readonly quota: QuotaReading | undefined;
}

export class Machine {
	readonly #clock: Clock;
	readonly #readings: MachineReadings;
	#timer: Timer | undefined;
	#last: Sample;
	#figures: ServerFigures = { cpuIdle: undefined, memoryUsed: undefined, eventLoopDelayMs: undefined };

	/** Samples from now on until it is closed. */
	constructor(clock: Clock, readings: MachineReadings) {
		this.#clock = clock;
		this.#readings = readings;
		this.#last = this.#read();
		this.#arm();
	}

	/** As of the last sample; a figure that nobody has yet is undefined. */
	get figures(): ServerFigures {
		return this.#figures;
	}

	close(): void {
		this.#timer?.cancel();
		this.#readings.close();
	}

	#arm(): void {
		this.#timer = this.#clock.after(INTERVAL_MS, () => {
			this.#sample();
			this.#arm();
		});
	}

	#read(): Sample {
		return { at: this.#clock.now(), cpu: this.#readings.cpu(), quota: this.#readings.quota() };
	}

	#sample(): void {
		const sample = this.#read();
		const idle = [machineIdle(this.#last, sample), quotaIdle(this.#last, sample)].filter((one) => one !== undefined);
		const used = this.#readings.memory().map(({ usedBytes, totalBytes }) => share(usedBytes / totalBytes));
		this.#last = sample;
		this.#figures = {
			cpuIdle: idle.length === 0 ? this.#figures.cpuIdle : Math.min(...idle),
			memoryUsed: used.length === 0 ? undefined : Math.max(...used),
			eventLoopDelayMs: milliseconds(this.#readings.eventLoopDelayMs()),
		};
	}
}

function machineIdle(before: Sample, now: Sample): number | undefined {
	const total = now.cpu.totalMs - before.cpu.totalMs;
	return total > 0 ? share((now.cpu.idleMs - before.cpu.idleMs) / total) : undefined;
}

function quotaIdle(before: Sample, now: Sample): number | undefined {
	if (before.quota === undefined || now.quota === undefined || now.at <= before.at) return undefined;
	const used = now.quota.usedMs - before.quota.usedMs;
	return share(1 - used / (now.quota.cpus * (now.at - before.at)));
}

const share = (value: number): number => Math.min(1, Math.max(0, value));
