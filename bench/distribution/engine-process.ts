/**
 * One of our engines, as a server has it: rule table, synchronization, supervision. Run by `fork` in the server's network
 * namespace as `engine-process.ts SETTINGS` (engine-order.ts); every order is answered with the engine's figures, and the
 * first answer comes when the engine is up. Where anything fails it says what, and ends.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DistributionEngine, EngineListener } from "../../dist/distribution/engine.js";
import { NativeEngine } from "../../dist/distribution/native-engine.js";
import { NodeEngine } from "../../dist/distribution/node-engine.js";
import { DEFAULT_LIMITS } from "../../dist/distribution/rule-limits.js";
import { RuleSync } from "../../dist/distribution/rule-sync.js";
import { RuleTable } from "../../dist/distribution/rule-table.js";
import { Backoff } from "../../dist/ladder/backoff.js";
import { endWithProcess } from "../../dist/ladder/end-with-process.js";
import { nodeClock } from "../../dist/server/node-time.js";
import type { EngineFigures, EngineOrder, EngineSettings } from "./engine-order.ts";

const RULE = "bench";

const settings = JSON.parse(process.argv[2] ?? "") as EngineSettings;
const clock = nodeClock();
const directory = mkdtempSync(join(tmpdir(), "penstock-bench-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

const engine = makeEngine();
const table = new RuleTable({ clock, limits: DEFAULT_LIMITS });
const sync = new RuleSync({ table, engine, clock, onFault: (_, text) => text !== undefined && fail(text) });
const listener: EngineListener = {
	state: (state) => {
		if (state.kind === "up") sync.engineUp();
		else sync.engineDown();
		if (state.kind === "down") fail(state.error.message);
	},
	event: (event) => event.event === "fault" && fail(event.text),
};

function makeEngine(): DistributionEngine {
	const { engine: kind, distributor: command, arguments: more } = settings;
	if (kind === "node") return new NodeEngine({ clock, version: "0.0.0" });
	const child = { command, arguments: more, reap: endWithProcess, log: complain, restarts: new Backoff(Math.random) };
	return new NativeEngine({ kind, socketPath: join(directory, "control.sock"), clock, child });
}

function complain(line: string): void {
	if (/"level":"error"/.test(line)) process.stderr.write(`${line}\n`);
}

/** What is left of a benchmark when its engine fails in between is none. */
function fail(text: string): void {
	process.stderr.write(`engine ${settings.engine}: ${text}\n`);
	process.exit(1);
}

async function answer(): Promise<void> {
	const { sent } = await engine.stats({});
	const figures: EngineFigures = {
		pid: engine instanceof NativeEngine ? engine.pid! : process.pid,
		sentPackets: sent.packets,
	};
	process.send?.(figures);
}

async function carryOut(order: EngineOrder): Promise<void> {
	if (order.do === "stop") {
		await engine.stop();
		process.exit(0);
	}
	if (order.do === "receivers") {
		table.put({ name: RULE, match: settings.match, media: "rtp", receivers: order.receivers });
		await sync.settled();
		await allReady();
	}
	await answer();
}

/** Until the engine knows the way to every receiver. */
async function allReady(): Promise<void> {
	for (let tries = 0; tries < 100; tries++) {
		const [rule] = (await engine.stats({ receivers: true })).rules;
		if (rule?.receivers?.every(({ state }) => state === "ready")) return;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
	throw new Error("the engine finds no way to the receivers");
}

process.on("message", (order) => {
	carryOut(order as EngineOrder).catch((error: unknown) => fail(String(error)));
});
process.on("disconnect", () => process.exit(1));
try {
	await engine.start(listener);
	await answer();
} catch (error) {
	fail(String(error));
}
