import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cmcdOfFigures, reportOfCmcd } from "./cmcd-report.ts";
import { parseJsonReports } from "./json-report.ts";
import { decodeOutcome, decodeReport, encodeReport, reportSubject } from "./report-message.ts";
import { FIGURES, type FigureName, figuresFor, lacking, merged, type ViewerReport } from "./viewer-report.ts";

const SESSION = "0123456789abcdef0123456789abcdef";
const KEY = "A".repeat(43);
const nearest = (word: string, words: readonly string[]): string | undefined =>
	words.find((one) => one.toLowerCase() === word.toLowerCase());
const json = (value: unknown) => parseJsonReports(JSON.stringify(value), nearest);
const cmcd = (values: Record<string, string | number | boolean | number[]>) =>
	reportOfCmcd(new Map(Object.entries({ sid: SESSION, v: 2, ...values })));

describe("the JSON form", () => {
	test("takes one report, or several in an array", () => {
		const one = { session: SESSION, sequence: 3, bandwidthBps: 1e7, cpuIdle: 0.95, hidden: false, smoothUpTo: "mid" };
		const { session, sequence, ...figures } = one;
		const report = { session, sequence, figures };
		expect(json(one)).toEqual({ kind: "parsed", value: [report] });
		expect(json([one, one])).toEqual({ kind: "parsed", value: [report, report] });
	});

	test.each([
		[{ session: SESSION, cpuIdle: 1.5 }, "the report: cpuIdle is 1.5 but must be a number from 0 to 1"],
		[{ session: SESSION, bandwidthBps: -1 }, "bandwidthBps is -1 but must be a number from 0 to 1000000000000"],
		[{ session: SESSION, droppedFrames: 1.5 }, "must be a whole number"],
		[{ session: SESSION, smoothUpTo: "../x" }, "must be the name of a rendition"],
		[{ session: SESSION, cpuidle: 0.5 }, 'the report has an unknown key "cpuidle"; did you mean cpuIdle?'],
		[{ session: SESSION, nonsense: 1 }, "known are session, sequence"],
		[{ cpuIdle: 0.5 }, "the report lacks session"],
		[{ session: 7 }, "session is 7 but must be text"],
		[[{ session: SESSION }, { session: SESSION, stalls: "1" }], "report 2: stalls is"],
		[[], "the array has 0 reports"],
		[Array.from({ length: 33 }, () => ({ session: SESSION })), "the array has 33 reports"],
		["text", 'the report is "text" but must be an object'],
	])("refuses %j in words", (body, sentence) => {
		expect(json(body)).toMatchObject({ kind: "refused", text: expect.stringContaining(sentence) });
	});

	test("a key of the prototype is an unknown key", () => {
		const body = `{"session":"${SESSION}","__proto__":{"hidden":true}}`;
		expect(parseJsonReports(body, nearest)).toMatchObject({ kind: "refused" });
	});

	test("never throws, and what it takes is within its ranges", () => {
		const anything = fc.oneof(
			fc.json(),
			fc.string(),
			fc.json().map((text) => `{"session":"${SESSION}","stalls":${text}}`),
		);
		fc.assert(
			fc.property(anything, (text) => {
				const parsed = parseJsonReports(text, nearest);
				if (parsed.kind === "refused") {
					expect(parsed.text.length).toBeLessThan(500);
					return;
				}
				for (const { figures } of parsed.value) {
					for (const [name, value] of Object.entries(figures)) {
						expect(lacking(value, FIGURES[name as FigureName].form)).toBeUndefined();
					}
				}
			}),
		);
	});
});

describe("CMCD", () => {
	test("its keys are figures, in our units", () => {
		const report = cmcd({
			...{
				mtp: [10_000],
				bl: [2000, 1500],
				bsa: [2],
				bsda: [800],
				dfa: 12,
				rtp: 4000,
				ltc: 350,
				pt: 123_456,
				br: [3000, 128],
			},
			...{ "org.penstock-cpu-idle": 0.95, "org.penstock-mem": 0.2, "org.penstock-dec": "mid", sn: 4, ts: 1.7e12 },
			...{ "org.penstock-shown": "low", "org.penstock-frames": 900, "org.penstock-rtt": 24, bg: true, su: true },
		});
		expect(report).toEqual({
			kind: "parsed",
			value: {
				...{ session: SESSION, sequence: 4, sentAtEpochMs: 1.7e12 },
				figures: {
					...{ bandwidthBps: 1e7, bufferMs: 1500, stalls: 2, stalledMs: 800, droppedFrames: 12, maxBitrateBps: 4e6 },
					...{ delayMs: 350, playheadMs: 123_456, shownBitrateBps: 3e6, cpuIdle: 0.95, memoryUsed: 0.2 },
					...{ smoothUpTo: "mid", renditionShown: "low", shownFrames: 900, roundTripMs: 24, hidden: true },
				},
			},
		});
	});

	test("version 1 has no lists, and says nothing by leaving bg out", () => {
		const report = reportOfCmcd(
			new Map<string, string | number | boolean>([
				["sid", SESSION],
				["mtp", 10_000],
				["bl", 0],
			]),
		);
		expect(report).toMatchObject({ value: { figures: { bandwidthBps: 1e7, bufferMs: 0 } } });
		expect(report).not.toHaveProperty("value.figures.hidden");
	});

	test.each([
		["nominal", 0.95],
		["fair", 0.6],
		["serious", 0.2],
		["critical", 0.1],
	])("a CPU under pressure %s is %d idle", (state, idle) => {
		expect(cmcd({ "org.penstock-cpu": state })).toMatchObject({ value: { figures: { cpuIdle: idle } } });
	});

	test("a number of the CPU comes before its state", () => {
		const both = { "org.penstock-cpu": "nominal", "org.penstock-cpu-idle": 0.5 };
		expect(cmcd(both)).toMatchObject({ value: { figures: { cpuIdle: 0.5 } } });
	});

	test("a buffer that ran empty is 0, a tab that is not hidden is shown", () => {
		expect(cmcd({ bs: true })).toMatchObject({ value: { figures: { bufferMs: 0, hidden: false } } });
		expect(cmcd({ sta: "r" })).toMatchObject({ value: { figures: { bufferMs: 0 } } });
		expect(cmcd({ bs: true, bl: [700] })).toMatchObject({ value: { figures: { bufferMs: 700 } } });
	});

	test("a unit is acknowledged by the event switch-ack alone", () => {
		const unit = { "org.penstock-unit": 77 };
		expect(cmcd({ ...unit, e: "ce", cen: "switch-ack" })).toMatchObject({
			value: { figures: { acknowledgedUnit: 77 } },
		});
		expect(cmcd(unit)).not.toHaveProperty("value.figures.acknowledgedUnit");
	});

	test.each([
		[{ mtp: [-5] }, "mtp is [-5] but must be a number from 0"],
		[{ mtp: [] }, "mtp is []"],
		[{ bl: "long" }, 'bl is "long"'],
		[{ dfa: [1, 2] }, "dfa is [1,2]"],
		[{ "org.penstock-cpu": "fine" }, "must be one of nominal, fair, serious, critical"],
		[{ sn: -1 }, "sn is -1"],
		[{ ts: "now" }, 'ts is "now"'],
		[{ sid: 5 }, "sid is number"],
		[{ sid: "x".repeat(65) }, "sid is text of 65 characters"],
	])("refuses %j in words, without the secret", (values, sentence) => {
		expect(cmcd(values)).toMatchObject({ kind: "refused", text: expect.stringContaining(sentence) });
	});

	test("what a player sends is what a server reads", () => {
		const number = ({ min, max, whole }: { min: number; max: number; whole?: true }) =>
			whole ? fc.integer({ min, max: Math.min(max, 2 ** 31) }) : fc.integer({ min, max: Math.min(max, 1000) });
		const forms = Object.entries(FIGURES).map(([name, { form }]) => {
			const value =
				form.kind === "flag" ? fc.boolean() : form.kind === "name" ? fc.constantFrom("low", "mid_2") : number(form);
			return [name, fc.option<unknown, undefined>(value as fc.Arbitrary<unknown>, { nil: undefined })] as const;
		});
		fc.assert(
			fc.property(fc.record(Object.fromEntries(forms)), (given) => {
				const figures = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
				const values = new Map(Object.entries({ ...cmcdOfFigures(figures), sid: SESSION, v: 2, cen: "switch-ack" }));
				const read = reportOfCmcd(values);
				expect(read).toMatchObject({ kind: "parsed" });
				if (read.kind !== "parsed") return;
				const { hidden = false, ...rest } = figures;
				const expected = Object.entries(rest).map(([name, value]) => [
					name,
					typeof value === "number" ? expect.closeTo(value, 6) : value,
				]);
				expect(read.value.figures).toEqual({ ...Object.fromEntries(expected), hidden });
			}),
		);
	});
});

describe("messages between machines", () => {
	const report: ViewerReport = {
		...{ sessionKey: KEY, server: "network", sequence: 7, receivedAtEpochMs: 1.7e12, ageMs: 12.5 },
		figures: { bandwidthBps: 1e7 },
	};

	test("come out as they went in", () => {
		expect(decodeReport(reportSubject(report), encodeReport(report))).toEqual(report);
		for (const kind of ["applied", "implausible", "stale"] as const) {
			const outcome = { kind, answer: { etpKbps: 9600, mbKbps: 4000, du: true, rttMs: 24 } };
			expect(decodeOutcome(JSON.stringify(outcome))).toEqual(outcome);
		}
		expect(decodeOutcome('{"kind":"unknown"}')).toEqual({ kind: "unknown" });
	});

	test("do not carry the secret or its place", () => {
		expect(encodeReport(report)).not.toContain(KEY);
	});

	test("of another form are none, whatever they are", () => {
		const subject = reportSubject(report);
		expect(decodeReport("penstock.report.network.>", encodeReport(report))).toBeUndefined();
		expect(decodeReport("penstock.report.other.AAAA", encodeReport(report))).toBeUndefined();
		expect(decodeReport(subject, '{"figures":{"nonsense":1},"receivedAtEpochMs":1,"ageMs":0}')).toBeUndefined();
		expect(decodeReport(subject, '{"figures":{"cpuIdle":2},"receivedAtEpochMs":1,"ageMs":0}')).toBeUndefined();
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
				decodeReport(subject, text);
				decodeReport(text, text);
				decodeOutcome(text);
			}),
		);
	});
});

test("each server takes its own figures of a report, and newer ones go over older ones", () => {
	const figures = { bandwidthBps: 1e6, cpuIdle: 0.5, bufferMs: 100 };
	expect(figuresFor("network", figures)).toEqual({ bandwidthBps: 1e6 });
	expect(figuresFor("status", figures)).toEqual({ cpuIdle: 0.5, bufferMs: 100 });
	const older: ViewerReport = {
		sessionKey: KEY,
		server: "status",
		receivedAtEpochMs: 1,
		ageMs: 0,
		sequence: 1,
		figures,
	};
	const newer = { ...older, sequence: 2, figures: { cpuIdle: 0.1 } };
	expect(merged(older, newer)).toEqual({ ...newer, figures: { ...figures, cpuIdle: 0.1 } });
});
