/** Rules as text for a terminal. */
import type { ReceiverSnapshot, RuleDetail, RuleSummary } from "../server/api-distribution-model.ts";
import { endpointText } from "../server/distribution-terms.ts";

type Cells = readonly string[];

const KINDS: Readonly<Record<RuleDetail["origin"], string>> = {
	config: "from the configuration",
	"run-time": "made at run time",
	session: "of an RTSP session",
};

/** Columns as wide as their widest cell; the first left, those of numbers right. */
export function columns(rows: readonly Cells[], numbersFrom: number): string {
	const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
	return rows
		.map((row) =>
			row
				.map((cell, column) => (column < numbersFrom ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
				.join("  ")
				.trimEnd(),
		)
		.join("\n");
}

export const rulesTable = (rules: readonly RuleSummary[]): string =>
	[
		columns(
			[
				["rule", "takes", "media", "receivers", "packets in", "packets out", "dropped"],
				...rules.map((rule) => [
					...[rule.name, matchText(rule), rule.media, String(rule.receivers)],
					...[String(rule.received.packets), String(rule.sent.packets), String(sumOf(rule.drops))],
				]),
			],
			3,
		),
		...rules.flatMap((rule) => faultLines(rule)),
	].join("\n");

export function ruleLines(rule: RuleDetail): string {
	const { name, generation, origin, media, permanent, received, sent } = rule;
	const kind = KINDS[origin];
	return [
		`${name}: ${media} to ${matchText(rule)}, ${kind}${permanent ? ", permanent" : ""}, generation ${generation}`,
		`received ${received.packets} packets, sent ${sent.packets}${dropText(rule.drops)}`,
		...faultLines(rule),
		...(rule.receivers.length === 0
			? ["no receivers"]
			: [
					columns(
						[
							["receiver", "state", "settings", "packets", "bytes", "dropped"],
							...rule.receivers.map((receiver) => [
								...[endpointText(receiver), receiver.state, settingsText(receiver)],
								...[String(receiver.packets), String(receiver.bytes), String(sumOf(receiver.drops))],
							]),
						],
						3,
					),
				]),
	].join("\n");
}

export const faultLines = ({ name, fault }: Pick<RuleSummary, "name" | "fault">): readonly string[] =>
	fault === undefined ? [] : [`${name} is not carried out: ${fault}`];

export const matchText = ({ match }: Pick<RuleSummary, "match">): string => {
	const { source, vlan } = match;
	const from =
		source === undefined
			? ""
			: ` from ${source.port === undefined ? source.address : endpointText({ ...source, port: source.port })}`;
	return `${endpointText(match)}${vlan === undefined ? "" : ` vlan ${vlan}`}${from}`;
};

export const sumOf = (drops: RuleSummary["drops"]): number =>
	Object.values(drops).reduce((sum, count) => sum + count, 0);

function dropText(drops: RuleSummary["drops"]): string {
	const each = Object.entries(drops).map(([reason, count]) => `${count} ${reason}`);
	return each.length === 0 ? "" : `, dropped ${each.join(", ")}`;
}

function settingsText({
	ttl,
	dscp,
	vlan,
	sourcePort,
	maxPacketsPerSecond,
	maxBitsPerSecond,
	owner,
}: ReceiverSnapshot): string {
	return [
		...(owner === undefined ? [] : [owner]),
		...(ttl === 64 ? [] : [`ttl ${ttl}`]),
		...(dscp === 0 ? [] : [`dscp ${dscp}`]),
		...(vlan === undefined ? [] : [`vlan ${vlan}`]),
		...(sourcePort === undefined ? [] : [`from port ${sourcePort}`]),
		...(maxPacketsPerSecond === undefined ? [] : [`at most ${maxPacketsPerSecond} packets/s`]),
		...(maxBitsPerSecond === undefined ? [] : [`at most ${maxBitsPerSecond} bit/s`]),
	].join(", ");
}
