/** The measurements of one contender that runs. */
import { setTimeout as pass } from "node:timers/promises";
import type { Contender } from "./contenders.ts";
import { cpuMsOf } from "./cpu-time.ts";
import type { Field } from "./field.ts";
import type { DistributionOptions, FanOut } from "./options.ts";

/**
 * What is offered for saturation, in packets a second of the publisher's: more than any contender has managed so far; 0
 * is as many as the publisher can. The engine in this process's own language is offered a quarter: it manages less than
 * that, and what it leaves fills its socket all the same.
 */
const OFFERED: Readonly<Record<FanOut["name"], number>> = { "1to1": 0, "1to10": 200_000, "1to100": 25_000 };
const SLOW_OFFERED: Readonly<Record<FanOut["name"], number>> = { "1to1": 200_000, "1to10": 50_000, "1to100": 6000 };

/** Copies a second at which delay and loss are taken. */
const DELAY_OUT_PPS = 200_000;
const SLOW_DELAY_OUT_PPS = 50_000;
/** The publisher goes on for so long when all is measured. */
const LONGER_MS = 100;

/** The engine that is offered less. */
const isSlow = (name: string): boolean => name === "node";

export interface Saturated {
	readonly ppsPerCpuS: number;
	/** Copies that arrived, by the clock. */
	readonly pps: number;
	/** Share of the CPU's time that it used. */
	readonly cpuShare: number;
}

export async function saturated(
	field: Field,
	name: string,
	contender: Contender,
	fanOut: FanOut,
	{ warmUpMs, saturatedMs }: DistributionOptions,
): Promise<Saturated> {
	const offered = (isSlow(name) ? SLOW_OFFERED : OFFERED)[fanOut.name];
	const publishing = field.publish(offered, warmUpMs + saturatedMs + LONGER_MS);
	await pass(warmUpMs);
	await field.begin();
	const [cpuBefore, before] = [cpuMsOf(contender.pid), performance.now()];
	await pass(saturatedMs);
	const [cpuMs, ms] = [cpuMsOf(contender.pid) - cpuBefore, performance.now() - before];
	const { packets } = await field.arrivals();
	await publishing;
	return { ppsPerCpuS: (packets / cpuMs) * 1000, pps: (packets / ms) * 1000, cpuShare: cpuMs / ms };
}

export interface Delayed {
	readonly p50Us: number;
	readonly p99Us: number;
	/** Of the copies that should have arrived. */
	readonly lostShare: number;
}

export async function delayed(
	field: Field,
	name: string,
	{ receivers }: FanOut,
	{ warmUpMs, delayMs }: DistributionOptions,
): Promise<Delayed> {
	const copies = isSlow(name) ? SLOW_DELAY_OUT_PPS : DELAY_OUT_PPS;
	await field.quiet();
	await field.begin();
	const { packets } = await field.publish(copies / receivers, warmUpMs + delayMs);
	await field.quiet();
	const arrived = await field.arrivals();
	const { p50Us, p99Us } = arrived;
	return { p50Us, p99Us, lostShare: 1 - arrived.packets / (packets * receivers) };
}

/** CPU time of a contender that has nothing to do, as a share of one CPU. */
export async function idle(contender: Contender, { warmUpMs, idleMs }: DistributionOptions): Promise<number> {
	await pass(warmUpMs);
	const [cpuBefore, before] = [cpuMsOf(contender.pid), performance.now()];
	await pass(idleMs);
	return (cpuMsOf(contender.pid) - cpuBefore) / (performance.now() - before);
}
