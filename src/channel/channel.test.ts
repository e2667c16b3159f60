import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { name, picture, sound } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { milliseconds, ticks90k, ticksToMs } from "../base/units.ts";
import type { AccessUnit } from "../media/access-unit.ts";
import type { AlignmentFault } from "./alignment.ts";
import { Channel, type RenditionLog } from "./channel.ts";

const HIGH = name("high");
const MID = name("mid");
const LOW = name("low");

let clock: ManualClock;
let faults: AlignmentFault[] = [];

beforeEach(() => {
	clock = new ManualClock();
	faults = [];
});

const channelOf = (ringMs = 4000): Channel =>
	new Channel({
		renditions: [HIGH, MID, LOW],
		unitMs: milliseconds(1000),
		ringMs: milliseconds(ringMs),
		clock,
		onFault: (fault) => faults.push(fault),
	});

/** Numbers and times of the units that a rendition holds. */
const unitsOf = (log: RenditionLog | undefined): { number: number; timeMs: number; items: number }[] => {
	const units = [];
	for (let unit = log?.units.oldest; unit !== undefined; unit = unit.next) {
		units.push({ number: unit.head.number, timeMs: ticksToMs(unit.head.time), items: unit.items.length });
	}
	return units;
};

describe("units", () => {
	test("the same time gets the same number in every rendition, whoever comes first", () => {
		const channel = channelOf();
		for (const second of [10, 11, 12]) {
			clock.advanceTo(second * 1000);
			const order = second === 11 ? [LOW, MID, HIGH] : [HIGH, MID, LOW];
			for (const rendition of order) channel.appendVideo(rendition, picture(second * 1000, { key: true }));
			for (const rendition of order) channel.appendVideo(rendition, picture(second * 1000 + 500));
		}
		const expected = [
			{ number: 0, timeMs: 10_000, items: 2 },
			{ number: 1, timeMs: 11_000, items: 2 },
			{ number: 2, timeMs: 12_000, items: 2 },
		];
		for (const { name: rendition } of channel.renditions) {
			expect(unitsOf(channel.rendition(rendition))).toEqual(expected);
		}
		expect(faults).toEqual([]);
	});

	test("say how far apart the pictures of the unit before were, the same in every rendition", () => {
		const channel = channelOf();
		for (const second of [10, 11, 12]) {
			for (const rendition of [HIGH, MID, LOW]) {
				channel.appendVideo(rendition, picture(second * 1000, { key: true }));
				for (const offset of [40, 80, 160]) channel.appendVideo(rendition, picture(second * 1000 + offset));
			}
		}
		for (const { units } of channel.renditions) {
			expect(units.find(0)?.head.pictureDuration).toBe(3000);
			expect([1, 2].map((number) => units.find(number)?.head.pictureDuration)).toEqual([7200, 7200]);
		}
	});

	test("nothing is kept before the first IDR", () => {
		const channel = channelOf();
		channel.appendVideo(HIGH, picture(500));
		expect(channel.rendition("high")?.units.newest).toBeUndefined();
		expect(channel.rendition("high")?.droppedAccessUnits).toBe(1);
	});

	test("an IDR inside a unit does not begin another", () => {
		const channel = channelOf();
		channel.appendVideo(HIGH, picture(1000, { key: true }));
		channel.appendVideo(HIGH, picture(1400, { key: true }));
		channel.appendVideo(HIGH, picture(2000, { key: true }));
		expect(unitsOf(channel.rendition("high"))).toEqual([
			{ number: 0, timeMs: 1000, items: 2 },
			{ number: 1, timeMs: 2000, items: 1 },
		]);
	});

	test("whole units are evicted, and a reader that stands in one is told", () => {
		const channel = channelOf(3000);
		channel.appendVideo(LOW, picture(0, { key: true }));
		const first = channel.rendition("low")?.units.oldest;
		for (let second = 1; second <= 10; second++) channel.appendVideo(LOW, picture(second * 1000, { key: true }));
		expect(unitsOf(channel.rendition("low")).map(({ number }) => number)).toEqual([7, 8, 9, 10]);
		expect(first).toMatchObject({ evicted: true, items: [], next: undefined });
	});

	test("a unit that never ends takes four durations of access units and no more", () => {
		const channel = channelOf();
		channel.appendVideo(LOW, picture(0, { key: true }));
		for (let at = 100; at <= 60_000; at += 100) channel.appendVideo(LOW, picture(at));
		expect(channel.rendition("low")?.units.newest?.items).toHaveLength(41);
		expect(channel.rendition("low")?.droppedAccessUnits).toBe(560);
		expect(faults).toMatchObject([{ kind: "overlong", rendition: "low", unit: 0 }]);
		channel.appendVideo(LOW, picture(61_000, { key: true }));
		channel.appendVideo(LOW, picture(61_100));
		expect(channel.rendition("low")?.units.newest).toMatchObject({ head: { number: 1 }, items: { length: 2 } });
	});
});

test("a unit knows how many access units of the channel came before, the same in every rendition", () => {
	const channel = channelOf();
	let sent = 0;
	const before: number[] = [];
	for (const second of [1, 2, 3, 4]) {
		before.push(sent);
		const order = second === 3 ? [LOW, MID, HIGH] : [HIGH, MID, LOW];
		for (const rendition of order) channel.appendVideo(rendition, picture(second * 1000, { key: true }));
		for (let at = 100; at < second * 200; at += 100) {
			for (const rendition of order) channel.appendVideo(rendition, picture(second * 1000 + at));
			channel.appendAudio(sound(second * 1000 + at));
			sent += 2;
		}
		sent++;
	}
	for (const { name: rendition } of channel.renditions) {
		const told = [];
		for (let unit = channel.rendition(rendition)?.units.oldest; unit !== undefined; unit = unit.next) {
			told.push(unit.head.accessUnitsBefore);
		}
		expect(told).toEqual(before);
	}
});

describe("the alignment checker", () => {
	const feed = (channel: Channel, second: number, offsets: Partial<Record<string, number | "none">>): void => {
		clock.advanceTo(second * 1000);
		for (const { name: rendition } of channel.renditions) {
			const offset = offsets[rendition] ?? 0;
			if (offset !== "none") channel.appendVideo(rendition, picture(second * 1000 + offset, { key: true }));
		}
	};

	test("finds a rendition that is one frame off, counts each unit and tells it once", () => {
		const channel = channelOf();
		for (let second = 1; second <= 20; second++) feed(channel, second, { mid: 33 });
		expect(channel.rendition("mid")?.alignment.counts.misaligned).toBe(20);
		expect(channel.rendition("low")?.alignment.counts.misaligned).toBe(0);
		expect(faults).toEqual([{ kind: "misaligned", rendition: "mid", unit: 0, offsetMs: 33 }]);
	});

	test("tells a fault again after a spell of good units", () => {
		const channel = channelOf();
		for (let second = 1; second <= 80; second++)
			feed(channel, second, second === 5 || second === 60 ? { low: -40 } : {});
		expect(faults.map(({ unit }) => unit)).toEqual([4, 59]);
		expect(channel.rendition("low")?.alignment.good).toBe(false);
		expect(channel.rendition("high")?.alignment.good).toBe(true);
	});

	test("finds a missing unit, and keeps the numbers of the others", () => {
		const channel = channelOf();
		for (let second = 1; second <= 6; second++)
			feed(channel, second, second === 3 || second === 4 ? { low: "none" } : {});
		expect(unitsOf(channel.rendition("low")).map(({ number }) => number)).toEqual([1, 4, 5]);
		expect(channel.rendition("low")?.alignment.counts.missing).toBe(2);
		expect(faults).toEqual([{ kind: "missing", rendition: "low", unit: 2, count: 2 }]);
	});

	test("finds a medium that falls behind the clock, once for each unit duration lost", () => {
		const channel = channelOf();
		for (let second = 0; second <= 40; second++) {
			clock.advanceTo(second * 1100);
			channel.appendVideo(HIGH, picture(second * 1000, { key: true }));
		}
		expect(channel.drift.counts.drift).toBe(3);
		expect(faults).toHaveLength(1);
		expect(faults[0]).toMatchObject({ kind: "drift", unit: 11 });
	});
});

describe("shared audio", () => {
	const audioOf = (channel: Channel, rendition: string): Map<number, number[]> => {
		const units = new Map<number, number[]>();
		for (let unit = channel.rendition(rendition)?.units.oldest; unit !== undefined; unit = unit.next) {
			const times = unit.items.filter(({ track }) => track === "audio").map(({ pts }) => ticksToMs(pts));
			units.set(unit.head.number, times);
		}
		return units;
	};

	test("an audio frame that comes between two renditions' IDRs lies in the same unit of both", () => {
		const channel = channelOf();
		channel.appendVideo(HIGH, picture(1000, { key: true }));
		channel.appendVideo(LOW, picture(1000, { key: true }));
		channel.appendAudio(sound(1010));
		channel.appendVideo(HIGH, picture(2000, { key: true }));
		channel.appendAudio(sound(1990)); // late for unit 0, but "high" has closed it
		channel.appendAudio(sound(2011));
		channel.appendVideo(LOW, picture(2000, { key: true }));
		channel.appendAudio(sound(2032));
		const expected = new Map([
			[0, [1010]],
			[1, [1990, 2011, 2032]],
		]);
		expect(audioOf(channel, "high")).toEqual(expected);
		expect(audioOf(channel, "low")).toEqual(expected);
	});

	test("whatever the order of arrival, each unit has the same audio in every rendition, once and in order", () => {
		const step = fc.record({ who: fc.constantFrom(HIGH, MID, LOW), sounds: fc.integer({ min: 0, max: 3 }) });
		fc.assert(
			fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
				const channel = channelOf(1_000_000);
				const next = new Map([HIGH, MID, LOW].map((rendition) => [rendition, 0]));
				let sounds = 0;
				for (const { who, sounds: burst } of steps) {
					const second = next.get(who)!;
					next.set(who, second + 1);
					channel.appendVideo(who, picture(second * 1000, { key: true }));
					for (let i = 0; i < burst; i++) channel.appendAudio(sound(sounds++));
				}
				const common = Math.min(...next.values());
				const reference = audioOf(channel, "high");
				for (const rendition of ["mid", "low"]) {
					const audio = audioOf(channel, rendition);
					for (let unit = 0; unit < common - 1; unit++) expect(audio.get(unit)).toEqual(reference.get(unit));
				}
				const heard = [...reference.values()].flat();
				expect(heard).toEqual([...heard].sort((a, b) => a - b));
				expect(new Set(heard).size).toBe(heard.length);
			}),
		);
	});

	test("audio of a unit that a rendition lacks is not lost to it", () => {
		const channel = channelOf();
		channel.appendVideo(HIGH, picture(1000, { key: true }));
		channel.appendVideo(LOW, picture(1000, { key: true }));
		channel.appendVideo(HIGH, picture(2000, { key: true }));
		channel.appendAudio(sound(2010));
		channel.appendVideo(HIGH, picture(3000, { key: true }));
		channel.appendVideo(LOW, picture(3000, { key: true }));
		channel.appendAudio(sound(3010));
		expect(audioOf(channel, "low")).toEqual(
			new Map([
				[0, [2010]],
				[2, [3010]],
			]),
		);
	});
});

describe("a channel of audio alone", () => {
	const AUDIO = name("audio");
	const audioChannel = (): Channel =>
		new Channel({
			...{ renditions: [AUDIO], lead: "audio", unitMs: milliseconds(250), ringMs: milliseconds(1000), clock },
			onFault: (fault) => faults.push(fault),
		});
	/** Frames of 1024 samples at 48 kHz. */
	const frames = (from: number, count: number): AccessUnit[] =>
		Array.from({ length: count }, (_, i) => {
			const time = ticks90k(from + i * 1920);
			return { track: "audio", pts: time, dts: time, key: true, data: Uint8Array.of(i) };
		});

	test("begins a unit at the first frame at or behind each multiple of its duration", () => {
		const channel = audioChannel();
		for (const frame of frames(90_000, 50)) {
			clock.advanceTo(frame.pts / 90);
			channel.appendAudio(frame);
		}
		const { units } = channel.rendition("audio")!;
		const heads = [];
		for (let unit = units.oldest; unit !== undefined; unit = unit.next)
			heads.push({ ...unit.head, count: unit.items.length });
		const times = [90_000, 113_040, 136_080, 159_120, 180_240];
		expect(heads.map(({ number, time }) => [number, time])).toEqual(times.map((time, number) => [number, time]));
		for (const time of times) expect(Math.floor((time - 1920) / 22_500)).toBe(Math.floor(time / 22_500) - 1);
		expect(heads.map(({ count }) => count)).toEqual([12, 12, 12, 11, 3]);
		expect(heads.map(({ pictureDuration, rendition }) => [pictureDuration, rendition])).toEqual(
			times.map(() => [0, "audio"]),
		);
		expect(faults).toEqual([]);
		expect(channel.drift.counts.drift).toBe(0);
	});

	test("numbers its units without a hole over a pause, and begins one anew after an end", () => {
		const channel = audioChannel();
		for (const frame of frames(90_000, 3)) channel.appendAudio(frame);
		channel.end();
		for (const frame of frames(97_000, 1)) channel.appendAudio(frame);
		for (const frame of frames(900_000, 2)) channel.appendAudio(frame);
		const log = channel.rendition("audio")!;
		expect(unitsOf(log).at(-1)).toEqual({ number: 2, timeMs: 10_000, items: 2 });
		expect(log.units.opened).toBe(3);
	});

	test("keeps no more than its ring", () => {
		const channel = audioChannel();
		for (const frame of frames(90_000, 500)) channel.appendAudio(frame);
		expect(channel.rendition("audio")!.units.length).toBeLessThanOrEqual(6);
	});
});
