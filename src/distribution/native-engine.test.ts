/** Supervision, on a real process that speaks the protocol (test/kit/node-distributor.ts). */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { Backoff } from "../ladder/backoff.ts";
import { endWithProcess } from "../ladder/end-with-process.ts";
import { nodeClock } from "../server/node-time.ts";
import type { EngineState } from "./engine.ts";
import { chooseEngine } from "./engine-choice.ts";
import { NativeEngine } from "./native-engine.ts";
import { NodeEngine } from "./node-engine.ts";
import { DEFAULT_LIMITS } from "./rule-limits.ts";
import { RuleSync } from "./rule-sync.ts";
import { RuleTable } from "./rule-table.ts";
import { StandbyEngine } from "./standby-engine.ts";

const PROCESS = fileURLToPath(new URL("../../test/kit/node-distributor.ts", import.meta.url));
const clock = nodeClock();

const rule = (port: number) => ({
	name: `cam-${port}`,
	match: { address: "127.0.0.1", port },
	media: "rtp",
	receivers: [{ address: "127.0.0.1", port: port + 1 }],
});

function directory(): string {
	const path = mkdtempSync(join(tmpdir(), "penstock-native-"));
	onTestFinished(() => rmSync(path, { recursive: true, force: true }));
	return path;
}

function nativeEngine(more: readonly string[] = [], command?: string): { engine: NativeEngine; path: string } {
	const where = directory();
	const program = join(where, "distributor");
	writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${PROCESS}" "$@"\n`);
	chmodSync(program, 0o755);
	const engine = new NativeEngine({
		kind: "sockets",
		socketPath: join(where, "control.sock"),
		clock,
		child: {
			restarts: new Backoff(() => 0.5),
			command: command ?? program,
			arguments: more,
			reap: endWithProcess,
			log: () => undefined,
		},
	});
	onTestFinished(() => engine.stop());
	return { engine, path: join(where, "control.sock") };
}

const until = (condition: () => unknown): Promise<void> =>
	expect.poll(condition, { timeout: 15_000, interval: 20 }).toBeTruthy();

const listening = (states: EngineState[]) => ({
	state: (state: EngineState) => void states.push(state),
	event: () => undefined,
});

describe("a process that is killed", () => {
	test("comes back with the whole table, and its rules end with it meanwhile", async () => {
		const { engine } = nativeEngine();
		const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
		const sync = new RuleSync({ table, engine, clock, onFault: () => undefined });
		onTestFinished(() => sync.close());
		const states: string[] = [];
		table.put(rule(5310));
		await engine.start({
			state: (state) => {
				states.push(state.kind);
				if (state.kind === "up") sync.engineUp();
				else sync.engineDown();
			},
			event: () => undefined,
		});
		table.put(rule(5320));
		await sync.settled();
		expect([...(await engine.generations()).keys()]).toEqual(["cam-5310", "cam-5320"]);
		const { pid } = engine;
		process.kill(pid!, "SIGKILL");
		await until(() => states.length === 4);
		table.delete("cam-5310");
		await until(() => states.length === 5);
		await sync.settled();
		expect(states).toEqual(["starting", "up", "ending", "down", "up"]);
		expect(engine.pid).not.toBe(pid);
		expect(await engine.generations()).toEqual(new Map(table.list().map(({ name, generation }) => [name, generation])));
	});

	test("is replaced by the stand-by until it is back, and never are both at work", async () => {
		const first = nativeEngine().engine;
		const second = new NodeEngine({ clock, version: "0.0.0" });
		const engine = new StandbyEngine(first, second);
		onTestFinished(() => engine.stop());
		const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
		const sync = new RuleSync({ table, engine, clock, onFault: () => undefined });
		onTestFinished(() => sync.close());
		const both: boolean[] = [];
		let standIns = 0;
		table.put(rule(5330));
		await engine.start({
			state: (state) => {
				both.push(first.state.kind === "up" && second.state.kind === "up");
				if (state.kind !== "up") sync.engineDown();
				else {
					if (second.state.kind === "up") standIns++;
					sync.engineUp();
				}
			},
			event: () => undefined,
		});
		await sync.settled();
		expect(second.list()).toEqual([]);
		process.kill(first.pid!, "SIGKILL");
		await until(() => second.list().length === 1);
		await until(() => first.state.kind === "up" && second.list().length === 0);
		await sync.settled();
		await until(async () => (await first.generations()).size === 1);
		expect(standIns).toBe(1);
		expect(both).not.toContain(true);
	});
});

test("a process that stops answering is killed and started again", async () => {
	const { engine } = nativeEngine();
	const states: EngineState[] = [];
	await engine.start(listening(states));
	const { pid } = engine;
	process.kill(pid!, "SIGSTOP");
	await until(() => states.at(-1)?.kind === "up" && engine.pid !== pid);
	expect(states.map(({ kind }) => kind)).toEqual(["starting", "up", "ending", "down", "up"]);
	expect(states[3]).toMatchObject({ error: { code: "DISTRIBUTOR_UNREACHABLE" } });
});

test("a distributor of somebody else's is spoken to, sought again when it goes, and not ended", async () => {
	const { engine: owner, path } = nativeEngine();
	await owner.start(listening([]));
	const engine = new NativeEngine({ kind: "dpdk", socketPath: path, clock });
	onTestFinished(() => engine.stop());
	const states: EngineState[] = [];
	await engine.start(listening(states));
	expect(engine.kind).toBe("node");
	process.kill(owner.pid!, "SIGKILL");
	await until(() => states.length > 3 && states.at(-1)?.kind === "up");
	expect(new Set(states.slice(3, -1).map(({ kind }) => kind))).toEqual(new Set(["down"]));
	await engine.stop();
	expect(await owner.generations()).toEqual(new Map());
	await owner.stop();
	await expect(engine.start(listening([]))).rejects.toThrow(/DISTRIBUTOR_UNREACHABLE: the control socket/);
});

test("a process that was stopped is gone, and may be started again", async () => {
	const { engine } = nativeEngine();
	const states: EngineState[] = [];
	await engine.start(listening(states));
	const { pid } = engine;
	await engine.stop();
	expect(() => process.kill(pid!, 0)).toThrow(/ESRCH/);
	await engine.start(listening(states));
	expect(states.map(({ kind }) => kind)).toEqual(["starting", "up", "stopped", "starting", "up"]);
});

describe("the choice", () => {
	test("goes on to the next engine where one cannot work, and says why, in the process's own words", async () => {
		const native = nativeEngine(["--fail", "interface eth9 is not there; name one that is."]).engine;
		const missing = nativeEngine([], "/nowhere/penstock-distributor").engine;
		const node = new NodeEngine({ clock, version: "0.0.0" });
		onTestFinished(() => node.stop());
		const candidates = [
			{ kind: "dpdk", engine: native },
			{ kind: "sockets", engine: missing },
			{ kind: "node", engine: node },
		] as const;
		const choice = await chooseEngine("auto", candidates, listening([]));
		expect(choice.kind).toBe("node");
		expect(choice.because).toContain("interface eth9 is not there; name one that is");
		expect(choice.because).toContain("/nowhere/penstock-distributor cannot be run (ENOENT)");
		await expect(chooseEngine("sockets", candidates, listening([]))).rejects.toThrow(
			/ENGINE_UNAVAILABLE: no engine works here: sockets: .*ENOENT/,
		);
	});

	test("takes the one that was asked for, though a better one would work", async () => {
		const node = new NodeEngine({ clock, version: "0.0.0" });
		onTestFinished(() => node.stop());
		const choice = await chooseEngine("node", [{ kind: "node", engine: node }], listening([]));
		expect(choice).toMatchObject({ kind: "node", because: "engine node, as configured", refused: [] });
	});
});
