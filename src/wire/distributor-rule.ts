/**
 * A rule of the distribution plane: which packets, and who gets them. One reader judges a rule wherever it comes from:
 * the control socket, the API, a file (docs/wire/distributor.md, "Rules").
 */
import { isName, type Name } from "../base/name.ts";
import { type IpAddress, parseAddress } from "./distributor-address.ts";
import type { MediaClass } from "./distributor-media.ts";
import {
	flag,
	listOf,
	needed,
	objectOf,
	oneOf,
	optional,
	type Path,
	type Reader,
	Refusal,
	textOf,
	wholeNumber,
} from "./distributor-refusal.ts";
import { shownValue } from "./viewer-report.ts";

/** `any-media` is all three of the others. */
export type RuleMedia = MediaClass | "any-media";
const RULE_MEDIA: readonly RuleMedia[] = ["rtp", "rtcp", "ts", "any-media"];

/** Whom packets come from. */
export interface FlowSource {
	readonly address: string;
	readonly port?: number;
}

/** Which packets a rule takes. Addresses are in the form of RFC 5952, here and everywhere below. */
export interface FlowMatch {
	readonly address: string;
	readonly port: number;
	/** Without it, packets without a tag. */
	readonly vlan?: number;
	readonly source?: FlowSource;
}

/** What tells one receiver of a rule from another. */
export interface ReceiverKey {
	readonly address: string;
	readonly port: number;
	readonly vlan?: number;
}

export interface Receiver extends ReceiverKey {
	/** That of the match where it is left out. */
	readonly sourcePort?: number;
	readonly ttl: number;
	readonly dscp: number;
	readonly maxPacketsPerSecond?: number;
	/** Of UDP payload. */
	readonly maxBitsPerSecond?: number;
}

export interface Rule {
	readonly name: Name;
	/** Rises with every change. */
	readonly generation: number;
	readonly match: FlowMatch;
	readonly media: RuleMedia;
	/** It outlives its controller. */
	readonly permanent: boolean;
	readonly receivers: readonly Receiver[];
}

/** A rule as people and files have it: generations are the table's. */
export type RuleDraft = Omit<Rule, "generation">;

export const DEFAULT_TTL = 64;

/** Two rules with the same key would take the same packets. */
export const flowKey = ({ address, port, vlan }: FlowMatch): string => `${address} ${port} ${vlan ?? "-"}`;
export const receiverKey = ({ address, port, vlan }: ReceiverKey): string => `${address} ${port} ${vlan ?? "-"}`;

/** `10.0.0.1:5004`, `[fd00::1]:5004` */
export const endpointText = ({ address, port }: { readonly address: string; readonly port: number }): string =>
	address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;

const ADDRESS_WANTED =
	"an IPv4 or IPv6 address of one place or group (not unspecified, broadcast, link-local, IPv4-mapped or with a zone)";

const readAddress: Reader<string> = (value, path) => addressOf(value, path).text;

function addressOf(value: unknown, path: Path): IpAddress {
	const address = typeof value === "string" ? parseAddress(value) : undefined;
	if (address !== undefined) return address;
	throw new Refusal("VALUE_INVALID", path, `is ${shownValue(value)} but must be ${ADDRESS_WANTED}`);
}

const readPort = wholeNumber(1, 65_535);
const readVlan = wholeNumber(1, 4094);
export const readGeneration = wholeNumber(1, Number.MAX_SAFE_INTEGER);
export const readName: Reader<Name> = textOf("1 to 128 of the characters A-Z a-z 0-9 _ - and not start with -", isName);

const readSource = objectOf({ address: needed(readAddress), port: optional(readPort) });
const readMatchKeys = objectOf({
	address: needed(readAddress),
	port: needed(readPort),
	vlan: optional(readVlan),
	source: optional(readSource),
});

const readMatch: Reader<FlowMatch> = (value, path) => {
	const { source, ...match } = readMatchKeys(value, path);
	if (source === undefined) return match;
	const of = parseAddress(source.address)!;
	if (of.multicast || of.family !== parseAddress(match.address)!.family) {
		const wanted = `a unicast address of the family of ${match.address}`;
		throw new Refusal("VALUE_INVALID", [...path, "source", "address"], `is ${source.address} but must be ${wanted}`);
	}
	return { ...match, source };
};

const KEY_OF_RECEIVER = { address: needed(readAddress), port: needed(readPort), vlan: optional(readVlan) };

const readReceiverKeys = objectOf({
	address: KEY_OF_RECEIVER.address,
	port: KEY_OF_RECEIVER.port,
	sourcePort: optional(readPort),
	ttl: optional(wholeNumber(1, 255)),
	dscp: optional(wholeNumber(0, 63)),
	vlan: KEY_OF_RECEIVER.vlan,
	maxPacketsPerSecond: optional(wholeNumber(1, 1e9)),
	maxBitsPerSecond: optional(wholeNumber(1000, 1e12)),
});

const readReceiver: Reader<Receiver> = (value, path) => {
	const { ttl = DEFAULT_TTL, dscp = 0, ...rest } = readReceiverKeys(value, path);
	return { ...rest, ttl, dscp };
};

const readReceiverKey: Reader<ReceiverKey> = objectOf(KEY_OF_RECEIVER);

function distinct<Key extends ReceiverKey>(read: Reader<readonly Key[]>): Reader<readonly Key[]> {
	return (value, path) => {
		const list = read(value, path);
		const seen = new Map<string, number>();
		for (const [index, receiver] of list.entries()) {
			const earlier = seen.get(receiverKey(receiver));
			if (earlier !== undefined) {
				const text = `is ${endpointText(receiver)} again, which entry ${earlier} is already`;
				throw new Refusal("VALUE_INVALID", [...path, index], text);
			}
			seen.set(receiverKey(receiver), index);
		}
		return list;
	};
}

const ANY_NUMBER = Number.POSITIVE_INFINITY;
const readReceivers = distinct(listOf(readReceiver, 0, ANY_NUMBER));
export const readAddedReceivers = distinct(listOf(readReceiver, 1, ANY_NUMBER));
export const readRemovedReceivers = distinct(listOf(readReceiverKey, 1, ANY_NUMBER));

const DRAFT = {
	match: needed(readMatch),
	media: needed(oneOf(RULE_MEDIA)),
	permanent: optional(flag),
	receivers: needed(readReceivers),
};

const readRuleKeys = objectOf({ name: needed(readName), generation: needed(readGeneration), ...DRAFT });
const readDraftKeys = objectOf({ name: needed(readName), ...DRAFT });

/** @throws Refusal */
export const readRule: Reader<Rule> = (value, path) => {
	const { permanent = false, ...rule } = readRuleKeys(value, path);
	return { ...rule, permanent };
};

/** @throws Refusal */
export const readRuleDraft: Reader<RuleDraft> = (value, path) => {
	const { permanent = false, ...rule } = readDraftKeys(value, path);
	return { ...rule, permanent };
};
