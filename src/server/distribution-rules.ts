/** The rules that the configuration has: its own, and those of the file that it names. */
import type { Clock } from "../base/clock.ts";
import { clauseOf, PenstockError } from "../base/errors.ts";
import { loadRules } from "../distribution/rule-file.ts";
import { RuleTable } from "../distribution/rule-table.ts";
import type { RuleDraft } from "../wire/distributor-rule.ts";
import type { DistributionConfig } from "./config-distribution.ts";

/** @throws PenstockError RULES_FILE where the file is wrong, or does not go with the configuration's own rules */
export async function configuredRules(config: DistributionConfig, clock: Clock): Promise<readonly RuleDraft[]> {
	const { rules, rulesFile, limits } = config;
	if (rulesFile === undefined) return rules;
	const all = [...rules, ...(await loadRules(rulesFile))];
	try {
		new RuleTable({ clock, limits }).configure(all);
	} catch (thrown) {
		if (!(thrown instanceof PenstockError)) throw thrown;
		throw new PenstockError("RULES_FILE", `${rulesFile}: ${clauseOf(thrown)}.`, { cause: thrown });
	}
	return all;
}
