import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { switchingState } from "../../test/kit/switching-state.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import type { Policy } from "../switching/state.ts";
import { createPolicy } from "./policies.ts";

const folder = makeTempDir("policies");

function moduleOf(name: string, text: string): string {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
}

const load = (path: string, settings = {}, onFault: (text: string) => void = () => {}): Promise<Policy> =>
	createPolicy({ kind: "module", path, settings }, onFault);

describe("the policy module of docs/policies.md", () => {
	const page = readFileSync(new URL("../../docs/policies.md", import.meta.url), "utf8");
	const [, text] = /```js\n(.*?)```/s.exec(page)!;
	const path = moduleOf("half.mjs", text!);
	const bandwidth = (mbps: number) => ({
		bandwidth: { value: bitsPerSecond(mbps * 1e6), at: milliseconds(0), source: "reported" as const },
	});

	it("decides as the page says", async () => {
		const faults: string[] = [];
		const policy = await load(path, { share: 0.5 }, (fault) => faults.push(fault));
		const ask = (overrides: Parameters<typeof switchingState>[0]) => policy.decide(switchingState(overrides));
		expect(policy.name).toBe("half");
		expect(ask({})).toMatchObject({ kind: "hold", because: { cause: "unknown" } });
		expect(ask({ viewer: bandwidth(20) })).toEqual({
			kind: "switch",
			to: "high",
			because: { cause: "network", text: "20000 kbit/s, from reported" },
		});
		expect(ask({ viewer: bandwidth(10) })).toMatchObject({ kind: "switch", to: "mid" });
		expect(ask({ viewer: bandwidth(1) })).toMatchObject({ kind: "hold", because: { cause: "network" } });
		expect(ask({ viewer: bandwidth(20), now: milliseconds(10_001) })).toMatchObject({ kind: "hold" });
		expect(faults).toEqual([]);
	});

	it("judges its settings", async () => {
		await expect(load(path, { share: 2 })).rejects.toThrow(
			`POLICY_MODULE: switching.module.path ${path}: createPolicy threw: share is 2 but must be from 0 to 1; look at`,
		);
	});

	it("names every key of the state", () => {
		const known = [
			...Object.keys({ ...switchingState(), network: 0, planned: 0 }).filter((key) => key !== "now"),
			...["bandwidth", "buffer", "droppedShare", "smoothUpTo", "hidden", "maxBitrate", "duress", "encoderSpeed"],
		];
		for (const key of known) expect(page).toMatch(new RegExp(`\`${key}(\\[\\])?\``));
	});
});

describe("a module that is no policy is refused at the start:", () => {
	const good = 'name: "own", decide() {}';
	test.each<[string, string | undefined, string]>([
		["it does not exist", undefined, "does not exist; the path is relative to the configuration's folder."],
		["it is broken", "export function (", "cannot be loaded: "],
		["it throws", 'throw new Error("no table\\nat all");', "cannot be loaded: no table; it must be an ES module"],
		["it exports something else", "export const policy = {};", "does not export createPolicy; docs/policies.md has"],
		[
			"its createPolicy is no function",
			"export const createPolicy = 7;",
			"exports a createPolicy that is of type number",
		],
		["it makes nothing", "export const createPolicy = () => {};", "createPolicy returned nothing, no policy"],
		["it makes text", 'export const createPolicy = () => "own";', 'createPolicy returned "own", no policy'],
		[
			"its policy has no name",
			"export const createPolicy = () => ({ decide() {} });",
			"createPolicy returned a policy whose name is missing and not text of 1 to 64 characters",
		],
		[
			"its policy does not decide",
			'export const createPolicy = () => ({ name: "own", decide: "high" });',
			'createPolicy returned the policy "own" whose decide is "high" and no function',
		],
		[
			"it watches perhaps",
			`export const createPolicy = () => ({ ${good}, watches: "no" });`,
			'createPolicy returned the policy "own" whose watches is "no" and neither true nor false',
		],
		[
			"its promise is refused",
			'export const createPolicy = async () => { throw "late"; };',
			"createPolicy threw: late;",
		],
	])("%s", async (what, text, part) => {
		const name = `${what.replaceAll(/[^a-z]+/gi, "-")}.mjs`;
		const path = text === undefined ? join(folder, name) : moduleOf(name, text);
		const refused = expect(load(path)).rejects;
		await refused.toMatchObject({ code: "POLICY_MODULE" });
		await refused.toThrow(part);
		await refused.toThrow(path);
	});

	test("it is a folder", async () => {
		await expect(load(folder)).rejects.toThrow(`switching.module.path ${folder}: is no file; name the module itself.`);
	});
});

test("a policy from a module may be made of a promise, gets its settings, and is held to its contract", async () => {
	const text = `export const createPolicy = async (settings) => ({
		name: "own", watches: true, settings,
		decide() { return this.settings.answer; },
	});`;
	const faults: string[] = [];
	const because = { cause: "policy", text: "as set" };
	const policy = await load(moduleOf("own.mjs", text), { answer: { kind: "switch", to: "mid", because } });
	expect(policy.watches).toBe(true);
	expect(policy.decide(switchingState())).toEqual({ kind: "switch", to: "mid", because });
	const poor = await load(moduleOf("poor.mjs", text), { answer: "mid" }, (fault) => faults.push(fault));
	expect(poor.decide(switchingState())).toMatchObject({ kind: "hold", because: { cause: "policy" } });
	expect(faults).toEqual(['answered "mid", no decision']);
});
