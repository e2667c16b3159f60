import { describe, expect, it } from "vitest";
import { ModelLink } from "../../test/kit/model-link.ts";
import { parseName } from "../base/name.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { adaptivePolicy } from "./adaptive.ts";
import { fixedPolicy } from "./fixed.ts";
import type { LinkReading, LinkSource } from "./link-reading.ts";
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

it("is asked within a unit only when the queue has stood for as long as the policy has patience", () => {
	const asked = (patience: number): boolean => {
		const policy: Policy = { ...adaptivePolicy(), patience: milliseconds(patience) };
		const control = new SwitchControl(policy);
		const link = new ModelLink(control.link, { rateBps: 0, roundTripMs: 30 });
		link.send(2000);
		// 30 ms for the way, 55 for the acknowledgement.
		link.run(30 + 55 + 40);
		link.look();
		expect(control.link.overdue).toBe(40);
		return control.wantsDecision;
	};
	expect([0, 40, 41].map(asked)).toEqual([true, true, false]);
});

describe("a look", () => {
	/** A connection that has taken `acked` bytes, and how it was asked. */
	class Source implements LinkSource {
		readonly asked: string[] = [];
		acked = 0;
		readonly #glances: boolean;

		constructor(glances: boolean) {
			this.#glances = glances;
		}

		acknowledged(): number | undefined {
			this.asked.push("glance");
			return this.#glances ? this.acked : undefined;
		}

		look(now: Milliseconds): LinkReading {
			this.asked.push("look");
			const [ZERO, TRIP] = [milliseconds(0), milliseconds(20)];
			return {
				...{ at: now, ackedBytes: this.acked, deliveredBytes: this.acked, lastAckAt: now, receiverLimited: ZERO },
				...{ roundTrip: TRIP, minRoundTrip: TRIP, segmentBytes: 1448, pacingRate: 0 },
			};
		}
	}

	/** A stream of 100 bytes each 50 ms, all of which arrive at once; for so long, with a look each 100 ms. */
	function streamed(source: Source, durationMs: number): SwitchControl {
		const control = new SwitchControl(adaptivePolicy());
		for (let at = 0; at < durationMs; at += 50) {
			control.sent(milliseconds(at), 100, milliseconds(at));
			source.acked += 100;
			if (at % 100 === 0) control.watch(source, milliseconds(at + 20));
		}
		source.asked.length = 0;
		return control;
	}

	it("is a glance while all is calm, and a whole one once a second", () => {
		const source = new Source(true);
		const control = streamed(source, 2400);
		const news: boolean[] = [];
		for (let at = 2400; at < 4400; at += 200) {
			control.sent(milliseconds(at), 100, milliseconds(at));
			source.acked += 100;
			news.push(control.watch(source, milliseconds(at + 20)));
		}
		expect(source.asked.filter((one) => one === "look")).toHaveLength(2);
		expect(news.filter(Boolean)).toHaveLength(2);
	});

	it("becomes a whole one where the glance finds bytes overdue", () => {
		const source = new Source(true);
		const control = streamed(source, 2450);
		control.sent(milliseconds(2450), 100, milliseconds(2450));
		expect(control.watch(source, milliseconds(2600))).toBe(true);
		expect(source.asked).toEqual(["glance", "look"]);
		expect(control.wantsDecision).toBe(true);
	});

	it("is a whole one where there are no glances", () => {
		const source = new Source(false);
		const control = streamed(source, 2450);
		expect(control.watch(source, milliseconds(2500))).toBe(true);
		expect(source.asked).toEqual(["glance", "look"]);
	});
});
