/**
 * The section `distribution`: from single values to what the distribution plane is told, with all that takes several to
 * judge.
 */
import { resolve } from "node:path";
import { clauseOf, PenstockError } from "../base/errors.ts";
import type { WantedEngine } from "../distribution/engine-choice.ts";
import { DEFAULT_LIMITS, type RuleLimits } from "../distribution/rule-limits.ts";
import { RuleTable } from "../distribution/rule-table.ts";
import { spelledOutRule } from "../distribution/rule-text.ts";
import { Refusal } from "../wire/distributor-refusal.ts";
import { type RuleDraft, readRuleDraft } from "../wire/distributor-rule.ts";
import type { ChannelConfig } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import type { ConfigShape } from "./config-schema.ts";
import { nodeClock } from "./node-time.ts";
import type { Path } from "./problem.ts";

/** The native distributor as a child of this process. */
export interface DistributorConfig {
	/** Undefined: the one that was built. */
	readonly path: string | undefined;
	readonly arguments: readonly string[];
	/** Undefined: without a port of its own there is no engine dpdk. */
	readonly device: string | undefined;
	/** Undefined: the distributor's own choice. */
	readonly backend: string | undefined;
}

export interface DistributionConfig {
	readonly engine: WantedEngine;
	/** A child, or the socket of somebody else's. */
	readonly distributor: DistributorConfig | { readonly socket: string };
	readonly rules: readonly RuleDraft[];
	readonly rulesFile: string | undefined;
	readonly stateFile: string | undefined;
	readonly limits: RuleLimits;
}

const SECTION: Path = ["distribution"];
/** They need no network device. */
const BACKENDS_WITHOUT_DEVICE: readonly string[] = ["memif", "pcap", "ring", "null", "pci"];

/** @param folder of the configuration file; relative paths start there */
export function buildDistribution(
	{ distribution: shape }: ConfigShape,
	folder: string,
	findings: Findings,
): DistributionConfig | undefined {
	if (shape === undefined) return undefined;
	const { engine, device, backend, socket, rulesFile, stateFile, limits } = shape;
	refuseKeysBesideSocket(shape, findings);
	const needsDevice = backend === undefined || !BACKENDS_WITHOUT_DEVICE.includes(backend);
	if (engine === "dpdk" && socket === undefined && needsDevice && device === undefined) {
		findings.wrong([...SECTION, "device"], undefined, "the name of the network device that DPDK is to have");
	}
	const built: DistributionConfig = {
		engine,
		distributor:
			socket === undefined
				? { path: pathOf(shape.path, folder), arguments: shape.arguments, device, backend }
				: { socket: resolve(folder, socket) },
		rules: shape.rules.flatMap((rule, index) => readRule(rule, [...SECTION, "rules", index], findings)),
		rulesFile: rulesFile && resolve(folder, rulesFile),
		stateFile: stateFile && resolve(folder, stateFile),
		limits: {
			...definedOf(limits),
			allowedNetworks: limits.allowedNetworks ?? DEFAULT_LIMITS.allowedNetworks,
		},
	};
	refuseRulesTogether(built, findings);
	return built;
}

/** A channel's packets come from a rule that somebody must distribute. */
export function refuseRulesWithoutDistribution(
	channels: readonly ChannelConfig[],
	distribution: DistributionConfig | undefined,
	findings: Findings,
): void {
	if (distribution !== undefined) return;
	for (const { stream, ladder } of channels) {
		if (ladder.source.kind !== "rule") continue;
		const path = ["channels", stream, "source"];
		findings.value(path, 'takes a rule\'s packets, but nobody distributes any; add the section "distribution"');
	}
}

type Shape = NonNullable<ConfigShape["distribution"]>;

function refuseKeysBesideSocket(shape: Shape, findings: Findings): void {
	if (shape.socket === undefined) return;
	const given = (["path", "device", "backend"] as const).filter((key) => shape[key] !== undefined);
	for (const key of [...given, ...(shape.arguments.length > 0 ? (["arguments"] as const) : [])]) {
		const why = "a distributor that is only spoken to has its own";
		findings.key([...SECTION, key], `distribution.${key} does not go with distribution.socket: ${why}`);
	}
}

/** A name without a slash is looked for on PATH. */
const pathOf = (path: string | undefined, folder: string): string | undefined =>
	path?.includes("/") === true ? resolve(folder, path) : path;

function readRule(rule: unknown, path: Path, findings: Findings): readonly RuleDraft[] {
	try {
		return [readRuleDraft(spelledOutRule(rule, path), path)];
	} catch (thrown) {
		if (!(thrown instanceof Refusal)) throw thrown;
		const isKey = thrown.code === "KEY_UNKNOWN";
		findings.problems.push({
			code: isKey ? "CONFIG_KEY" : "CONFIG_VALUE",
			path: thrown.path,
			at: isKey ? "key" : "value",
			text: thrown.message,
		});
		return [];
	}
}

/** Conflicts, loops, limits: whatever the table would refuse at the start. */
function refuseRulesTogether({ rules, limits }: DistributionConfig, findings: Findings): void {
	try {
		new RuleTable({ clock: nodeClock(), limits }).configure(rules);
	} catch (thrown) {
		if (!(thrown instanceof PenstockError)) throw thrown;
		const path = [...SECTION, "rules"];
		findings.problems.push({ code: "CONFIG_VALUE", path, at: "key", text: `distribution.rules: ${clauseOf(thrown)}` });
	}
}

/** Without the keys that are there and undefined. */
function definedOf(limits: Shape["limits"]): Omit<RuleLimits, "allowedNetworks"> {
	const { rules, receiversPerRule, receivers } = limits;
	const { receiverPacketsPerSecond, receiverBitsPerSecond, packetsPerSecond, bitsPerSecond } = limits;
	return {
		...{ rules, receiversPerRule, receivers },
		...(receiverPacketsPerSecond !== undefined && { receiverPacketsPerSecond }),
		...(receiverBitsPerSecond !== undefined && { receiverBitsPerSecond }),
		...(packetsPerSecond !== undefined && { packetsPerSecond }),
		...(bitsPerSecond !== undefined && { bitsPerSecond }),
	};
}
