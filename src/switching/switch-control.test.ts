import { expect, it } from "vitest";
import { ModelLink } from "../../test/kit/model-link.ts";
import { parseName } from "../base/name.ts";
import { adaptivePolicy } from "./adaptive.ts";
import { fixedPolicy } from "./fixed.ts";
import type { Policy } from "./state.ts";
import { SwitchControl } from "./switch-control.ts";

/** Whether a decision is wanted before and after a link of 10 Mbit/s under a stream of 3 has fallen to 1. */
function wanted(policy: Policy): [before: boolean, after: boolean] {
	const control = new SwitchControl(policy);
	const link = new ModelLink(control.link, { rateBps: 10e6, roundTripMs: 30 });
	link.stream({ bitrateBps: 3e6, durationMs: 3000, unitMs: 500 });
	const before = control.wantsDecision;
	link.rateBps = 1e6;
	link.stream({ bitrateBps: 3e6, durationMs: 400 });
	return [before, control.wantsDecision];
}

it("wants a decision within a unit when a queue stands, and only for a policy that watches", () => {
	expect(wanted(adaptivePolicy())).toEqual([false, true]);
	expect(wanted(fixedPolicy({ rendition: parseName("high", "test") }))).toEqual([false, false]);
});
