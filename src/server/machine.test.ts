import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import { bitsPerSecond } from "../base/units.ts";
import { ServerLoad } from "../switching/server-load.ts";
import { Machine, type MachineReadings, type QuotaReading } from "./machine.ts";
import { nodeReadings } from "./machine-readings.ts";

interface Scene {
	idleMs: number;
	totalMs: number;
	quota: QuotaReading | undefined;
	closed: boolean;
	bytesSent: number;
	encoderSpeed: number | undefined;
	/** Levels as they changed. */
	told: (string | undefined)[];
}

function machineOf(scene: Scene): { clock: ManualClock; machine: Machine } {
	const readings: MachineReadings = {
		cpu: () => ({ idleMs: scene.idleMs, totalMs: scene.totalMs }),
		quota: () => scene.quota,
		memory: () => [
			{ usedBytes: 2, totalBytes: 10 },
			{ usedBytes: 3, totalBytes: 4 },
		],
		eventLoopDelayMs: () => 2.5,
		close: () => {
			scene.closed = true;
		},
	};
	const clock = new ManualClock();
	const machine = new Machine({
		clock,
		readings,
		work: { bytesSent: () => scene.bytesSent, encoderSpeed: () => scene.encoderSpeed },
		egressLimit: bitsPerSecond(8e6),
		load: new ServerLoad(),
		onDuress: (duress) => scene.told.push(duress?.level),
	});
	return { clock, machine };
}

const scene = (): Scene => ({
	...{ idleMs: 1000, totalMs: 5000, quota: undefined, closed: false },
	...{ bytesSent: 5000, encoderSpeed: undefined, told: [] },
});

describe("the machine's figures", () => {
	it("are unknown until a second has passed, and then of that second", () => {
		const now = scene();
		const { clock, machine } = machineOf(now);
		expect(machine.figures).toEqual({ cpuIdle: undefined, memoryUsed: undefined, eventLoopDelayMs: undefined });
		now.idleMs += 500;
		now.totalMs += 2000;
		clock.time.advance(1000);
		expect(machine.figures).toMatchObject({ cpuIdle: 0.25, memoryUsed: 0.75, eventLoopDelayMs: 2.5 });
		now.idleMs += 2000;
		now.totalMs += 2000;
		clock.time.advance(1000);
		expect(machine.figures.cpuIdle).toBe(1);
	});

	it("keep the last share while the counters stand still", () => {
		const now = scene();
		const { clock, machine } = machineOf(now);
		now.idleMs += 500;
		now.totalMs += 1000;
		clock.time.advance(2000);
		expect(machine.figures.cpuIdle).toBe(0.5);
	});

	it("are those of a quota that is tighter than the machine", () => {
		const now = scene();
		now.quota = { usedMs: 100, cpus: 0.5 };
		const { clock, machine } = machineOf(now);
		now.idleMs += 1900;
		now.totalMs += 2000;
		now.quota = { usedMs: 500, cpus: 0.5 };
		clock.time.advance(1000);
		expect(machine.figures.cpuIdle).toBeCloseTo(0.2);
	});

	it("include what the server sends, and the slowest encoder", () => {
		const now = scene();
		const { clock, machine } = machineOf(now);
		now.bytesSent += 125_000;
		now.encoderSpeed = 0.99;
		clock.time.advance(1000);
		expect(machine.figures).toMatchObject({ egress: 1e6, egressLimit: 8e6, encoderSpeed: 0.99 });
		clock.time.advance(1000);
		expect(machine.figures.egress).toBe(0);
	});

	it("come with what follows from them, which is told when it changes", () => {
		const now = scene();
		const { clock, machine } = machineOf(now);
		const second = (idleShare: number): void => {
			now.idleMs += 2000 * idleShare;
			now.totalMs += 2000;
			clock.time.advance(1000);
		};
		for (let i = 0; i < 4; i++) second(0.05);
		expect(machine.figures.duress).toEqual({
			level: "freeze",
			text: "the server's CPU is 5 % idle, less than 10 %",
		});
		expect(() => Object.assign(machine.figures, { cpuIdle: 1 })).toThrow(TypeError);
		for (let i = 0; i < 12; i++) second(0.5);
		expect(machine.figures.duress).toBeUndefined();
		expect(now.told).toEqual(["freeze", undefined]);
	});

	it("are sampled no more after the end", () => {
		const now = scene();
		const { clock, machine } = machineOf(now);
		machine.close();
		expect([now.closed, clock.time.pending]).toEqual([true, 0]);
	});
});

describe("readings", () => {
	it("of this machine are plausible", () => {
		const readings = nodeReadings();
		try {
			const { idleMs, totalMs } = readings.cpu();
			expect(idleMs).toBeGreaterThan(0);
			expect(idleMs).toBeLessThanOrEqual(totalMs);
			for (const { usedBytes, totalBytes } of readings.memory()) {
				expect(usedBytes).toBeGreaterThan(0);
				expect(usedBytes).toBeLessThan(totalBytes);
			}
			expect(readings.eventLoopDelayMs()).toBeGreaterThanOrEqual(0);
		} finally {
			readings.close();
		}
	});

	it("follow the tightest control group above the process", () => {
		const root = makeTempDir("machine");
		const group = join(root, "cgroup/outer/inner");
		mkdirSync(join(root, "proc/self"), { recursive: true });
		mkdirSync(group, { recursive: true });
		const write = (path: string, text: string): void => writeFileSync(join(root, path), text);
		write("proc/self/cgroup", "0::/outer/inner\n");
		write("proc/meminfo", "MemTotal:       8000 kB\nMemFree:        1000 kB\nMemAvailable:   6000 kB\n");
		write("cgroup/outer/inner/cpu.max", "max 100000\n");
		write("cgroup/outer/inner/cpu.stat", "usage_usec 7000000\n");
		write("cgroup/outer/cpu.max", "150000 100000\n");
		write("cgroup/outer/cpu.stat", "usage_usec 9000000\nuser_usec 1\n");
		write("cgroup/outer/inner/memory.max", "1000000\n");
		write("cgroup/outer/inner/memory.current", "900000\n");
		write("cgroup/outer/inner/memory.stat", "anon 1\ninactive_file 400000\n");
		write("cgroup/outer/memory.max", "max\n");
		write("cgroup/outer/memory.current", "950000\n");
		const readings = nodeReadings({ proc: join(root, "proc"), cgroup: join(root, "cgroup") });
		readings.close();
		expect(readings.quota()).toEqual({ usedMs: 9000, cpus: 1.5 });
		expect(readings.memory()).toEqual([
			{ usedBytes: 2000 * 1024, totalBytes: 8000 * 1024 },
			{ usedBytes: 500_000, totalBytes: 1_000_000 },
		]);
	});

	it("do without files that are not there", () => {
		const empty = makeTempDir("machine");
		const readings = nodeReadings({ proc: empty, cgroup: empty });
		readings.close();
		expect(readings.quota()).toBeUndefined();
		expect(readings.memory()).toHaveLength(1);
	});
});
