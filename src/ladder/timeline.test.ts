import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { milliseconds, msToTicks, type Ticks90k, ticks90k } from "../base/units.ts";
import { Unwrapper } from "../base/unwrap.ts";
import type { AccessUnit, AudioConfig } from "../media/access-unit.ts";
import { OPUS_SAMPLE_RATE_HZ } from "../media/opus.ts";
import { PipeTimes, Timeline } from "./timeline.ts";

const at = (time: number, track: "video" | "audio" = "video"): AccessUnit => ({
	track,
	pts: ticks90k(time),
	dts: ticks90k(time),
	key: true,
	data: new Uint8Array(1),
});
const aac = (sampleRateHz: number): AudioConfig => ({
	...{ codec: "aac", specificConfig: new Uint8Array(), objectType: 2, channelCount: 2, codecString: "mp4a.40.2" },
	sampleRateHz,
});
const OPUS: AudioConfig = {
	...{ codec: "opus", channelCount: 2, preSkip: 0, inputSampleRateHz: 0, mappingFamily: 0, codecString: "opus" },
	sampleRateHz: OPUS_SAMPLE_RATE_HZ,
};
const ms = milliseconds;
const DAY_MS = 86_400_000;

describe("the channel's clock", () => {
	it("begins at the first line between units that is not before 1 s", () => {
		for (const [unit, first] of [
			[1000, 90_000],
			[250, 90_000],
			[700, 126_000],
			[10_000, 900_000],
		] as const) {
			const run = new Timeline(ms(unit)).beginRun(ticks90k(123_456_789), ms(5));
			expect(run.placeVideo("low", at(123_456_789), ms(5)).pts).toBe(first);
		}
	});

	it("a second run begins as much later as the world did, on a line between units", () => {
		const timeline = new Timeline(ms(1000));
		timeline.beginRun(ticks90k(0), ms(0)).placeVideo("low", at(450_000), ms(5000));
		expect(timeline.beginRun(ticks90k(777), ms(9200)).placeVideo("low", at(777), ms(9200)).pts).toBe(900_000);
	});

	it("many runs, each a little later than a line between units, do not add up what rounding takes", () => {
		const timeline = new Timeline(ms(1000));
		timeline.beginRun(ticks90k(0), ms(0)).placeVideo("low", at(0), ms(0));
		for (let run = 1; run <= 20; run++) {
			const now = ms(run * 2400);
			const { pts } = timeline.beginRun(ticks90k(0), now).placeVideo("low", at(0), now);
			expect(Math.abs(pts / 90 - 1000 - now)).toBeLessThanOrEqual(500);
		}
	});

	it("a run that comes back at once still begins in a later unit", () => {
		const timeline = new Timeline(ms(1000));
		timeline.beginRun(ticks90k(0), ms(0)).placeVideo("low", at(90_000), ms(1000));
		expect(timeline.beginRun(ticks90k(0), ms(1000)).placeVideo("low", at(0), ms(1000)).pts).toBe(270_000);
	});

	it("keeps all tracks of a run together, and the composition of each", () => {
		const run = new Timeline(ms(1000)).beginRun(ticks90k(1_000_000), ms(0));
		const first = run.placeVideo("high", { ...at(1_000_000), pts: ticks90k(1_003_600) }, ms(0));
		expect(first).toMatchObject({ dts: 90_000, pts: 93_600 });
		expect(run.placeVideo("low", at(1_000_000), ms(0))).toMatchObject({ dts: 90_000 });
		expect(run.placeAudio("audio", at(1_001_080, "audio"), aac(48_000), ms(0))).toMatchObject({
			pts: 91_080,
			dts: 91_080,
		});
	});

	it("two pictures in one millisecond come to lie one tick apart", () => {
		const run = new Timeline(ms(1000)).beginRun(ticks90k(0), ms(0));
		expect([0, 90, 90, 180].map((time) => run.placeVideo("low", at(time), ms(0)).dts)).toEqual([
			90_000, 90_090, 90_091, 90_180,
		]);
	});

	it.each([
		["10 s forward is a pause", 0, 900_000, false],
		["more is another clock", 0, 900_090, true],
		["1 s back is a stutter", 900_000, 810_000, false],
		["more is another clock", 900_000, 809_910, true],
	])("a step of %s", (_, from, to, jumps) => {
		const run = new Timeline(ms(1000)).beginRun(ticks90k(0), ms(0));
		run.placeVideo("low", at(from), ms(0));
		run.placeVideo("high", at(from), ms(0));
		const step = (): unknown => run.placeVideo("low", at(to), ms(0));
		if (jumps) expect(step).toThrow(/^SOURCE_TIMESTAMPS: the time stamps of low went from \d+ ms to \d+ ms/);
		else expect(step).not.toThrow();
	});

	it("never goes back and begins every run on a line, whatever the runs are like", () => {
		const steps = fc.array(fc.integer({ min: -300, max: 3000 }), { maxLength: 30 });
		const run = fc.record({ start: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }), pauseMs: fc.nat(100_000), steps });
		fc.assert(
			fc.property(fc.constantFrom(250, 1000, 1001, 4000), fc.array(run, { maxLength: 8 }), (unit, runs) => {
				const timeline = new Timeline(ms(unit));
				const last = new Map<string, number>();
				let now = 0;
				let latest = 0;
				for (const { start, pauseMs, steps } of runs) {
					now += pauseMs;
					const placed = timeline.beginRun(ticks90k(start), ms(now));
					expect((start + placed.offset) % (unit * 90)).toBe(0);
					expect(Math.floor((start + placed.offset) / unit / 90)).toBeGreaterThan(Math.floor(latest / unit / 90));
					let time = start;
					for (const [i, step] of [0, ...steps].entries()) {
						time = Math.max(start, time + step * 90);
						now += 7;
						const track = ["high", "low", "audio"][i % 3]!;
						const { dts, pts } =
							track === "audio"
								? placed.placeAudio(track, at(time, "audio"), aac(48_000), ms(now))
								: placed.placeVideo(track, at(time), ms(now));
						expect(dts).toBeGreaterThan(last.get(track) ?? 0);
						expect(pts).toBeGreaterThanOrEqual(dts);
						last.set(track, dts);
						latest = Math.max(latest, dts);
					}
				}
			}),
			{ numRuns: 500 },
		);
	});
});

describe("audio times", () => {
	const play = (rate: number, stamps: readonly number[]): number[] => {
		const run = new Timeline(ms(1000)).beginRun(ticks90k(0), ms(0));
		return stamps.map((stamp) => run.placeAudio("audio", at(stamp, "audio"), aac(rate), ms(0)).pts - 90_000);
	};

	it.each([48_000, 44_100, 32_000])(
		"at %i Hz lose FLV's rounding to milliseconds, without drift over an hour",
		(rate) => {
			const exact = Array.from({ length: Math.round((3600 * rate) / 1024) }, (_, i) => (i * 1024 * 90_000) / rate);
			const rounded = exact.map((time) => Math.round(time / 90) * 90);
			expect(play(rate, rounded)).toEqual(exact.map(Math.round));
		},
	);

	it("of Opus count each packet as long as it plays", () => {
		const run = new Timeline(ms(1000)).beginRun(ticks90k(0), ms(0));
		// 20 ms, 60 ms, 2.5 ms, 20 ms; stamps a millisecond off.
		const packets = [
			[0, [31 << 3, 0], 0],
			[1890, [3 << 3, 0], 1800],
			[7110, [16 << 3, 0], 7200],
			[7425, [31 << 3, 0], 7425],
		] as const;
		for (const [stamp, data, time] of packets) {
			const packet = { ...at(stamp, "audio"), data: Uint8Array.from(data) };
			expect(run.placeAudio("audio", packet, OPUS, ms(0)).pts).toBe(90_000 + time);
		}
	});

	it("go on from a real gap", () => {
		expect(play(48_000, [0, 1890, 3870, 90_000, 91_890])).toEqual([0, 1920, 3840, 90_000, 91_920]);
	});

	it("follow stamps that run slower than the samples, by new anchors", () => {
		const slow = Array.from({ length: 2000 }, (_, i) => Math.round(i * 1920 * 1.001));
		for (const [i, time] of play(48_000, slow).entries()) expect(Math.abs(time - slow[i]!)).toBeLessThanOrEqual(136);
	});
});

describe("times of a run's pipes", () => {
	it("that begin a little below zero stand beside those that begin at zero", () => {
		const pipes = new PipeTimes();
		expect(pipes.place("high", at(0)).dts).toBe(0);
		expect(pipes.place("audio", at((2 ** 31 - 21) * 90, "audio")).dts).toBe(-21 * 90);
		expect(pipes.place("audio", at(2 ** 31 * 90, "audio")).dts).toBe(0);
		const other = new PipeTimes();
		const [audio, video] = [other.place("audio", at((2 ** 31 - 21) * 90, "audio")), other.place("high", at(0))];
		expect(video.dts - audio.dts).toBe(21 * 90);
	});

	it("of MPEG-TS that begin a little below zero, too, beside IVF and FLV", () => {
		for (const order of [
			["ts", "ivf", "flv"],
			["flv", "ts", "ivf"],
			["ivf", "flv", "ts"],
		] as const) {
			const pipes = new PipeTimes();
			const said = { ts: 2 ** 33 - 585, ivf: 0, flv: (2 ** 31 - 21) * 90 };
			const [first] = order;
			const meant = { ts: -585, ivf: 0, flv: -1890 };
			for (const pipe of order) {
				const { dts } = pipes.place(pipe, at(said[pipe]));
				expect(dts - said[first]).toBe(meant[pipe] - meant[first]);
			}
		}
	});

	it("run on for 60 days, over FLV's 24.9 days twice, with video and audio side by side", () => {
		const pipes = new PipeTimes();
		const unwrappers = { high: new Unwrapper(31), audio: new Unwrapper(31) };
		const timeline = new Timeline(ms(1000));
		const run = timeline.beginRun(ticks90k(0), ms(0));
		let last = { high: 0 as Ticks90k, audio: 0 as Ticks90k };
		for (let time = 0; time < 60 * DAY_MS; time += 9000) {
			const wrapped = (track: "high" | "audio", shift: number): AccessUnit =>
				pipes.place(track, at(msToTicks(unwrappers[track].unwrap((time + shift + 2 ** 31) % 2 ** 31))));
			const high = run.placeVideo("high", wrapped("high", 0), ms(time)).dts;
			const audio = run.placeAudio("audio", wrapped("audio", -21), aac(48_000), ms(time)).dts;
			if (high - last.high !== (time === 0 ? 90_000 : 810_000) || high - audio !== 21 * 90) {
				expect({ time, high, audio, last }).toBe("video and audio 21 ms apart, 9 s on");
			}
			last = { high, audio };
		}
		expect(last.high).toBeGreaterThan(59 * DAY_MS * 90);
	});
});
