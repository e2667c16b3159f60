import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import type { RuleDraft } from "../wire/distributor-rule.ts";
import { EngineRules } from "./engine-rules.ts";
import { parseNetwork } from "./network.ts";
import { DEFAULT_LIMITS, type RuleLimits } from "./rule-limits.ts";
import { RECEIVERS_IN_A_LINE } from "./rule-requests.ts";
import { RuleTable } from "./rule-table.ts";

const ALL_ABLE = {
	...{ ipv4: true, ipv6: true, vlan: true, dscp: true, ttl: true, multicast: true, sourcePort: true, capture: true },
};
const WIDE = { rules: 1e6, receiversPerRule: 1e6, receivers: 1e6 };

const tableOf = (limits: Partial<RuleLimits> = {}): RuleTable =>
	new RuleTable({ clock: new ManualClock(), limits: { ...DEFAULT_LIMITS, ...limits } });

const receiver = (port: number, more: object = {}): Readonly<Record<string, unknown>> => ({
	address: "127.0.0.2",
	port,
	...more,
});

const cam = (more: object = {}): Readonly<Record<string, unknown>> => ({
	name: "cam-1",
	match: { address: "127.0.0.1", port: 5004 },
	media: "rtp",
	receivers: [receiver(6000)],
	...more,
});

/** The code with which something is refused. */
function codeOf(work: () => unknown): string | undefined {
	try {
		work();
		return undefined;
	} catch (thrown) {
		if (thrown instanceof PenstockError) return thrown.code;
		throw thrown;
	}
}

/** A distributor's table, fed with what the rule table tells. */
class Replica {
	readonly rules = new EngineRules(ALL_ABLE, WIDE);

	take(change: ChangeRequest): void {
		this.rules.keep(this.rules.judge(change), change.do === "rule.put", 0);
	}
}

const sorted = (table: RuleTable) =>
	table.list().map((rule) => ({ ...rule, receivers: rule.receivers.map((one) => JSON.stringify(one)).toSorted() }));

const sortedReplica = ({ rules }: Replica) =>
	rules.list().map((rule) => ({ ...rule, receivers: rule.receivers.map((one) => JSON.stringify(one)).toSorted() }));

describe("changes", () => {
	const port = fc.integer({ min: 6000, max: 6007 });
	const name = fc.constantFrom("a", "b", "c", "d");
	const receivers = fc.uniqueArray(
		fc.record({
			address: fc.constantFrom("127.0.0.2", "::1", "8.8.8.8", "127.0.0.1"),
			port,
			ttl: fc.constantFrom(1, 64),
			maxPacketsPerSecond: fc.constantFrom(10, 1000),
		}),
		{ selector: (one) => `${one.address} ${one.port}`, maxLength: 5 },
	);
	const draft = fc.record({
		name,
		match: fc.record({ address: fc.constantFrom("127.0.0.1", "::1"), port }),
		media: fc.constantFrom("rtp", "ts", "video"),
		receivers,
	});
	const step = fc.oneof(
		draft.map((one) => (table: RuleTable) => void table.put(one)),
		name.map((one) => (table: RuleTable) => table.delete(one)),
		fc.tuple(name, receivers).map(
			([one, some]) =>
				(table: RuleTable) =>
					void table.addReceivers(one, some),
		),
		fc.tuple(name, port).map(
			([one, at]) =>
				(table: RuleTable) =>
					void table.removeReceivers(one, [{ address: "127.0.0.2", port: at }]),
		),
		fc.array(draft, { maxLength: 3 }).map((some) => (table: RuleTable) => table.configure(some)),
	);

	test("are told so that an engine which follows has the same table, and a refused one changes nothing", () => {
		const limits = { rules: 3, receiversPerRule: 4, receivers: 6, packetsPerSecond: 3000 };
		fc.assert(
			fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
				const table = tableOf(limits);
				const replica = new Replica();
				let last = 0;
				let told = 0;
				table.onChange((change) => {
					told++;
					const generation = change.do === "rule.put" ? change.rule.generation : change.generation;
					expect(generation).toBeGreaterThan(last);
					last = generation;
					replica.take(change);
				});
				for (const one of steps) {
					const [before, toldBefore] = [sorted(table), told];
					if (codeOf(() => one(table)) !== undefined) {
						expect(sorted(table)).toEqual(before);
						expect(told).toBe(toldBefore);
					}
					expect(sortedReplica(replica)).toEqual(sorted(table));
					const rules = table.list();
					const all = rules.flatMap((rule) => rule.receivers);
					const sum = all.reduce((total, { maxPacketsPerSecond = 0 }) => total + maxPacketsPerSecond, 0);
					expect(rules.length).toBeLessThanOrEqual(limits.rules);
					expect(all.length).toBeLessThanOrEqual(limits.receivers);
					expect(sum).toBeLessThanOrEqual(limits.packetsPerSecond);
					for (const { address } of all) expect(address).not.toBe("8.8.8.8");
				}
				const late = new Replica();
				for (const change of table.wholeAsRequests()) late.take(change);
				expect(sortedReplica(late)).toEqual(sorted(table));
			}),
			{ numRuns: 300 },
		);
	});

	test("of a rule with more receivers than a line has room for come in several requests", () => {
		const table = tableOf();
		const replica = new Replica();
		const some = Array.from({ length: 2 * RECEIVERS_IN_A_LINE + 1 }, (_, index) => receiver(1 + index));
		table.put(cam({ receivers: some }));
		const requests = table.wholeAsRequests();
		for (const change of requests) replica.take(change);
		expect(requests.map((change) => change.do)).toEqual(["rule.put", "receivers.add", "receivers.add"]);
		expect(replica.rules.list()).toEqual(table.list());
		for (const change of requests) expect(JSON.stringify(change).length).toBeLessThan(1_048_576);
	});

	test("of more receivers at once than a line has room for come in several requests, too", () => {
		const table = tableOf();
		const replica = new Replica();
		table.onChange((change) => {
			expect(JSON.stringify(change).length).toBeLessThan(1_048_576);
			replica.take(change);
		});
		const some = Array.from({ length: 2 * RECEIVERS_IN_A_LINE + 1 }, (_, index) => receiver(1 + index));
		table.put(cam({ receivers: [] }));
		table.addReceivers("cam-1", some);
		expect(replica.rules.list()).toEqual(table.list());
		table.removeReceivers(
			"cam-1",
			some.slice(1).map(({ address, port }) => ({ address, port })),
		);
		expect(replica.rules.list()).toEqual(table.list());
		expect(table.get("cam-1")!.receivers).toHaveLength(1);
	});

	test("that take receivers away and add some are made as a whole, within the limits of what comes of it", () => {
		const table = tableOf({ receiversPerRule: 2 });
		const replica = new Replica();
		table.onChange((change) => replica.take(change));
		table.put(cam({ receivers: ["127.0.0.2:6000", "127.0.0.2:6001"] }));
		table.changeReceivers("cam-1", { remove: ["127.0.0.2:6000"], add: ["127.0.0.2:6002"] });
		expect(sortedReplica(replica)).toEqual(sorted(table));
		expect(table.get("cam-1")!.receivers.map(({ port }) => port)).toEqual([6001, 6002]);
		const before = sorted(table);
		const change = { remove: ["127.0.0.2:6001"], add: ["127.0.0.2:6003", "127.0.0.2:6004"] };
		expect(codeOf(() => table.changeReceivers("cam-1", change))).toBe("RULE_LIMIT");
		expect(sorted(table)).toEqual(before);
		table.changeReceivers("cam-1", { remove: ["127.0.0.2:6001"], add: [receiver(6001, { ttl: 3 })] });
		expect(table.get("cam-1")!.receivers.map(({ ttl }) => ttl)).toEqual([64, 3]);
		expect(sortedReplica(replica)).toEqual(sorted(table));
	});

	test("have generations that rise over a restart, too", () => {
		const clock = new ManualClock();
		const first = new RuleTable({ clock, limits: DEFAULT_LIMITS });
		first.put(cam());
		clock.advance(10);
		const second = new RuleTable({ clock, limits: DEFAULT_LIMITS });
		expect(second.put(cam()).generation).toBeGreaterThan(first.get("cam-1")!.generation);
	});

	test("are made only to what the caller has seen, if it says what it has seen", () => {
		const table = tableOf();
		const { generation } = table.put(cam());
		const after = table.addReceivers("cam-1", [receiver(6001)], { ifGeneration: generation });
		expect(codeOf(() => table.delete("cam-1", { ifGeneration: generation }))).toBe("RULE_STALE");
		expect(codeOf(() => table.put(cam({ name: "cam-2" }), { ifGeneration: 3 }))).toBe("RULE_STALE");
		table.delete("cam-1", { ifGeneration: after });
		expect(codeOf(() => table.delete("cam-1"))).toBe("RULE_NOT_FOUND");
	});
});

describe("a rule is refused", () => {
	test("that has a wrong value, with the place and what is allowed", () => {
		const table = tableOf();
		expect(() => table.put(cam({ receivers: [receiver(6000, { ttl: 0 })] }))).toThrow(
			"RULE_INVALID: receivers[0].ttl is 0 but must be a whole number from 1 to 255.",
		);
		expect(() => table.put(cam({ receivers: [receiver(6000), receiver(6000)] }))).toThrow(/is 127.0.0.2:6000 again/);
		expect(() => table.put({ ...cam(), colour: 1 })).toThrow(/RULE_INVALID: colour is an unknown key/);
		expect(() => table.put(undefined)).toThrow(/RULE_INVALID/);
	});

	test("that takes the packets of another one", () => {
		const table = tableOf();
		table.put(cam());
		expect(codeOf(() => table.put(cam({ name: "cam-2" })))).toBe("RULE_CONFLICT");
		expect(codeOf(() => table.put(cam({ name: "cam-2", match: { address: "127.0.0.1", port: 5004, vlan: 3 } })))).toBe(
			undefined,
		);
	});

	test("whose receivers lie outside the allowed networks", () => {
		const table = tableOf();
		expect(() => table.put(cam({ receivers: [{ address: "203.0.113.9", port: 6000 }] }))).toThrow(
			/RULE_NETWORK: rule cam-1: receiver 203.0.113.9:6000 lies in none of the allowed networks \(127.0.0.0\/8, /,
		);
		const wider = tableOf({ allowedNetworks: [parseNetwork("203.0.113.0/28")!] });
		expect(codeOf(() => wider.put(cam({ receivers: [{ address: "203.0.113.9", port: 6000 }] })))).toBeUndefined();
		expect(codeOf(() => wider.put(cam({ receivers: [{ address: "203.0.113.16", port: 6000 }] })))).toBe("RULE_NETWORK");
	});

	test("of which a receiver is what a rule takes, itself or another, whichever comes first", () => {
		const table = tableOf();
		const to = (port: number) => [{ address: "127.0.0.1", port }];
		expect(codeOf(() => table.put(cam({ receivers: to(5004) })))).toBe("RULE_LOOP");
		table.put(cam({ receivers: to(5006) }));
		const next = cam({ name: "cam-2", match: { address: "127.0.0.1", port: 5006 }, receivers: [] });
		expect(codeOf(() => table.put(next))).toBe("RULE_LOOP");
		expect(codeOf(() => table.configure([next]))).toBe("RULE_LOOP");
		table.removeReceivers("cam-1", to(5006));
		table.put(next);
		expect(codeOf(() => table.addReceivers("cam-1", to(5006)))).toBe("RULE_LOOP");
		expect(codeOf(() => table.addReceivers("cam-2", to(5008)))).toBeUndefined();
		// It moves away, and may then send to where it took from.
		const moved = cam({ name: "cam-2", match: { address: "127.0.0.1", port: 5010 }, receivers: to(5006) });
		expect(codeOf(() => table.put(moved))).toBeUndefined();
		table.delete("cam-2");
		expect(codeOf(() => table.put(next))).toBeUndefined();
	});

	test("that exceeds a rate, of a receiver or of all; one that says none gets the most that is allowed", () => {
		const table = tableOf({ receiverBitsPerSecond: 8_000_000, bitsPerSecond: 20_000_000 });
		expect(table.put(cam()).receivers[0]).toMatchObject({ maxBitsPerSecond: 8_000_000 });
		const fast = [receiver(6001, { maxBitsPerSecond: 9_000_000 })];
		expect(() => table.addReceivers("cam-1", fast)).toThrow(
			/maxBitsPerSecond is 9000000 but limits.receiverBitsPerSecond is 8000000/,
		);
		table.addReceivers("cam-1", [receiver(6001)]);
		expect(() => table.addReceivers("cam-1", [receiver(6002)])).toThrow(/might get 24000000 but limits.bitsPerSecond/);
		table.removeReceivers("cam-1", [receiver(6000)]);
		table.addReceivers("cam-1", [receiver(6002)]);
		const bound = tableOf({ packetsPerSecond: 100 });
		expect(() => bound.put(cam())).toThrow(/maxPacketsPerSecond is missing/);
	});
});

describe("the configuration's rules", () => {
	test("are changed by the configuration alone, and leave those of run time alone", () => {
		const table = tableOf();
		table.put(cam({ name: "api", match: { address: "127.0.0.1", port: 7000 } }));
		table.configure([cam()]);
		expect(table.originOf("cam-1")).toBe("config");
		expect(codeOf(() => table.delete("cam-1"))).toBe("RULE_FIXED");
		expect(codeOf(() => table.addReceivers("cam-1", [receiver(6001)]))).toBe("RULE_FIXED");
		table.configure([]);
		expect(table.names()).toEqual(["api"]);
	});

	test("touch nothing that stays the same, and may change places", () => {
		const table = tableOf();
		const rule = (name: string, port: number) => cam({ name, match: { address: "127.0.0.1", port } });
		table.configure([rule("a", 5004), rule("b", 5006), rule("c", 5008)]);
		const told: ChangeRequest[] = [];
		table.onChange((change) => void told.push(change));
		table.configure([rule("a", 5006), rule("b", 5004), rule("c", 5008)]);
		expect(table.get("a")!.match.port).toBe(5006);
		expect(told.map((change) => (change.do === "rule.put" ? change.rule.name : change.name) as Name)).not.toContain(
			"c",
		);
	});

	test("are all refused where one is wrong", () => {
		const table = tableOf();
		table.configure([cam()]);
		const wrong = cam({ name: "cam-2" });
		expect(codeOf(() => table.configure([cam({ receivers: [] }), wrong]))).toBe("RULE_CONFLICT");
		expect(table.get("cam-1")!.receivers).toHaveLength(1);
		expect(codeOf(() => table.configure([cam(), cam()]))).toBe("RULE_CONFLICT");
	});
});

describe("a tap", () => {
	const tap = { receiver: { address: "127.0.0.1", port: 7000, ttl: 64, dscp: 0 }, owner: "a test" };
	const rigged = () => {
		const table = tableOf({ receiversPerRule: 1, allowedNetworks: [parseNetwork("127.0.0.2")!] });
		const replica = new Replica();
		table.onChange((change) => replica.take(change));
		const ports = () => replica.rules.list().flatMap(({ receivers }) => receivers.map(({ port }) => port));
		return { table, ports };
	};

	test("has a rule's packets, is no part of the rule, and counts in no limit", () => {
		const { table, ports } = rigged();
		table.configure([cam()]);
		const end = table.tap("cam-1", tap);
		expect(ports()).toEqual([6000, 7000]);
		expect(table.get("cam-1")!.receivers.map(({ port }) => port)).toEqual([6000]);
		expect(table.tapsOf("cam-1")).toEqual([tap]);
		end();
		end();
		expect([ports(), table.tapsOf("cam-1")]).toEqual([[6000], []]);
	});

	test("may come before its rule, and stays when that goes and comes back", () => {
		const { table, ports } = rigged();
		const end = table.tap("cam-1", tap);
		expect(ports()).toEqual([]);
		table.put(cam());
		expect(ports()).toEqual([6000, 7000]);
		table.delete("cam-1");
		expect(ports()).toEqual([]);
		table.put(cam({ receivers: [] }));
		expect(ports()).toEqual([7000]);
		table.configure([]);
		end();
		expect(ports()).toEqual([]);
	});

	test("gives way to a receiver at the same place, and comes to light under it", () => {
		const table = tableOf();
		const replica = new Replica();
		table.onChange((change) => replica.take(change));
		table.put(cam({ receivers: [] }));
		table.tap("cam-1", tap);
		table.addReceivers("cam-1", [{ address: "127.0.0.1", port: 7000, ttl: 9 }]);
		const ttls = () => replica.rules.list()[0]!.receivers.map(({ ttl }) => ttl);
		expect(ttls()).toEqual([9]);
		table.removeReceivers("cam-1", ["127.0.0.1:7000"]);
		expect(ttls()).toEqual([64]);
	});
});

test("a rule may be given as it is listed, but for its generation", () => {
	const table = tableOf();
	const { generation: _generation, ...draft } = table.put(cam());
	const same: RuleDraft = draft;
	expect(table.put(same)).toMatchObject(draft);
});

describe("the rules of sessions", () => {
	const SESSION = { origin: "session" } as const;

	test("are changed by sessions alone, and touch nobody else's", () => {
		const table = tableOf();
		table.put(cam(), SESSION);
		table.put(cam({ name: "api", match: { address: "127.0.0.1", port: 7000 } }));
		expect(table.originOf("cam-1")).toBe("session");
		for (const change of [
			() => table.put(cam({ receivers: [] })),
			() => table.delete("cam-1"),
			() => table.addReceivers("cam-1", [receiver(6001)]),
			() => table.put(cam({ name: "api" }), SESSION),
			() => table.delete("api", SESSION),
		]) {
			expect(codeOf(change)).toBe("RULE_FIXED");
		}
		table.addReceivers("cam-1", [receiver(6001)], SESSION);
		expect(table.get("cam-1")!.receivers.map(({ port }) => port)).toContain(6001);
		table.delete("cam-1", SESSION);
		expect(table.names()).toEqual(["api"]);
	});
});
