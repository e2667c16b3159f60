/**
 * From the configured policy to one that decides: those that Penstock has, and one from a module of the operator's,
 * which is loaded at the start and held to its contract (`docs/policies.md`).
 */
import { stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { messageOf, PenstockError } from "../base/errors.ts";
import { adaptivePolicy } from "../switching/adaptive.ts";
import { fixedPolicy } from "../switching/fixed.ts";
import { guardedPolicy } from "../switching/guarded-policy.ts";
import type { CreatePolicy, Policy } from "../switching/state.ts";
import { thresholdPolicy } from "../switching/threshold.ts";
import { tourPolicy } from "../switching/tour.ts";
import type { PolicyConfig } from "./config.ts";

type ModuleConfig = Extract<PolicyConfig, { kind: "module" }>;

/**
 * @param onFault a policy from a module threw or answered nonsense: one clause whose subject is the policy
 * @throws PenstockError POLICY_MODULE
 */
export async function createPolicy(config: PolicyConfig, onFault: (text: string) => void): Promise<Policy> {
	switch (config.kind) {
		case "adaptive":
			return adaptivePolicy(config.settings);
		case "threshold":
			return thresholdPolicy(config.settings);
		case "fixed":
			return fixedPolicy(config.settings);
		case "tour":
			return tourPolicy(config.settings);
		case "module":
			return guardedPolicy(await loadPolicy(config), onFault);
	}
}

const LONGEST_NAME = 64;
const CONTRACT = "docs/policies.md has an example";

async function loadPolicy({ path, settings }: ModuleConfig): Promise<Policy> {
	const create = (await importModule(path))["createPolicy"];
	if (create === undefined) throw refusal(path, `does not export createPolicy; ${CONTRACT}`);
	if (typeof create !== "function") {
		throw refusal(path, `exports a createPolicy that is ${wordFor(create)} and no function; ${CONTRACT}`);
	}
	let made: unknown;
	try {
		made = await (create as CreatePolicy)(structuredClone(settings));
	} catch (thrown) {
		throw refusal(path, `createPolicy threw: ${clause(thrown)}; look at switching.module.settings`, thrown);
	}
	const fault = faultOf(made);
	if (fault !== undefined) throw refusal(path, `createPolicy returned ${fault}; ${CONTRACT}`);
	return made as Policy;
}

async function importModule(path: string): Promise<Record<string, unknown>> {
	const found = await stat(path).catch(() => undefined);
	if (found === undefined) throw refusal(path, "does not exist; the path is relative to the configuration's folder");
	if (!found.isFile()) throw refusal(path, "is no file; name the module itself");
	try {
		return (await import(pathToFileURL(path).href)) as Record<string, unknown>;
	} catch (thrown) {
		throw refusal(
			path,
			`cannot be loaded: ${clause(thrown)}; it must be an ES module (.mjs, or .js beside a package.json of type module)`,
			thrown,
		);
	}
}

/** What is wrong with a policy, as the object of "returned"; undefined: nothing that could be seen. */
function faultOf(made: unknown): string | undefined {
	if (typeof made !== "object" || made === null) return `${made === undefined ? "nothing" : wordFor(made)}, no policy`;
	const { name, watches, decide } = made as { name?: unknown; watches?: unknown; decide?: unknown };
	if (typeof name !== "string" || name === "" || name.length > LONGEST_NAME) {
		return `a policy whose name is ${wordFor(name)} and not text of 1 to ${LONGEST_NAME} characters`;
	}
	if (typeof decide !== "function") return `the policy "${name}" whose decide is ${wordFor(decide)} and no function`;
	if (watches !== undefined && typeof watches !== "boolean") {
		return `the policy "${name}" whose watches is ${wordFor(watches)} and neither true nor false`;
	}
	return undefined;
}

const refusal = (path: string, text: string, cause?: unknown): PenstockError =>
	new PenstockError("POLICY_MODULE", `switching.module.path ${path}: ${text}.`, { cause });

/** Of what somebody else threw: one line, no full stop. */
const clause = (thrown: unknown): string => messageOf(thrown).split("\n", 1)[0]!.replace(/\.$/, "");

const wordFor = (value: unknown): string => {
	if (value === undefined) return "missing";
	if (value === null) return "null";
	return typeof value === "string" ? JSON.stringify(value.slice(0, 80)) : `of type ${typeof value}`;
};
