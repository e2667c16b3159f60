import { type Cmcd, encodeCmcd } from "@svta/cml-cmcd";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCmcdReports } from "./cmcd-text.ts";

const SID = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
const refusal = (text: string): string => {
	const parsed = parseCmcdReports(text);
	if (parsed.kind === "parsed") throw new Error(`taken: ${JSON.stringify(parsed.value)}`);
	return parsed.text;
};

describe("events as the library of players writes them", () => {
	const encode = (values: Cmcd): string => encodeCmcd({ sid: SID, ...values }, { version: 2, reportingMode: "event" });

	test("are read, one a line", () => {
		const lines = [
			encode({
				e: "t",
				ts: 1_700_000_000_000,
				sn: 1,
				mtp: [9600],
				bl: [2100],
				dfa: 3,
				ltc: 420,
				pt: 1234,
				sta: "p",
				sf: "o",
			}),
			encode({ e: "ps", ts: 1_700_000_000_500, sn: 2, sta: "r", bg: true, bs: true, rtp: 4000, "com.example-x": "y" }),
			encode({
				e: "ce",
				cen: "switch-ack",
				ts: 1_700_000_001_000,
				sn: 3,
				"org.penstock-unit": 12,
				"org.penstock-cpu": "fair",
			}),
		];
		expect(parseCmcdReports(`${lines.join("\n")}\n`)).toEqual({
			kind: "parsed",
			value: [
				{
					...{ session: SID, sequence: 1, sentAtEpochMs: 1_700_000_000_000 },
					figures: {
						...{
							bandwidthBps: 9_600_000,
							bufferMs: 2100,
							droppedFrames: 3,
							delayMs: 420,
							playheadMs: 1234,
							hidden: false,
						},
					},
				},
				{
					...{ session: SID, sequence: 2, sentAtEpochMs: 1_700_000_000_500 },
					figures: { hidden: true, maxBitrateBps: 4_000_000, bufferMs: 0 },
				},
				{
					...{ session: SID, sequence: 3, sentAtEpochMs: 1_700_000_001_000 },
					figures: { cpuIdle: 0.6, acknowledgedUnit: 12, hidden: false },
				},
			],
		});
	});

	test("a value for each object type, as an inner list with parameters: the one that counts is taken", () => {
		const text = `bl=(5000;v 1200;a),br=(3000;v 128;a),mtp=(9600),sid="${SID}",v=2`;
		expect(parseCmcdReports(text)).toMatchObject({
			value: [{ figures: { bufferMs: 1200, shownBitrateBps: 3_000_000, bandwidthBps: 9_600_000 } }],
		});
	});
});

describe("text of strangers", () => {
	test.each([
		["nothing", "", "the body must have 1 to 32 lines"],
		["blank lines", "\n \n", "the body must have 1 to 32 lines"],
		["33 lines", `sid="${SID}"\n`.repeat(33), "the body must have 1 to 32 lines"],
		["a list without an end", `sid="${SID}"\nbl=(`, "line 2: it is no structured-field dictionary"],
		["a negative rate", `sid="${SID}",mtp=(-1)`, "line 1: mtp is [-1] but must be"],
		["no session", "mtp=(100)", "line 1: sid is not there"],
		["a long line", `sid="${"y".repeat(3000)}"`, "line 1: it has 3006 characters; 2048 are the most"],
		["a long list", `sid="${SID}",bl=(${"1 ".repeat(200)})`, "parts; 96 are the most"],
	])("%s is refused in words", (_, text, sentence) => {
		expect(refusal(text)).toContain(sentence);
	});

	test("no secret is in what is said", () => {
		expect(refusal(`sid="${SID}",mtp=("fast")`)).not.toContain(SID);
	});

	test("never throws, and ends soon, whatever it is", () => {
		const part = fc.constantFrom(
			"sid",
			"=",
			",",
			'"',
			"(",
			")",
			";",
			" ",
			"mtp",
			"1",
			"-",
			".",
			"?1",
			":",
			"@",
			"\n",
			"é",
			"__proto__",
		);
		const text = fc.oneof(
			fc.string(),
			fc.array(part, { maxLength: 300 }).map((parts) => parts.join("")),
		);
		fc.assert(
			fc.property(text, (given) => {
				const parsed = parseCmcdReports(given);
				if (parsed.kind === "refused") expect(parsed.text.length).toBeLessThan(400);
				else expect(parsed.value.length).toBeLessThanOrEqual(32);
			}),
			{ numRuns: 1000 },
		);
	});

	test("tokens leave nothing behind: none becomes a registered symbol", () => {
		const token = `never-seen-${Math.random().toString(36).slice(2)}`;
		const before = Symbol.for;
		const made: string[] = [];
		Symbol.for = (key) => {
			made.push(key);
			return before.call(Symbol, key);
		};
		try {
			expect(parseCmcdReports(`sid="${SID}",com.example-t=${token},v=2`)).toMatchObject({ kind: "parsed" });
		} finally {
			Symbol.for = before;
		}
		expect(made).toEqual([]);
	});
});
