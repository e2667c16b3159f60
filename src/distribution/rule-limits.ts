/**
 * What a table of rules may ask of the machine and of the networks around it. Whoever may change the table (an API, an
 * RTSP client) could else turn a server into a source of floods: so receivers lie in private networks unless more is
 * allowed, and their rates can be bounded, each and in all.
 */
import { PenstockError } from "../base/errors.ts";
import { parseAddress } from "../wire/distributor-address.ts";
import { endpointText, type Receiver } from "../wire/distributor-rule.ts";
import { inNetwork, type Network, parseNetwork } from "./network.ts";

export interface RuleLimits {
	readonly rules: number;
	readonly receiversPerRule: number;
	readonly receivers: number;
	/** The most that a receiver may have, and what it has if its rule says nothing. */
	readonly receiverPacketsPerSecond?: number;
	/** Of UDP payload. */
	readonly receiverBitsPerSecond?: number;
	/** For all receivers: what each of them may have, added up. */
	readonly packetsPerSecond?: number;
	readonly bitsPerSecond?: number;
	/** Where receivers may be. */
	readonly allowedNetworks: readonly Network[];
}

/** Loopback, private and unique local networks, and multicast that stays in an organization. */
const PRIVATE_NETWORKS: readonly Network[] = [
	"127.0.0.0/8",
	"10.0.0.0/8",
	"172.16.0.0/12",
	"192.168.0.0/16",
	"239.0.0.0/8",
	"::1",
	"fc00::/7",
	"ff01::/16",
	"ff02::/16",
	"ff05::/16",
	"ff08::/16",
	"ff11::/16",
	"ff12::/16",
	"ff15::/16",
	"ff18::/16",
].map((text) => parseNetwork(text)!);

export const DEFAULT_LIMITS: RuleLimits = {
	rules: 4096,
	receiversPerRule: 16_384,
	receivers: 65_536,
	allowedNetworks: PRIVATE_NETWORKS,
};

/** What receivers may be sent at most; a rate is 0 where nothing bounds it. */
export interface Load {
	readonly receivers: number;
	readonly packetsPerSecond: number;
	readonly bitsPerSecond: number;
}

export const NO_LOAD: Load = { receivers: 0, packetsPerSecond: 0, bitsPerSecond: 0 };

export const loadOf = ({ maxPacketsPerSecond = 0, maxBitsPerSecond = 0 }: Receiver): Load => ({
	receivers: 1,
	packetsPerSecond: maxPacketsPerSecond,
	bitsPerSecond: maxBitsPerSecond,
});

export const plus = (one: Load, other: Load): Load => ({
	receivers: one.receivers + other.receivers,
	packetsPerSecond: one.packetsPerSecond + other.packetsPerSecond,
	bitsPerSecond: one.bitsPerSecond + other.bitsPerSecond,
});

export const minus = (one: Load, other: Load): Load => ({
	receivers: one.receivers - other.receivers,
	packetsPerSecond: one.packetsPerSecond - other.packetsPerSecond,
	bitsPerSecond: one.bitsPerSecond - other.bitsPerSecond,
});

/** The two rates that are bounded, each with the receiver's key and the limits' keys. */
const RATES = [
	{ key: "maxPacketsPerSecond", each: "receiverPacketsPerSecond", all: "packetsPerSecond" },
	{ key: "maxBitsPerSecond", each: "receiverBitsPerSecond", all: "bitsPerSecond" },
] as const;

/**
 * The receiver with the rates that it gets under the limits.
 * @throws PenstockError RULE_NETWORK, RULE_LIMIT
 */
export function admitted(receiver: Receiver, rule: string, limits: RuleLimits): Receiver {
	const { bytes } = parseAddress(receiver.address)!;
	const who = `rule ${rule}: receiver ${endpointText(receiver)}`;
	if (!limits.allowedNetworks.some((network) => inNetwork(network, bytes))) {
		const allowed = limits.allowedNetworks.map(({ text }) => text).join(", ") || "none";
		throw new PenstockError("RULE_NETWORK", `${who} lies in none of the allowed networks (${allowed}).`);
	}
	let given = receiver;
	for (const { key, each, all } of RATES) {
		const most = limits[each];
		const wanted = given[key] ?? most;
		if (most !== undefined && wanted! > most) {
			throw new PenstockError("RULE_LIMIT", `${who}: ${key} is ${wanted} but limits.${each} is ${most}.`);
		}
		if (wanted === undefined && limits[all] !== undefined) {
			const why = `limits.${all} bounds all receivers together, so that each must have a bound`;
			throw new PenstockError("RULE_LIMIT", `${who}: ${key} is missing; ${why}; set it, or limits.${each}.`);
		}
		if (wanted !== undefined && given[key] === undefined) given = { ...given, [key]: wanted };
	}
	return given;
}

/**
 * Whether a rule, and the table with it, stay within the limits.
 * @param ofRule receivers of the rule, after the change
 * @param total of the table, after the change
 * @throws PenstockError RULE_LIMIT
 */
export function checkLoad(rule: string, ofRule: number, total: Load, limits: RuleLimits): void {
	const refuse = (what: string, key: Exclude<keyof RuleLimits, "allowedNetworks">): never => {
		throw new PenstockError("RULE_LIMIT", `rule ${rule}: ${what} but limits.${key} is ${limits[key]}.`);
	};
	if (ofRule > limits.receiversPerRule) refuse(`it would have ${ofRule} receivers`, "receiversPerRule");
	if (total.receivers > limits.receivers) refuse(`all rules would have ${total.receivers} receivers`, "receivers");
	for (const { all } of RATES) {
		const most = limits[all];
		if (most !== undefined && total[all] > most) refuse(`all receivers might get ${total[all]}`, all);
	}
}
