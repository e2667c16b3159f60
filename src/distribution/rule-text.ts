/** Rules as people write them: an endpoint may be `10.78.0.2:6000` or `[fd00::2]:6000` instead of an object. */
import { type Path, Refusal } from "../wire/distributor-refusal.ts";

/**
 * A rule with its endpoints as objects; whatever else is wrong with it is for its reader to say.
 * @throws Refusal for a text that is no endpoint
 */
export function spelledOutRule(rule: unknown, path: Path): unknown {
	if (typeof rule !== "object" || rule === null || Array.isArray(rule)) return rule;
	const fields: Record<string, unknown> = { ...rule };
	const { match, receivers } = fields;
	if (typeof match === "string") fields["match"] = endpointOf(match, [...path, "match"]);
	if (receivers !== undefined) fields["receivers"] = spelledOutReceivers(receivers, [...path, "receivers"]);
	return fields;
}

/** The same of a list of receivers. @throws Refusal */
export function spelledOutReceivers(receivers: unknown, path: Path): unknown {
	if (!Array.isArray(receivers)) return receivers;
	return receivers.map((receiver: unknown, index) =>
		typeof receiver === "string" ? endpointOf(receiver, [...path, index]) : receiver,
	);
}

function endpointOf(text: string, path: Path): object {
	const [, six, four, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
	const address = six ?? four;
	if (address !== undefined) return { address, port: Number(port) };
	throw new Refusal(
		"VALUE_INVALID",
		path,
		`is ${JSON.stringify(text.slice(0, 100))} but must be like 10.0.0.2:6000 or [fd00::2]:6000`,
	);
}
