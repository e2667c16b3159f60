import { describe, expect, it, test } from "vitest";
import { HIGH, switchingState } from "../../test/kit/switching-state.ts";
import { guardedPolicy } from "./guarded-policy.ts";
import type { Decision, Policy, SwitchingState } from "./state.ts";

/** As a module would have it, that no compiler has seen. */
const policyOf = (decide: (state: SwitchingState) => unknown): Policy => ({
	name: "own",
	decide: decide as Policy["decide"],
});

const because = { cause: "network", text: "12 Mbit/s" };

describe("a policy from a module", () => {
	it("decides as if it were one of ours", () => {
		const faults: string[] = [];
		const ask = (answer: unknown): Decision =>
			guardedPolicy(
				policyOf(() => answer),
				(text) => faults.push(text),
			).decide(switchingState());
		expect(ask({ kind: "hold", because })).toEqual({ kind: "hold", because });
		expect(ask({ kind: "switch", to: "high", because, more: 1 })).toEqual({ kind: "switch", to: HIGH, because });
		expect(ask({ kind: "switch", to: "low", because })).toEqual({ kind: "hold", because });
		expect(faults).toEqual([]);
	});

	it("keeps its name, its own this, and whether it watches", () => {
		const own = {
			name: "own",
			watches: true,
			calls: 0,
			decide(): Decision {
				this.calls++;
				return { kind: "hold", because: { cause: "policy", text: `call ${this.calls}` } };
			},
		};
		const guarded = guardedPolicy(own, () => {});
		expect([guarded.name, guarded.watches]).toEqual(["own", true]);
		guarded.decide(switchingState());
		expect(guarded.decide(switchingState()).because.text).toBe("call 2");
		expect(
			guardedPolicy(
				policyOf(() => {}),
				() => {},
			).watches,
		).toBe(false);
	});

	it.each<[string, (state: SwitchingState) => unknown, string]>([
		[
			"throws",
			() => {
				throw new Error("no such table");
			},
			"threw no such table",
		],
		[
			"throws no error",
			() => {
				throw null;
			},
			"threw null",
		],
		["answers nothing", () => undefined, "answered nothing, no decision"],
		["answers a name", () => "high", 'answered "high", no decision'],
		["answers a promise", async () => ({ kind: "hold", because }), "answered a promise; it must decide at once"],
		["answers another kind", () => ({ kind: "up", because }), 'answered with kind "up"; there is "hold" and "switch"'],
		[
			"wants what is no rendition",
			() => ({ kind: "switch", to: "ultra", because }),
			'wants "ultra", which is no rendition; there is high, mid, low',
		],
		[
			"wants nothing",
			() => ({ kind: "switch", because }),
			"wants nothing, which is no rendition; there is high, mid, low",
		],
		["gives no reason", () => ({ kind: "hold" }), "gives no reason: because is nothing"],
		[
			"gives a cause of its own",
			() => ({ kind: "hold", because: { cause: "mood", text: "" } }),
			'gives the cause "mood"; there is wish, policy, network, terminal, server, unknown, unavailable',
		],
		["gives no text", () => ({ kind: "hold", because: { cause: "policy" } }), "gives a reason without text: nothing"],
		[
			"answers what throws when it is read",
			() => ({
				get kind() {
					throw new Error("trap");
				},
				because,
			}),
			"threw trap",
		],
	])("that %s leaves the viewer as it is, and is told", (_, decide, text) => {
		const faults: string[] = [];
		const decision = guardedPolicy(policyOf(decide), (fault) => faults.push(fault)).decide(switchingState());
		expect(decision).toEqual({ kind: "hold", because: { cause: "policy", text: `policy own ${text}` } });
		expect(faults).toEqual([text]);
	});

	test("that wants a rendition which is not there now is held back", () => {
		const renditions = switchingState().renditions.map((one) => ({ ...one, available: one.name !== HIGH }));
		const policy = guardedPolicy(
			policyOf(() => ({ kind: "switch", to: "high", because })),
			() => {},
		);
		expect(policy.decide(switchingState({ renditions }))).toMatchObject({ kind: "hold", because: { cause: "policy" } });
	});

	test("whose promise is refused does not end the process", async () => {
		const refused: unknown[] = [];
		const note = (reason: unknown): void => void refused.push(reason);
		process.on("unhandledRejection", note);
		guardedPolicy(
			policyOf(() => Promise.reject(new Error("late"))),
			() => {},
		).decide(switchingState());
		await new Promise((resolve) => setImmediate(resolve));
		process.off("unhandledRejection", note);
		expect(refused).toEqual([]);
	});

	test("that changes what it sees changes a copy", () => {
		const state = switchingState();
		const before = structuredClone(state);
		const policy = policyOf((seen) => {
			const loose = seen as unknown as { renditions: { available: boolean }[]; server: { cpuIdle: number } };
			for (const one of loose.renditions) one.available = false;
			loose.renditions.length = 0;
			loose.server.cpuIdle = 0;
			return { kind: "switch", to: "high", because };
		});
		expect(guardedPolicy(policy, () => {}).decide(state)).toMatchObject({ kind: "switch", to: "high" });
		expect(state).toEqual(before);
	});
});
