/**
 * Readings of CPU, memory and event loop from Node.js, Linux' `/proc` and cgroup v2. Where a file is not there (another
 * system, another version), that reading is left out.
 */
import { readFileSync } from "node:fs";
import { cpus, freemem, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { CpuReading, MachineReadings, MemoryReading, QuotaReading } from "./machine.ts";

const LOOP_RESOLUTION_MS = 10;

export interface ReadingPlaces {
	/** `/proc` */
	readonly proc: string;
	/** `/sys/fs/cgroup` */
	readonly cgroup: string;
}

export function nodeReadings(places: ReadingPlaces = { proc: "/proc", cgroup: "/sys/fs/cgroup" }): MachineReadings {
	const groups = cgroupFolders(places);
	const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
	loop.enable();
	return {
		cpu: cpuReading,
		quota: () => tightest(groups.flatMap((folder) => quotaOf(folder) ?? [])),
		memory: () => [machineMemory(places.proc), ...groups.flatMap((folder) => groupMemory(folder) ?? [])],
		eventLoopDelayMs() {
			// The histogram holds whole intervals between two ticks; what exceeds the resolution is delay.
			const delay = loop.count === 0 ? 0 : loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS;
			loop.reset();
			return Math.max(0, delay);
		},
		close: () => loop.disable(),
	};
}

function cpuReading(): CpuReading {
	let idleMs = 0;
	let totalMs = 0;
	for (const { times } of cpus()) {
		idleMs += times.idle;
		totalMs += times.idle + times.user + times.nice + times.sys + times.irq;
	}
	return { idleMs, totalMs };
}

function machineMemory(proc: string): MemoryReading {
	const info = read(proc, "meminfo") ?? "";
	const bytesOf = (field: string): number => Number(new RegExp(`^${field}: +(\\d+) kB$`, "m").exec(info)?.[1]) * 1024;
	const [total, available] = [bytesOf("MemTotal"), bytesOf("MemAvailable")];
	if (total > 0 && available >= 0) return { usedBytes: total - available, totalBytes: total };
	return { usedBytes: totalmem() - freemem(), totalBytes: totalmem() };
}

/** The process's own control group and those above it, the innermost first. */
function cgroupFolders({ proc, cgroup }: ReadingPlaces): string[] {
	const own = /^0::(\/.*)$/m.exec(read(proc, "self/cgroup") ?? "")?.[1];
	if (own === undefined || own.includes("..")) return [];
	const folders: string[] = [];
	for (let path = own; ; path = dirname(path)) {
		folders.push(join(cgroup, path));
		if (path === "/") return folders;
	}
}

function quotaOf(folder: string): QuotaReading | undefined {
	const limit = /^(\d+) (\d+)/.exec(read(folder, "cpu.max") ?? "");
	const usage = /^usage_usec (\d+)$/m.exec(read(folder, "cpu.stat") ?? "");
	if (limit === null || usage === null) return undefined;
	return { usedMs: Number(usage[1]) / 1000, cpus: Number(limit[1]) / Number(limit[2]) };
}

const tightest = (quotas: readonly QuotaReading[]): QuotaReading | undefined =>
	quotas.reduce<QuotaReading | undefined>(
		(best, one) => (best === undefined || one.cpus < best.cpus ? one : best),
		undefined,
	);

function groupMemory(folder: string): MemoryReading | undefined {
	const totalBytes = Number(read(folder, "memory.max") ?? "max");
	const current = Number(read(folder, "memory.current") ?? Number.NaN);
	if (!(totalBytes > 0) || Number.isNaN(current)) return undefined;
	// Pages of files that can be dropped at any time are not used memory.
	const droppable = Number(/^inactive_file (\d+)$/m.exec(read(folder, "memory.stat") ?? "")?.[1] ?? 0);
	return { usedBytes: Math.max(0, current - droppable), totalBytes };
}

function read(folder: string, name: string): string | undefined {
	try {
		return readFileSync(join(folder, name), "utf8");
	} catch {
		return undefined;
	}
}
