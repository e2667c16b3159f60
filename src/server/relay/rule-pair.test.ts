/** With Node's engine, which does everything here that others do. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { bitsPerSecond } from "../../base/units.ts";
import { parseNetwork } from "../../distribution/network.ts";
import { DEFAULT_LIMITS, type RuleLimits } from "../../distribution/rule-limits.ts";
import { DistributionHost } from "../distribution-host.ts";
import { createLog } from "../log.ts";
import { nodeClock } from "../node-time.ts";
import { PacketPlane } from "./packet-plane.ts";
import { PortPairs } from "./port-pairs.ts";
import { RulePair, ruleName } from "./rule-pair.ts";

const clock = nodeClock();
const LIMITS = { packetsPerSecond: 1000, rate: bitsPerSecond(1_000_000) };
const SOURCE = { address: "127.0.0.1", ports: { rtp: 5000, rtcp: 5001 } };
const at = (rtp: number) => ({ address: "127.0.0.1", ports: { rtp, rtcp: rtp + 1 } });

let host: DistributionHost;
let plane: PacketPlane;
let pairs: PortPairs;
beforeEach(() => start());
afterEach(() => host.stop());

async function start(limits: Partial<RuleLimits> = {}): Promise<void> {
	await host?.stop();
	host = new DistributionHost({
		...{ clock, version: "0", log: createLog({ level: "fatal", format: "json" }) },
		config: {
			engine: "node",
			distributor: { path: undefined, arguments: [], device: undefined, backend: undefined },
			...{ rules: [], rulesFile: undefined, stateFile: undefined },
			limits: { ...DEFAULT_LIMITS, ...limits },
		},
	});
	await host.start();
	plane = new PacketPlane(host, clock);
	pairs = new PortPairs({ first: 50_000, last: 59_999 }, Math.random);
}

async function opened(name: string): Promise<RulePair> {
	const pair = await RulePair.open({ plane, pairs, limits: LIMITS, name, address: "127.0.0.1", source: SOURCE });
	if (pair instanceof RulePair) return pair;
	throw pair;
}

const receiversOf = (pair: RulePair): (readonly [string, number])[] =>
	(["rtp", "rtcp"] as const).flatMap((kind) =>
		host.table.get(pair.ruleOf(kind))!.receivers.map(({ port }) => [kind, port] as const),
	);

test("a medium is two rules, for its publisher's packets alone, that go with it", async () => {
	const pair = await opened("rtsp-cam");
	expect(host.table.get("rtsp-cam-rtcp")).toMatchObject({
		media: "rtcp",
		match: { port: pair.ports.rtcp, source: { address: "127.0.0.1", port: 5001 } },
		permanent: false,
	});
	expect(host.table.originOf("rtsp-cam-rtp")).toBe("session");
	pair.close();
	pair.close();
	expect(host.table.names()).toEqual([]);
	await host.settled();
	expect((await host.stats()).rules).toEqual([]);
});

test("two sessions with the same ports share a receiver, which stays until both have left", async () => {
	const pair = await opened("rtsp-cam");
	expect([await pair.add(at(6000)), await pair.add(at(6000)), await pair.add(at(7000))]).toEqual([
		undefined,
		undefined,
		undefined,
	]);
	pair.remove(at(6000));
	pair.remove(at(7000));
	expect(receiversOf(pair)).toEqual([
		["rtp", 6000],
		["rtcp", 6001],
	]);
	pair.remove(at(6000));
	expect([receiversOf(pair), pair.hasReceivers]).toEqual([[], false]);
});

test("a receiver that may not be one changes nothing", async () => {
	await start({ allowedNetworks: [parseNetwork("127.0.0.0/8")!] });
	const pair = await opened("rtsp-cam");
	expect((await pair.add({ ...at(6000), address: "10.0.0.1" }))?.code).toBe("RULE_NETWORK");
	expect((await pair.add({ ...at(6000), address: "fe80::1" }))?.code).toBe("RULE_INVALID");
	expect((await pair.add(at(pair.ports.rtp)))?.code).toBe("RULE_LOOP");
	expect(receiversOf(pair)).toEqual([]);
});

test("an engine that has no room says so before a rule of others suffers", async () => {
	const { rules, receivers } = host.description.limits;
	expect([plane.room(rules, 0), plane.room(0, receivers)]).toEqual([undefined, undefined]);
	expect(plane.room(rules + 1, 0)?.message).toContain(`would be ${rules + 1} rules, and ${rules} are taken`);
	const pair = await opened("rtsp-cam");
	// Each of the two rules may have a receiver in this process.
	expect(plane.room(0, receivers - 2)).toBeUndefined();
	expect(plane.room(0, receivers - 1)?.code).toBe("RULE_LIMIT");
	pair.close();
});

test("names pass over those that somebody's rules have", () => {
	host.table.put({ name: "rtsp-live-cam-1-0-rtp", match: "127.0.0.1:9", media: "rtp", receivers: [] });
	let serial = 0;
	expect(ruleName(plane, "live/cam", 0, () => ++serial)).toBe("rtsp-live-cam-2-0");
	expect(ruleName(plane, `live/${"x".repeat(128)}`, 0, () => ++serial).length).toBeLessThan(120);
});
