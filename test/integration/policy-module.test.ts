/** A switching policy from a module of the operator's, end to end: loaded by path, decides, and fails without harm. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decisionList } from "../../src/server/api-model.ts";
import { eventually } from "../kit/eventually.ts";
import { type Penstock, startCli, startPenstock, writeConfig } from "../kit/penstock.ts";
import { record } from "../kit/recording.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { TINY_CHANNEL, TINY_SIZES } from "../kit/tiny-ladder.ts";

/** Sends each viewer where its figures say, and does with its memory figure what no policy should. */
const MODULE = `export async function createPolicy({ best }) {
	return {
		name: "own",
		decide(state) {
			const { memoryUsed } = state.viewer;
			if (memoryUsed?.source === "api" && memoryUsed.value > 0.9) throw new Error("out of mind");
			if (memoryUsed?.source === "api" && memoryUsed.value > 0.8) return { kind: "switch", to: "ultra", because: {} };
			if (state.current === best) return { kind: "hold", because: { cause: "policy", text: "there" } };
			return { kind: "switch", to: best, because: { cause: "policy", text: "as set: " + best } };
		},
	};
}
`;

const folder = makeTempDir("policy-module");
const path = join(folder, "own.mjs");
writeFileSync(path, MODULE);

const config = (best: string, module = path) => ({
	server: { underDuress: "ignore" },
	switching: { policy: "module", module: { path: module, settings: { best } } },
	channels: { signal: TINY_CHANNEL },
});

describe("a server with a policy from a module", () => {
	let penstock: Penstock;
	beforeAll(async () => {
		penstock = await startPenstock(config("mid"));
	});
	afterAll(() => penstock.stop());

	test("leads its viewers as the module says, and one whose policy fails stays where it is", async () => {
		const [good, poor] = [
			await record(`${penstock.http}/live/signal.ts`),
			await record(`${penstock.http}/live/signal.ts`),
		];
		for (const one of [good, poor]) {
			await one.until(({ units }) => units.at(-1)?.size === TINY_SIZES.mid);
			expect((await penstock.viewer(one.id)).lastSwitches).toMatchObject([
				{ from: "low", to: "mid", because: { cause: "policy", text: "as set: mid" } },
			]);
		}
		expect(await penstock.metric("penstock_policy_errors_total")).toBe(0);

		for (const [memoryUsed, text] of [
			[0.95, "policy own threw out of mind"],
			[0.85, "policy own gives the cause nothing; there is wish, "],
		] as const) {
			const before = await penstock.metric("penstock_policy_errors_total");
			await penstock.call("PUT", `/api/v1/viewers/${poor.id}/figures`, { memoryUsed });
			await eventually(async () => {
				expect(await penstock.metric("penstock_policy_errors_total")).toBeGreaterThan(before + 2);
			}, 60_000);
			expect((await penstock.viewer(poor.id)).decision).toMatchObject({
				...{ kind: "hold", cause: "policy" },
				text: expect.stringContaining(text),
			});
		}
		const { body } = await penstock.call("GET", `/api/v1/viewers/${good.id}/decisions`);
		expect(decisionList.parse(body).decisions[0]).toMatchObject({ kind: "switch", current: "low", to: "mid" });

		// Both go on, and what is told of the faults is one line a second.
		for (const one of [good, poor]) {
			const from = one.units.length;
			await one.until(({ units }) => units.length > from + 4);
			expect(one.units.at(-1)!.size).toBe(TINY_SIZES.mid);
			one.viewer.close();
		}
		const errors = await penstock.metric("penstock_policy_errors_total");
		const told = penstock.log.filter(({ msg }) => String(msg).startsWith("a viewer is left as it is: "));
		expect(told[0]).toMatchObject({ level: "warn", policy: "own" });
		const times = told.reduce((sum, line) => sum + Number(line["times"]), 0);
		expect(times).toBeLessThanOrEqual(errors);
		expect(told.length).toBeLessThan(errors);
	});
});

describe("a module that is no policy", () => {
	test.each(["serve", "check"])("ends penstock %s with its reason", async (command) => {
		const file = writeConfig(config("mid", join(folder, "none.mjs")));
		const running = startCli([command, "-c", file]);
		expect((await running.exited).code).toBe(2);
		expect(running.stderr).toBe(
			`penstock: POLICY_MODULE: switching.module.path ${join(folder, "none.mjs")}: does not exist; the path is relative to the configuration's folder.\n`,
		);
	});

	test("one that is good is told of by penstock check", async () => {
		const running = startCli(["check", "-c", writeConfig(config("mid"))]);
		expect((await running.exited).code).toBe(0);
		expect(running.stdout).toContain("policy    module\n");
		expect(running.stdout).toContain('policy    "own" can be loaded\n');
	});
});
