import { type Cmcd, encodeCmcd } from "@svta/cml-cmcd";
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCmcdReports } from "../reports/cmcd-text.ts";
import { cmcdOfFigures, SWITCH_ACK } from "../wire/cmcd-report.ts";
import type { ReportedFigures } from "../wire/viewer-report.ts";
import { cmcdLine } from "./cmcd-line.ts";

const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,20}$/);
const count = fc.nat(1e9);
/** As reports have them: whole, and shares in thousandths. */
const whole = (max: number) => fc.integer({ min: 0, max });
const share = whole(1000).map((thousandths) => thousandths / 1000);
const figures: fc.Arbitrary<ReportedFigures> = fc.record(
	{
		...{ bandwidthBps: whole(1e12), roundTripMs: whole(600_000), cpuIdle: share, memoryUsed: share },
		...{
			droppedFrames: count,
			shownFrames: count,
			bufferMs: whole(86_400_000),
			stalls: count,
			stalledMs: whole(1e12),
		},
		...{ hidden: fc.boolean(), smoothUpTo: name, maxBitrateBps: whole(1e12), delayMs: whole(86_400_000) },
		...{ playheadMs: whole(1e15 - 1), shownBitrateBps: whole(1e12), renditionShown: name, acknowledgedUnit: count },
	},
	{ requiredKeys: [] },
);
const secret = fc.stringMatching(/^[A-Za-z0-9._-]{16,64}$/);

test("a report's line is, character by character, what the standard's own library writes", () => {
	fc.assert(
		fc.property(figures, secret, count, (reported, sid, sn) => {
			const values = {
				v: 2,
				sid,
				sn,
				ts: 1_700_000_000_000,
				e: "ce",
				cen: SWITCH_ACK,
				sta: "q",
				...cmcdOfFigures(reported),
			};
			const written = encodeCmcd(values as Cmcd, { version: 2, reportingMode: "event" });
			expect(cmcdLine(values)).toBe(written);
		}),
	);
});

test("the server's parser takes every one of them", () => {
	fc.assert(
		fc.property(figures, secret, (reported, sid) => {
			const parsed = parseCmcdReports(cmcdLine({ v: 2, sid, ...cmcdOfFigures(reported) }));
			expect(parsed).toMatchObject({ kind: "parsed", value: [{ session: sid }] });
		}),
	);
});

test("a quotation mark in a foreign server's session ends no text", () => {
	expect(cmcdLine({ sid: 'a"b\\c' })).toBe(String.raw`sid="a\"b\\c"`);
});
