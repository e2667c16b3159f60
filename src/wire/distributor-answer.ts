/**
 * What a distributor says: answers and events, as a controller reads them (docs/wire/distributor.md). Unknown keys are
 * passed over. A distributor is another process, perhaps another program: what it says is judged before it is used.
 */

import { isId } from "./distributor.ts";
import { DROP_REASONS, type DropCounts, type DropReason } from "./distributor-drops.ts";
import type { ReceiverKey } from "./distributor-rule.ts";

export type EngineKind = "dpdk" | "sockets" | "node";
export const ENGINE_KINDS: readonly EngineKind[] = ["dpdk", "sockets", "node"];

/** What an engine may be asked for. */
export interface Capabilities {
	readonly ipv4: boolean;
	readonly ipv6: boolean;
	readonly vlan: boolean;
	readonly dscp: boolean;
	readonly ttl: boolean;
	readonly multicast: boolean;
	readonly sourcePort: boolean;
	readonly capture: boolean;
}

export interface EngineLimits {
	readonly rules: number;
	readonly receiversPerRule: number;
	readonly receivers: number;
}

/** What `hello` tells. */
export interface EngineDescription {
	readonly engine: EngineKind;
	readonly backend: string;
	readonly version: string;
	/** Another one than before: the table is empty. */
	readonly instance: string;
	readonly capabilities: Capabilities;
	readonly limits: EngineLimits;
}

/** Bytes of UDP payload. */
export interface Traffic {
	readonly packets: number;
	readonly bytes: number;
}

export interface ReceiverStats extends ReceiverKey, Traffic {
	readonly drops: DropCounts;
	readonly state: "ready" | "unresolved";
}

export interface RuleStats {
	readonly name: string;
	readonly generation: number;
	readonly received: Traffic;
	/** All copies. */
	readonly sent: Traffic;
	readonly drops: DropCounts;
	/** Where they were asked for. */
	readonly receivers?: readonly ReceiverStats[];
}

export interface EngineStats {
	readonly uptimeMs: number;
	readonly cpuMs: number;
	readonly received: Traffic;
	readonly sent: Traffic;
	/** Packets left to the kernel. */
	readonly passed: number;
	readonly drops: DropCounts;
	readonly rules: readonly RuleStats[];
}

/** What became of a change. */
export type ChangeAnswer =
	| { readonly ok: true; readonly changed: boolean }
	| { readonly ok: false; readonly code: string; readonly text: string };

export type EngineEvent =
	| { readonly event: "lease.ended"; readonly rules: readonly string[] }
	| { readonly event: "capture.ended"; readonly name: string; readonly path: string; readonly packets: number }
	| { readonly event: "fault"; readonly code: string; readonly text: string };

type Fields = Readonly<Record<string, unknown>>;

export type DistributorLine =
	| { readonly kind: "answer"; readonly id: number; readonly fields: Fields }
	| { readonly kind: "refused"; readonly id: number | null; readonly code: string; readonly text: string }
	| { readonly kind: "event"; readonly event: EngineEvent }
	/** An event of a newer distributor's. */
	| { readonly kind: "unknown-event" }
	| { readonly kind: "malformed"; readonly text: string };

const isFields = (value: unknown): value is Fields =>
	typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isAmount = (value: unknown): value is number => typeof value === "number" && value >= 0 && value < 2 ** 64;

/** Sorts a line; it never throws. */
export function sortLine(value: unknown): DistributorLine {
	if (!isFields(value)) return { kind: "malformed", text: "a line is no object" };
	if ("event" in value) return eventOf(value);
	const { id, ok, error } = value;
	if (ok === true && isId(id)) return { kind: "answer", id, fields: value };
	if (ok === false && (id === null || isId(id))) return { kind: "refused", id, ...refusalOf(error) };
	return { kind: "malformed", text: "a line is neither an answer nor an event" };
}

function refusalOf(error: unknown): { code: string; text: string } {
	const { code, text } = isFields(error) ? error : {};
	return { code: isText(code) ? code : "UNKNOWN", text: isText(text) ? text : "no reason was given" };
}

function eventOf(fields: Fields): DistributorLine {
	const { event, rules, name, path, packets, code, text } = fields;
	if (event === "lease.ended" && Array.isArray(rules) && rules.every(isText)) {
		return { kind: "event", event: { event, rules } };
	}
	if (event === "capture.ended" && isText(name) && isText(path) && isAmount(packets)) {
		return { kind: "event", event: { event, name, path, packets } };
	}
	if (event === "fault" && isText(code) && isText(text)) return { kind: "event", event: { event, code, text } };
	return { kind: "unknown-event" };
}

const CAPABILITIES = ["ipv4", "ipv6", "vlan", "dscp", "ttl", "multicast", "sourcePort", "capture"] as const;

/** Of an answer to `hello`; undefined where it is none. A capability that is not told is not there. */
export function descriptionOf(fields: Fields): EngineDescription | undefined {
	const { engine, backend, version, instance, capabilities, limits } = fields;
	const kind = ENGINE_KINDS.find((one) => one === engine);
	if (kind === undefined || !isText(backend) || !isText(version) || !isText(instance)) return undefined;
	if (!isFields(capabilities) || !isFields(limits)) return undefined;
	const { rules, receiversPerRule, receivers } = limits;
	if (!isAmount(rules) || !isAmount(receiversPerRule) || !isAmount(receivers)) return undefined;
	const able = Object.fromEntries(CAPABILITIES.map((name) => [name, capabilities[name] === true]));
	return {
		...{ engine: kind, backend, version, instance },
		capabilities: able as unknown as Capabilities,
		limits: { rules, receiversPerRule, receivers },
	};
}

/** Of an answer to a change, alone or in a batch. */
export function changeAnswerOf(value: unknown): ChangeAnswer {
	if (!isFields(value)) return { ok: false, code: "UNKNOWN", text: "the answer is no object" };
	return value["ok"] === true
		? { ok: true, changed: value["changed"] === true }
		: { ok: false, ...refusalOf(value["error"]) };
}

/** Of an answer to `rule.list` without receivers: which rules it has, and of which generation. */
export function generationsOf(fields: Fields): ReadonlyMap<string, number> {
	const rules = Array.isArray(fields["rules"]) ? fields["rules"] : [];
	const pairs = rules.flatMap((rule): [string, number][] =>
		isFields(rule) && isText(rule["name"]) && isAmount(rule["generation"]) ? [[rule["name"], rule["generation"]]] : [],
	);
	return new Map(pairs);
}

/** Of an answer to `stats`; undefined where it is none. */
export function statsOf(fields: Fields): EngineStats | undefined {
	const { uptimeMs, cpuMs, passed, rules } = fields;
	const [received, sent] = [trafficOf(fields["received"]), trafficOf(fields["sent"])];
	if (!isAmount(uptimeMs) || received === undefined || sent === undefined || !Array.isArray(rules)) return undefined;
	const all = rules.map(ruleStatsOf);
	if (!all.every((one) => one !== undefined)) return undefined;
	return {
		...{ uptimeMs, received, sent, rules: all },
		cpuMs: isAmount(cpuMs) ? cpuMs : 0,
		passed: isAmount(passed) ? passed : 0,
		drops: dropsOf(fields["drops"]),
	};
}

function trafficOf(value: unknown): Traffic | undefined {
	const { packets, bytes } = isFields(value) ? value : {};
	return isAmount(packets) && isAmount(bytes) ? { packets, bytes } : undefined;
}

function dropsOf(value: unknown): DropCounts {
	const counts = isFields(value) ? value : {};
	const known = DROP_REASONS.flatMap((reason): [DropReason, number][] => {
		const count = Object.hasOwn(counts, reason) ? counts[reason] : undefined;
		return isAmount(count) && count > 0 ? [[reason, count]] : [];
	});
	return Object.fromEntries(known);
}

function ruleStatsOf(value: unknown): RuleStats | undefined {
	if (!isFields(value)) return undefined;
	const { name, generation, receivers } = value;
	const [received, sent] = [trafficOf(value["received"]), trafficOf(value["sent"])];
	if (!isText(name) || !isAmount(generation) || received === undefined || sent === undefined) return undefined;
	const rule = { name, generation, received, sent, drops: dropsOf(value["drops"]) };
	if (!Array.isArray(receivers)) return rule;
	const each = receivers.map(receiverStatsOf);
	return each.every((one) => one !== undefined) ? { ...rule, receivers: each } : undefined;
}

function receiverStatsOf(value: unknown): ReceiverStats | undefined {
	const traffic = trafficOf(value);
	if (!isFields(value) || traffic === undefined) return undefined;
	const { address, port, vlan, state } = value;
	if (!isText(address) || !isAmount(port)) return undefined;
	return {
		...{ address, port, ...traffic, drops: dropsOf(value["drops"]) },
		...(isAmount(vlan) && { vlan }),
		state: state === "unresolved" ? "unresolved" : "ready",
	};
}
