import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { name } from "../../../test/kit/access-units.ts";
import type { PenstockError } from "../../base/errors.ts";
import { milliseconds, ticks90k } from "../../base/units.ts";
import type { AccessUnit } from "../../media/access-unit.ts";
import { Aligner, LONGEST_WAIT_MS } from "./aligner.ts";

interface Encoder {
	/** Pictures between two key pictures. */
	readonly gop: number;
	/** Number of the first key picture. */
	readonly phase: number;
	/** Added to its time stamps, in ticks. */
	readonly offset: number;
	/** How much faster its clock runs, in parts of a million. */
	readonly driftPpm: number;
	/** From its making to its arrival: at least, and what comes to it now and then. */
	readonly delayMs: number;
	readonly jitterMs: number;
	/** Stamps in whole milliseconds, as FLV has them. */
	readonly rounded: boolean;
	readonly every?: number;
}

interface Gone {
	readonly input: number;
	readonly time: number;
	readonly key: boolean;
	/** Of the picture, as the encoder counts. */
	readonly number: number;
	readonly atMs: number;
}

interface Arrival {
	readonly input: number;
	readonly atMs: number;
	readonly unit: AccessUnit;
}

const FPS = 30;
const UNIT_MS = 500;
const NAMES = [name("high"), name("mid"), name("low")];
const PLAIN: Encoder = { gop: 15, phase: 0, offset: 0, driftPpm: 0, delayMs: 0, jitterMs: 0, rounded: false };

const numberOf = ({ data }: AccessUnit): number => new DataView(data.buffer).getUint32(0);

/** A picture, with its number in it. */
function picture(encoder: Encoder, number: number, stampMs: number): AccessUnit {
	const ticks = stampMs * 90;
	const time = ticks90k(encoder.offset + (encoder.rounded ? Math.round(stampMs) * 90 : Math.round(ticks)));
	const data = new Uint8Array(4);
	new DataView(data.buffer).setUint32(0, number);
	const isKey = number >= encoder.phase && (number - encoder.phase) % encoder.gop === 0;
	return { track: "video", pts: time, dts: time, key: isKey, data };
}

/** What an encoder sends of pictures from `first` to `last`, in the order in which it arrives. */
function sent(input: number, encoder: Encoder, first: number, last: number): Arrival[] {
	const arrivals: Arrival[] = [];
	let before = 0;
	for (let number = first; number < last; number++) {
		if (number % (encoder.every ?? 1) !== 0) continue;
		const madeMs = (number * 1000) / FPS;
		const late = ((number * 7919) % 101) / 100;
		const atMs = Math.max(before, madeMs + encoder.delayMs + late * encoder.jitterMs);
		before = atMs;
		arrivals.push({ input, atMs, unit: picture(encoder, number, madeMs * (1 + encoder.driftPpm / 1e6)) });
	}
	return arrivals;
}

class Bench {
	readonly gone: Gone[] = [];
	readonly told: string[] = [];
	readonly lefts: { readonly input: number; readonly error: PenstockError }[] = [];
	readonly aligner: Aligner;
	#now = 0;

	constructor(inputs = NAMES.length) {
		this.aligner = new Aligner({
			...{ channel: "live/cam", names: NAMES.slice(0, inputs), unit: milliseconds(UNIT_MS) },
			sink: {
				started: () => this.told.push("started"),
				joined: (input) => this.told.push(`joined ${input}`),
				left: (input, error) => {
					this.told.push(`left ${input} ${error.code}`);
					this.lefts.push({ input, error });
				},
				stopped: () => this.told.push("stopped"),
				accessUnit: (input, unit) => {
					if (unit.track === "audio") return;
					this.gone.push({ input, time: unit.pts, key: unit.key, number: numberOf(unit), atMs: this.#now });
				},
			},
		});
		for (let input = 0; input < inputs; input++) this.aligner.begin(input);
	}

	/** Lets time pass to here, with what is due on the way. */
	passTo(ms: number): void {
		for (let due = this.aligner.nextAt; due !== undefined && due <= ms; due = this.aligner.nextAt) {
			this.#now = Math.max(this.#now, due);
			this.aligner.tick(milliseconds(this.#now));
		}
		this.#now = ms;
	}

	play(arrivals: readonly Arrival[]): this {
		for (const { input, atMs, unit } of arrivals.toSorted((a, b) => a.atMs - b.atMs)) {
			this.passTo(atMs);
			this.aligner.push(input, unit, milliseconds(atMs));
		}
		this.passTo(this.#now + 2000);
		return this;
	}

	of(input: number): Gone[] {
		return this.gone.filter((one) => one.input === input);
	}

	/** Times of units by the number of their first picture. */
	lines(input: number): Map<number, number> {
		return new Map(
			this.of(input)
				.filter(({ key }) => key)
				.map(({ number, time }) => [number, time]),
		);
	}
}

const steps = (numbers: readonly number[]): number[] => numbers.slice(1).map((one, index) => one - numbers[index]!);

/** What holds of every input, whatever comes: in order, nothing twice, time forward, lines where others have theirs. */
function expectSound(bench: Bench, inputs: number): void {
	for (let input = 0; input < inputs; input++) {
		const gone = bench.of(input);
		expect(steps(gone.map(({ number }) => number)).filter((step) => step <= 0)).toEqual([]);
		expect(steps(gone.map(({ time }) => time)).filter((step) => step <= 0)).toEqual([]);
	}
}

const encoder = (
	most: Partial<Record<"offset" | "delayMs" | "jitterMs" | "driftPpm", number>>,
): fc.Arbitrary<Encoder> =>
	fc.record({
		gop: fc.constant(15),
		phase: fc.constant(0),
		offset: fc.integer({ min: 0, max: most.offset ?? 0 }),
		driftPpm: fc.integer({ min: -(most.driftPpm ?? 0), max: most.driftPpm ?? 0 }),
		delayMs: fc.integer({ min: 0, max: most.delayMs ?? 0 }),
		jitterMs: fc.integer({ min: 0, max: most.jitterMs ?? 0 }),
		rounded: fc.boolean(),
		every: fc.constantFrom(1, 1, 3),
	});

/** Numbers with which an input's units begin are those of the first, at the same times, without a gap in its pictures. */
function expectAligned(bench: Bench, encoders: readonly Encoder[], least: number): void {
	expectSound(bench, encoders.length);
	const all = new Map<number, number>();
	encoders.forEach(({ every = 1 }, input) => {
		const gone = bench.of(input);
		expect(gone.length, `input ${input}`).toBeGreaterThan(least);
		expect(new Set(steps(gone.map(({ number }) => number)))).toEqual(new Set([every]));
		expect(gone[0]!.key).toBe(true);
		for (const [number, time] of bench.lines(input)) {
			expect(all.get(number) ?? time, `input ${input}, picture ${number}`).toBe(time);
			all.set(number, time);
		}
	});
	const last = bench.lines(0);
	for (let input = 1; input < encoders.length; input++) {
		const first = bench.of(input)[0]!.number;
		const missing = [...last.keys()].filter((number) => number >= first && !bench.lines(input).has(number));
		expect(missing, `units of input 0 that input ${input} has not`).toEqual([]);
	}
}

describe("inputs of one encoder", () => {
	it("begin at their first common key picture, and keep every access unit", () => {
		fc.assert(
			fc.property(fc.array(encoder({ delayMs: 100, jitterMs: 80 }), { minLength: 3, maxLength: 3 }), (encoders) => {
				const bench = new Bench();
				bench.play(encoders.flatMap((one, input) => sent(input, one, 0, 300)));
				expectAligned(bench, encoders, 50);
			}),
			{ numRuns: 60 },
		);
	});

	it("are found again whatever their clocks say, and followed where these drift", () => {
		const any = encoder({ offset: 2 ** 32, driftPpm: 300, delayMs: 60, jitterMs: 60 });
		fc.assert(
			fc.property(fc.array(any, { minLength: 3, maxLength: 3 }), (encoders) => {
				const bench = new Bench();
				bench.play(encoders.flatMap((one, input) => sent(input, one, 0, 900)));
				expectAligned(bench, encoders, 200);
			}),
			{ numRuns: 40 },
		);
	});

	it("with key pictures of different distance are cut where all have one", () => {
		const encoders = [PLAIN, { ...PLAIN, gop: 30 }, { ...PLAIN, gop: 15, offset: 900_000, delayMs: 20 }];
		const bench = new Bench();
		bench.play(encoders.flatMap((one, input) => sent(input, one, 0, 300)));
		expectAligned(bench, encoders, 200);
		expect([...bench.lines(0).keys()].slice(3)).toEqual([...bench.lines(1).keys()].slice(-bench.lines(0).size + 3));
		expect(bench.of(0).filter(({ key }) => key).length).toBeLessThan(12);
	});
});

describe("inputs that do not fit", () => {
	it("are told by how much and at which time, and the others go on as if they were not there", () => {
		const bench = new Bench(2);
		const stray = { ...PLAIN, phase: 8, offset: 7_777_777 };
		bench.play([...sent(0, PLAIN, 0, 300), ...sent(1, stray, 0, 300)]);
		expect(bench.of(1)).toEqual([]);
		expect([...bench.lines(0).keys()]).toEqual(Array.from({ length: 20 }, (_, unit) => unit * 15));
		expect(bench.lefts.at(-1)!.error.message).toMatch(
			/^LADDER_INPUT_UNFIT: channel live\/cam, rendition "mid": at [\d.]+ s of its own time it has its key pictures 2\d\d ms (behind|before) those of "high" \(200 ms at most\); let one encoder .*keyint=15/,
		);
	});

	it("any more are let go, and come back when they do", () => {
		const bench = new Bench(2);
		const shifted = { ...PLAIN, phase: 8 };
		bench.play([
			...sent(0, PLAIN, 0, 900),
			...sent(1, PLAIN, 0, 150),
			...sent(1, shifted, 150, 450),
			...sent(1, PLAIN, 450, 900),
		]);
		expectSound(bench, 2);
		expect(bench.lefts.map(({ error }) => error.code)).toEqual(["LADDER_INPUT_UNFIT", "LADDER_INPUT_UNFIT"]);
		expect(bench.lefts[1]!.error.message).toContain("has its key pictures 2");
		expect(bench.lefts[0]!.error.message).toContain('no key picture where "high" begins its units');
		expect(bench.told.filter((one) => one === "joined 1")).toHaveLength(2);
		expect(steps(bench.of(0).map(({ number }) => number)).every((step) => step === 1)).toBe(true);
		for (const [number, time] of bench.lines(1)) expect(bench.lines(0).get(number) ?? time).toBe(time);
	});

	it("for B-frames, or for key pictures that do not come, say so", () => {
		const bench = new Bench(2);
		const [first] = sent(1, PLAIN, 0, 1);
		bench.play([...sent(0, PLAIN, 0, 60), { ...first!, unit: { ...first!.unit, pts: ticks90k(9000) } }]);
		expect(bench.lefts[0]!.error.message).toContain("reorders pictures (B-frames");
		const rare = new Bench(1).play(sent(0, { ...PLAIN, gop: 1000 }, 0, 120));
		expect(rare.lefts[0]!.error.message).toMatch(/no IDR picture for 17\d\d ms while the unit has 500 ms.*unitMs/);
		expect(rare.told.at(-1)).toBe("left 0 LADDER_INPUT_UNFIT");
	});
});

describe("an input that is away", () => {
	it("is told after a while, holds nobody up, and joins at the next common key picture", () => {
		const bench = new Bench(2);
		const back = { ...PLAIN, offset: 123_456, delayMs: 30 };
		bench.play([...sent(0, PLAIN, 0, 120), ...sent(1, PLAIN, 0, 120)]);
		const at = 4000 + 2000;
		bench.aligner.end(1, bench.lefts[0]?.error ?? (new Error("gone") as PenstockError), milliseconds(at));
		const later = ({ atMs, ...more }: Arrival): Arrival => ({ ...more, atMs: atMs + 2000 });
		bench.play(sent(0, PLAIN, 120, 240).map(later));
		expect(bench.told).toContain("left 1 undefined");
		bench.aligner.begin(1);
		bench.play([...sent(0, PLAIN, 300, 450), ...sent(1, back, 300, 450)].map(later));
		expectSound(bench, 2);
		expect(bench.told.at(-1)).toBe("joined 1");
		const rejoined = bench.of(1).filter(({ number }) => number >= 240);
		expect(rejoined.length).toBeGreaterThan(100);
		for (const [number, time] of bench.lines(1)) expect(bench.lines(0).get(number)).toBe(time);
	});

	it("delays the others by no more than what is stated, once", () => {
		const bench = new Bench(2);
		bench.play([...sent(0, PLAIN, 0, 300), ...sent(1, PLAIN, 0, 100)]);
		const waits = bench.of(0).map(({ number, atMs }) => atMs - (number * 1000) / FPS);
		expect(Math.max(...waits)).toBeLessThanOrEqual(LONGEST_WAIT_MS + 1);
		expect(waits.filter((wait) => wait > 1).length).toBeLessThan(12);
	});

	it("and late by seconds is still on the lines", () => {
		const bench = new Bench(2);
		bench.play([...sent(0, PLAIN, 0, 450), ...sent(1, { ...PLAIN, delayMs: 40 }, 0, 90)]);
		const slow = new Bench(2);
		const late = sent(1, PLAIN, 90, 450).map(({ atMs, ...more }) => ({ ...more, atMs: atMs + 2000 }));
		slow.play([...sent(0, PLAIN, 0, 450), ...sent(1, PLAIN, 0, 90), ...late]);
		expectAligned(slow, [PLAIN, PLAIN], 400);
		expect(slow.lefts).toEqual([]);
	});

	it("and was the last: the run ends, and the next one begins with whoever comes", () => {
		const bench = new Bench(2);
		bench.play([...sent(0, PLAIN, 0, 60), ...sent(1, PLAIN, 0, 60)]);
		const gone = new Error("gone") as PenstockError;
		bench.aligner.end(0, gone, milliseconds(5000));
		bench.aligner.end(1, gone, milliseconds(5000));
		expect(bench.told.at(-1)).toBe("stopped");
		bench.aligner.begin(1);
		bench.play(sent(1, PLAIN, 150, 300));
		expect(bench.told.slice(-3)).toEqual(["started", "joined 1", expect.stringMatching(/^left 0/)]);
	});
});

it("an input whose clock is set anew joins again by its arrival", () => {
	const bench = new Bench(2);
	const anew = { ...PLAIN, offset: 900 * 90_000 };
	bench.play([...sent(0, PLAIN, 0, 450), ...sent(1, PLAIN, 0, 200), ...sent(1, anew, 200, 450)]);
	expectSound(bench, 2);
	expect(bench.lefts).toEqual([]);
	expect(bench.told.filter((one) => one === "joined 1")).toHaveLength(2);
	for (const [number, time] of bench.lines(1)) expect(bench.lines(0).get(number)).toBe(time);
});

it("losses: pictures that are missing change nothing for the others, and lines stay where they are", () => {
	const lossy = fc.array(fc.integer({ min: 0, max: 599 }), { maxLength: 60 });
	fc.assert(
		fc.property(lossy, (lost) => {
			const bench = new Bench(2);
			const missing = new Set(lost);
			const left = sent(1, { ...PLAIN, delayMs: 30, jitterMs: 40 }, 0, 600).filter(({ unit }) => {
				return !missing.has(numberOf(unit));
			});
			bench.play([...sent(0, PLAIN, 0, 600), ...left]);
			expectSound(bench, 2);
			expect(steps(bench.of(0).map(({ number }) => number)).every((step) => step === 1)).toBe(true);
			for (const [number, time] of bench.lines(1)) expect(bench.lines(0).get(number) ?? time).toBe(time);
		}),
		{ numRuns: 40 },
	);
});

it("whatever comes: no time goes back, nothing comes twice, and units that are not the same are apart", () => {
	const any = fc.record({
		gop: fc.integer({ min: 3, max: 60 }),
		phase: fc.integer({ min: 0, max: 30 }),
		offset: fc.integer({ min: 0, max: 2 ** 33 }),
		driftPpm: fc.integer({ min: -5000, max: 5000 }),
		delayMs: fc.integer({ min: 0, max: 1500 }),
		jitterMs: fc.integer({ min: 0, max: 900 }),
		rounded: fc.boolean(),
		every: fc.constantFrom(1, 2, 3),
		from: fc.integer({ min: 0, max: 200 }),
		/** Where its clock is set anew. */
		jumpAt: fc.integer({ min: 0, max: 600 }),
		lost: fc.array(fc.integer({ min: 0, max: 450 }), { maxLength: 30 }),
	});
	fc.assert(
		fc.property(fc.array(any, { minLength: 3, maxLength: 3 }), (encoders) => {
			const bench = new Bench();
			const arrivals = encoders.flatMap(({ from, jumpAt, lost, ...one }, input) => {
				const came = [
					...sent(input, one, from, Math.max(from, jumpAt)),
					...sent(input, { ...one, offset: one.offset + 7_654_321 }, Math.max(from, jumpAt), 450),
				].filter(({ unit }) => !lost.includes(numberOf(unit)));
				// A connection keeps the order.
				let before = 0;
				return came.map((arrival) => {
					before = Math.max(before, arrival.atMs);
					return { ...arrival, atMs: before };
				});
			});
			bench.play(arrivals);
			for (let input = 0; input < 3; input++) {
				const gone = bench.of(input);
				expect(steps(gone.map(({ number }) => number)).filter((step) => step <= 0)).toEqual([]);
			}
			const starts = bench.told.filter((one) => one === "started").length;
			if (starts > 1) return;
			const times = new Set(bench.gone.filter(({ key }) => key).map(({ time }) => time));
			const apart = steps([...times].toSorted((a, b) => a - b));
			expect(Math.min(...apart, Number.POSITIVE_INFINITY)).toBeGreaterThan((UNIT_MS * 90) / 2);
			expectSound(bench, 3);
		}),
		{ numRuns: 150 },
	);
});
