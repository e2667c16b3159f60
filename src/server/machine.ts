/**
 * The machine that the server runs on and the work that it does, sampled once a second: the server's processing
 * capability (the design's fourth parameter). Where a control group (cgroup v2) grants less than the machine has, that
 * is what counts. What follows from the figures is judged by `ServerLoad`, with each sample.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { type BitsPerSecond, bitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import type { ServerLoad } from "../switching/server-load.ts";
import type { ServerDuress, ServerFigures } from "../switching/state.ts";

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

/** What the server itself does. */
export interface WorkReadings {
	/** Bytes sent to viewers since the start. */
	bytesSent(): number;
	/** Of the slowest encoder, 1 being real time; undefined where none can tell. */
	encoderSpeed(): number | undefined;
}

export interface MachineOptions {
	readonly clock: Clock;
	readonly readings: MachineReadings;
	readonly work: WorkReadings;
	/** The most that the server's network takes; undefined where nobody has said. */
	readonly egressLimit: BitsPerSecond | undefined;
	/** Undefined: nothing follows from the figures. */
	readonly load: ServerLoad | undefined;
	/** The level has changed. */
	readonly onDuress: (duress: ServerDuress | undefined, figures: ServerFigures) => void;
}

const INTERVAL_MS = 1000;

interface Sample {
	readonly at: Milliseconds;
	readonly cpu: CpuReading;
	readonly quota: QuotaReading | undefined;
	readonly bytesSent: number;
}

export class Machine {
	readonly #options: MachineOptions;
	#timer: Timer | undefined;
	#last: Sample;
	#figures: ServerFigures = { cpuIdle: undefined, memoryUsed: undefined, eventLoopDelayMs: undefined };

	/** Samples from now on until it is closed. */
	constructor(options: MachineOptions) {
		this.#options = options;
		this.#last = this.#read();
		this.#arm();
	}

	/** As of the last sample; a figure that nobody has yet is undefined. Nobody changes them: all viewers' are the same. */
	get figures(): ServerFigures {
		return this.#figures;
	}

	close(): void {
		this.#timer?.cancel();
		this.#options.readings.close();
	}

	#arm(): void {
		this.#timer = this.#options.clock.after(INTERVAL_MS, () => {
			this.#sample();
			this.#arm();
		});
	}

	#read(): Sample {
		const { clock, readings, work } = this.#options;
		return { at: clock.now(), cpu: readings.cpu(), quota: readings.quota(), bytesSent: work.bytesSent() };
	}

	#sample(): void {
		const { readings, work, egressLimit, load, onDuress } = this.#options;
		const sample = this.#read();
		const idle = [machineIdle(this.#last, sample), quotaIdle(this.#last, sample)].filter((one) => one !== undefined);
		const used = readings.memory().map(({ usedBytes, totalBytes }) => share(usedBytes / totalBytes));
		const egress = egressOf(this.#last, sample);
		const encoderSpeed = work.encoderSpeed();
		this.#last = sample;
		const figures: ServerFigures = {
			cpuIdle: idle.length === 0 ? this.#figures.cpuIdle : Math.min(...idle),
			memoryUsed: used.length === 0 ? undefined : Math.max(...used),
			eventLoopDelayMs: milliseconds(readings.eventLoopDelayMs()),
			...(egress !== undefined && { egress }),
			...(egressLimit !== undefined && { egressLimit }),
			...(encoderSpeed !== undefined && { encoderSpeed }),
		};
		const before = this.#figures.duress?.level;
		const duress = load?.sample(sample.at, figures);
		this.#figures = Object.freeze({ ...figures, ...(duress !== undefined && { duress: Object.freeze(duress) }) });
		if (duress?.level !== before) onDuress(duress, this.#figures);
	}
}

function egressOf(before: Sample, now: Sample): BitsPerSecond | undefined {
	const elapsed = now.at - before.at;
	return elapsed > 0 ? bitsPerSecond(((now.bytesSent - before.bytesSent) * 8000) / elapsed) : undefined;
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
