import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HIGH, LOW, MID, switchingState } from "../../test/kit/switching-state.ts";
import type { Name } from "../base/name.ts";
import { milliseconds } from "../base/units.ts";
import { decide } from "./decide.ts";
import { fixedPolicy } from "./fixed.ts";
import type { Decision, Policy, ServerDuress, SwitchingState } from "./state.ts";
import { tourPolicy } from "./tour.ts";

const TEXT = "the server's CPU is 4 % idle, less than 10 %";

const under = (level: ServerDuress["level"] | undefined): SwitchingState["server"] => ({
	...switchingState().server,
	...(level !== undefined && { duress: { level, text: TEXT } }),
});

/** A policy that sends everybody there. */
const wants = (rendition: Name): Policy => fixedPolicy({ rendition });

const inWords = (decision: Decision): string =>
	`${decision.kind === "switch" ? `to ${decision.to}` : "hold"}: ${decision.because.cause}`;

describe("a server under duress", () => {
	const table: [string, ServerDuress["level"], Policy, Partial<SwitchingState>, string][] = [
		["freezes a climb", "freeze", wants(HIGH), { current: LOW }, "hold: server"],
		["freezes a climb by one step", "freeze", wants(MID), { current: LOW }, "hold: server"],
		["lets everybody go down", "freeze", wants(LOW), { current: HIGH }, "to low: policy"],
		[
			"leaves those in the best where they are while it only freezes",
			"freeze",
			wants(HIGH),
			{ current: HIGH },
			"hold: policy",
		],
		["follows a wish while it only freezes", "freeze", wants(LOW), { wish: HIGH }, "to high: wish"],
		["takes everybody off the best when it sheds", "shed", wants(HIGH), { current: HIGH }, "to mid: server"],
		["lets those go further down who would anyway", "shed", wants(LOW), { current: HIGH }, "to low: policy"],
		["freezes climbs to others as well when it sheds", "shed", wants(MID), { current: LOW }, "hold: server"],
		["gives who wishes for the best the next one", "shed", wants(LOW), { wish: HIGH }, "to mid: server"],
		["takes who wished for the best off it", "shed", wants(LOW), { wish: HIGH, current: HIGH }, "to mid: server"],
		["keeps who wishes for the best in the next one", "shed", wants(LOW), { wish: HIGH, current: MID }, "hold: server"],
		["follows a wish for another than the best", "shed", wants(LOW), { wish: MID }, "to mid: wish"],
	];
	test.each(table)("%s", (_, level, policy, overrides, expected) => {
		const state = switchingState({ ...overrides, server: under(level) });
		const decision = decide(policy, state);
		expect(inWords(decision)).toBe(expected);
		if (expected.endsWith("server")) expect(decision.because.text).toContain(TEXT);
	});

	test("takes the best that is there for the best", () => {
		const renditions = switchingState().renditions.map((one) => ({ ...one, available: one.name !== HIGH }));
		const state = switchingState({ renditions, current: MID, server: under("shed") });
		expect(inWords(decide(wants(MID), state))).toBe("to low: server");
	});

	test("does nothing to a channel with one rendition", () => {
		const renditions = [switchingState().renditions[0]!];
		for (const level of ["freeze", "shed"] as const) {
			const state = switchingState({ renditions, current: HIGH, server: under(level) });
			expect(inWords(decide(wants(HIGH), state))).toBe("hold: policy");
		}
	});

	test("moves on who is in a rendition that has gone, even up", () => {
		const renditions = switchingState().renditions.map((one) => ({ ...one, available: one.name !== LOW }));
		const state = switchingState({ renditions, current: LOW, server: under("freeze") });
		expect(inWords(decide(wants(MID), state))).toBe("to mid: policy");
	});

	test("is left to recover: nobody climbs, then nobody is in the best, then all is as before", () => {
		const policy = tourPolicy({ stay: milliseconds(1000) });
		let current = LOW;
		const shown = (["freeze", "freeze", "shed", "shed", "freeze", undefined, undefined, undefined] as const).map(
			(level, second) => {
				const decision = decide(
					policy,
					switchingState({ now: milliseconds(second * 1000), current, server: under(level) }),
				);
				if (decision.kind === "switch") current = decision.to;
				return current;
			},
		);
		expect(shown).toEqual(["low", "low", "low", "low", "low", "mid", "high", "mid"]);
	});

	test("whatever a policy or a wish wants: no climb by a policy, and when it sheds, nobody stays in the best", () => {
		const names = fc.constantFrom(HIGH, MID, LOW);
		const arbitrary = fc.record({
			current: names,
			target: names,
			wish: fc.constantFrom("auto" as const, HIGH, MID, LOW),
			level: fc.constantFrom("freeze" as const, "shed" as const),
		});
		const place = (name: Name): number => [HIGH, MID, LOW].indexOf(name);
		fc.assert(
			fc.property(arbitrary, ({ current, target, wish, level }) => {
				const decision = decide(wants(target), switchingState({ current, wish, server: under(level) }));
				const next = decision.kind === "switch" ? decision.to : current;
				if (wish === "auto") expect(place(next)).toBeGreaterThanOrEqual(place(current));
				if (level === "shed") expect(next).not.toBe(HIGH);
				if (decision.kind === "switch") expect(decision.to).not.toBe(current);
			}),
		);
	});
});
