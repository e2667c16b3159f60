/** `penstock rules add`: makes a rule, or adds receivers to one that is there. */
import { PenstockError } from "../base/errors.ts";
import type { RuleDetail } from "../server/api-distribution-model.ts";
import type { ApiCaller } from "./api-caller.ts";

export interface RuleAddition {
	readonly name: string;
	/** `10.0.0.1:5004` */
	readonly match?: string;
	readonly media?: string;
	readonly vlan?: number;
	readonly from?: { readonly address: string; readonly port?: number };
	readonly permanent?: boolean;
	readonly to: readonly string[];
	readonly ttl?: number;
	readonly dscp?: number;
	readonly toVlan?: number;
	readonly sourcePort?: number;
	readonly maxPackets?: number;
	readonly maxBits?: number;
}

/** @throws PenstockError COMMAND_LINE, and what the API answers with */
export async function withReceivers(api: ApiCaller, addition: RuleAddition): Promise<RuleDetail> {
	const path = `/api/v1/rules/${addition.name}`;
	const there = await api.call<RuleDetail>({ path }).catch((thrown: unknown) => {
		if (thrown instanceof PenstockError && thrown.code === "RULE_NOT_FOUND") return undefined;
		throw thrown;
	});
	const receivers = receiversOf(addition);
	if (there !== undefined) {
		refuseOtherRule(there, addition);
		if (receivers.length === 0) throw commandLine(`rule ${addition.name} is there; --to names receivers to add to it`);
		return await api.call({ method: "PATCH", path, body: { add: receivers } });
	}
	if (addition.match === undefined || addition.media === undefined) {
		throw commandLine(`there is no rule ${addition.name} yet; --match and --media say what it is to take`);
	}
	const { permanent } = addition;
	const body = {
		...{ match: matchOf(addition), media: addition.media, receivers },
		...(permanent === true && { permanent }),
	};
	// Who makes it at the same time is not overwritten.
	return await api.call({ method: "PUT", path, body, headers: { "If-None-Match": "*" } });
}

function matchOf({ match = "", vlan, from }: RuleAddition): object {
	return {
		...endpointOf(match),
		...(vlan !== undefined && { vlan }),
		...(from !== undefined && { source: from }),
	};
}

/** As it was checked: `10.0.0.1:5004` or `[fd00::1]:5004`. */
function endpointOf(text: string): { readonly address: string; readonly port: number } {
	const colon = text.lastIndexOf(":");
	return { address: text.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
}

function receiversOf({ to, ttl, dscp, toVlan, sourcePort, maxPackets, maxBits }: RuleAddition): readonly object[] {
	return to.map((text) => ({
		...endpointOf(text),
		...(ttl !== undefined && { ttl }),
		...(dscp !== undefined && { dscp }),
		...(toVlan !== undefined && { vlan: toVlan }),
		...(sourcePort !== undefined && { sourcePort }),
		...(maxPackets !== undefined && { maxPacketsPerSecond: maxPackets }),
		...(maxBits !== undefined && { maxBitsPerSecond: maxBits }),
	}));
}

/** What a rule takes is changed by making it anew: its receivers would get other packets from one moment to the next. */
function refuseOtherRule({ name, match, media }: RuleDetail, addition: RuleAddition): void {
	const taken = match.address.includes(":") ? `[${match.address}]:${match.port}` : `${match.address}:${match.port}`;
	const otherMatch = addition.match !== undefined && addition.match.toLowerCase() !== taken;
	if (!otherMatch && (addition.media === undefined || addition.media === media)) return;
	throw commandLine(`rule ${name} is there and takes ${media} to ${taken}; remove it first, or take another name`);
}

const commandLine = (text: string): PenstockError => new PenstockError("COMMAND_LINE", `${text}.`);
