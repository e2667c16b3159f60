/** A rule as the table keeps it: its receivers by what tells them apart, and what they come to. */
import type { Name } from "../base/name.ts";
import { endpointText, type FlowMatch, type Receiver, type Rule, type RuleDraft } from "../wire/distributor-rule.ts";
import { type Load, loadOf, NO_LOAD, plus } from "./rule-limits.ts";

/** `config` rules change with the configuration alone, `session` rules with the RTSP session that has made them. */
export type RuleOrigin = "config" | "run-time" | "session";

export interface Entry {
	readonly name: Name;
	readonly origin: RuleOrigin;
	readonly match: FlowMatch;
	readonly media: Rule["media"];
	readonly permanent: boolean;
	/** By `destinationKey`. */
	readonly receivers: Map<string, Receiver>;
	generation: number;
	load: Load;
}

export const draftOf = ({ name, match, media, permanent, receivers }: Entry): RuleDraft => ({
	...{ name, match, media, permanent },
	receivers: [...receivers.values()],
});

export const ruleOf = (entry: Entry): Rule => ({ ...draftOf(entry), generation: entry.generation });

export const sumOf = (receivers: readonly Receiver[]): Load => receivers.map(loadOf).reduce(plus, NO_LOAD);

/** For messages. */
export const flowText = (match: FlowMatch): string =>
	`${endpointText(match)}${match.vlan === undefined ? "" : ` in VLAN ${match.vlan}`}`;
