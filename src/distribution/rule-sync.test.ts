import { describe, expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { NodeEngine } from "./node-engine.ts";
import { DEFAULT_LIMITS } from "./rule-limits.ts";
import { RuleSync } from "./rule-sync.ts";
import { RuleTable } from "./rule-table.ts";

const rule = (port: number, more: object = {}) => ({
	...{ name: `cam-${port}`, match: { address: "127.0.0.1", port }, media: "rtp" },
	receivers: [{ address: "127.0.0.1", port: port + 1 }],
	...more,
});

async function rig(limits = { rules: 100, receiversPerRule: 3, receivers: 100 }) {
	const clock = new ManualClock();
	const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
	const engine = new NodeEngine({ clock, version: "0.0.0", limits });
	const faults: string[] = [];
	const onFault = (name: string, text: string | undefined): void => void faults.push(`${name}: ${text ?? "works"}`);
	const sync = new RuleSync({ table, engine, clock, onFault });
	const events: unknown[] = [];
	const listener = {
		state: (state: { kind: string }) => (state.kind === "up" ? sync.engineUp() : sync.engineDown()),
		event: (event: unknown) => void events.push(event),
	};
	await engine.start(listener);
	onTestFinished(async () => {
		sync.close();
		await engine.stop();
		expect(clock.time.pending).toBe(0);
	});
	const names = (): readonly string[] => engine.list().map(({ name }) => name);
	/** Lets time pass in steps, each with what is done in it. */
	const pass = async (ms: number): Promise<void> => {
		for (let at = 0; at < ms; at += 500) {
			clock.advance(500);
			await sync.settled();
			await engine.apply([]);
		}
	};
	return { clock, table, engine, sync, faults, events, listener, names, pass };
}

test("rules live as long as somebody renews them, and five seconds more; permanent ones go on", async () => {
	const { table, sync, names, pass, events } = await rig();
	table.put(rule(5410));
	table.put(rule(5420, { permanent: true }));
	await sync.settled();
	await pass(60_000);
	expect(names()).toEqual(["cam-5410", "cam-5420"]);
	sync.close();
	await pass(4500);
	expect(names()).toEqual(["cam-5410", "cam-5420"]);
	await pass(1000);
	expect(names()).toEqual(["cam-5420"]);
	expect(events).toEqual([{ event: "lease.ended", rules: ["cam-5410"] }]);
});

test("an engine that comes up with other rules is brought to the table, and keeps what is right", async () => {
	const { table, engine, sync, names, listener } = await rig();
	table.put(rule(5410));
	table.put(rule(5420));
	await sync.settled();
	const before = engine.list(["cam-5410"])[0];
	sync.engineDown();
	table.delete("cam-5420");
	table.put(rule(5430));
	listener.state({ kind: "up" });
	await sync.settled();
	expect(names()).toEqual(["cam-5410", "cam-5430"]);
	expect(engine.list(["cam-5410"])[0]).toBe(before);
});

describe("what an engine refuses", () => {
	const three = [5511, 5512, 5513].map((port) => ({ address: "127.0.0.1", port }));

	test("is told once, and made good when the engine can", async () => {
		const { table, engine, sync, faults, pass } = await rig();
		table.put(rule(5410, { receivers: three }));
		await sync.settled();
		table.addReceivers("cam-5410", [{ address: "127.0.0.1", port: 5514 }]);
		await sync.settled();
		await pass(11_000);
		expect(faults).toEqual([expect.stringContaining("cam-5410: RECEIVERS_LIMIT")]);
		table.removeReceivers("cam-5410", [three[0]]);
		await sync.settled();
		await pass(11_000);
		expect(engine.list()[0]!.receivers.map(({ port }) => port)).toEqual([5512, 5513, 5514]);
		expect(engine.list()[0]!.generation).toBe(table.get("cam-5410")!.generation);
		expect(faults.at(-1)).toBe("cam-5410: works");
	});

	test("holds up no other rule", async () => {
		const { table, sync, names } = await rig();
		table.put(rule(5410, { receivers: [...three, { address: "127.0.0.1", port: 5514 }] }));
		table.put(rule(5420));
		await sync.settled();
		expect(names()).toEqual(["cam-5420"]);
	});
});

test("a thousand changes at once are a few batches, and the engine ends where the table does", async () => {
	const { table, engine, sync } = await rig({ rules: 100, receiversPerRule: 1000, receivers: 1000 });
	const batches: number[] = [];
	const apply = engine.apply.bind(engine);
	engine.apply = (changes) => {
		batches.push(changes.length);
		return apply(changes);
	};
	table.put(rule(5410));
	for (let port = 6000; port < 6500; port++) {
		table.addReceivers("cam-5410", [{ address: "127.0.0.1", port }]);
		table.removeReceivers("cam-5410", [{ address: "127.0.0.1", port }]);
	}
	await sync.settled();
	expect(batches.length).toBeLessThan(5);
	expect(engine.list()).toEqual(table.list());
});

test("who waits for a change waits for that one, and not for those that others make meanwhile", async () => {
	const { table, engine, sync } = await rig({ rules: 100, receiversPerRule: 1000, receivers: 1000 });
	let changes = 0;
	const apply = engine.apply.bind(engine);
	engine.apply = async (some) => {
		// Somebody else changes something with every batch.
		if (++changes < 50) table.put(rule(5420, { receivers: [{ address: "127.0.0.1", port: 6000 + changes }] }));
		return await apply(some);
	};
	table.put(rule(5410));
	await sync.settled();
	expect(engine.list(["cam-5410"])).toHaveLength(1);
	expect(changes).toBeLessThan(5);
	sync.engineDown();
	await sync.settled();
});
