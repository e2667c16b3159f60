/**
 * One CMCD event as text (CTA-5004-B, version 2): a structured-field dictionary (RFC 8941, clause 3.2). Only what the
 * keys of our reports need, for the library that knows all of them would be a fifth of the player.
 */

export type CmcdLineValue = string | number | boolean | readonly number[];

/** What the standard rounds to, in the key's own unit. */
const GRAINS: Readonly<Record<string, number>> = { bl: 100, br: 1, mtp: 100, rtp: 100 };
/** Keys whose text is a token, the event and the player's state; that of all others is a string. */
const TOKENS: readonly string[] = ["e", "sta"];
/** RFC 8941 has decimals with three digits behind the point. */
const THOUSAND = 1000;

export function cmcdLine(values: Readonly<Record<string, CmcdLineValue>>): string {
	const keys = Object.keys(values).sort();
	return keys.map((key) => (values[key] === true ? key : `${key}=${text(key, values[key]!)}`)).join(",");
}

function text(key: string, value: CmcdLineValue): string {
	if (typeof value === "object") return `(${value.map((one) => text(key, one)).join(" ")})`;
	if (typeof value === "number") return String(rounded(value, GRAINS[key]));
	if (typeof value === "boolean") return "?0";
	return TOKENS.includes(key) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function rounded(value: number, grain: number | undefined): number {
	if (grain !== undefined) return Math.round(value / grain) * grain;
	return Number.isInteger(value) ? value : Math.round(value * THOUSAND) / THOUSAND;
}
