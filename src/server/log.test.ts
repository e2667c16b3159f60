import { describe, expect, it } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { createLog } from "./log.ts";
import { LogLimiter } from "./log-limiter.ts";

describe("the log", () => {
	it("is one JSON object a line, with the level's name and the fields of its part", () => {
		const lines: string[] = [];
		const log = createLog({ level: "info", format: "json" }, { write: (line: string) => void lines.push(line) });
		log.child({ channel: "live/demo" }).child({ viewer: "v1" }).warn({ lostMs: 40 }, "moved");
		log.debug("not told");
		expect(lines).toHaveLength(1);
		const { time, ...rest } = JSON.parse(lines[0]!) as Record<string, unknown>;
		expect(rest).toEqual({ level: "warn", channel: "live/demo", viewer: "v1", lostMs: 40, msg: "moved" });
		expect(new Date(time as string).toISOString()).toBe(time);
	});
});

describe("a limiter", () => {
	const open = () => {
		const told: string[] = [];
		const clock = new ManualClock();
		const limiter = new LogLimiter(clock, (kind, fields, message, times) =>
			told.push(`${kind} ${JSON.stringify(fields)} ${message} x${times}`),
		);
		return { told, clock, limiter };
	};

	it("tells the first fault at once and those of each second after it as one line with their number", () => {
		const { told, clock, limiter } = open();
		for (let i = 0; i < 5; i++) limiter.note("late", { i }, "a packet was late");
		expect(told).toEqual(['late {"i":0} a packet was late x1']);
		clock.time.advance(1000);
		expect(told.at(-1)).toBe('late {"i":4} a packet was late x4');
		limiter.note("late", { i: 5 }, "a packet was late");
		clock.time.advance(999);
		expect(told).toHaveLength(2);
		clock.time.advance(1);
		expect(told.at(-1)).toBe('late {"i":5} a packet was late x1');
		expect(told).toHaveLength(3);
	});

	it("is quiet, and holds nothing, when a second has passed without a fault", () => {
		const { told, clock, limiter } = open();
		limiter.note("late", {}, "late");
		clock.time.advance(1000);
		expect([told.length, clock.time.pending]).toEqual([1, 0]);
		limiter.note("late", {}, "late again");
		expect(told).toHaveLength(2);
	});

	it("keeps kinds apart, and holds a bounded number of them", () => {
		const { told, clock, limiter } = open();
		for (let i = 0; i < 1000; i++) limiter.note(`kind ${i}`, {}, "fault");
		expect(clock.time.pending).toBeLessThanOrEqual(257);
		clock.time.advance(1000);
		expect(told.filter((line) => line.startsWith("others")).map((line) => line.split(" x")[1])).toEqual(["1", "743"]);
	});

	it("tells what is left when it is closed", () => {
		const { told, clock, limiter } = open();
		limiter.note("late", {}, "a");
		limiter.note("late", {}, "b");
		limiter.close();
		expect(told.at(-1)).toBe("late {} b x1");
		expect(clock.time.pending).toBe(0);
	});
});
