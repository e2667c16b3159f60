/**
 * What kind of place an address leads to (SEC3). Only `public` is open to whoever has a URL to give; the rest is this
 * machine, its neighbours, what tells a virtual machine its own secrets, and what is no place at all.
 */
import { type IpBytes, type Network, networkHas, parseNetwork } from "./ip-address.ts";

export type AddressClass = "public" | "loopback" | "private" | "link-local" | "metadata" | "multicast" | "special";

/** The first that has the address counts. RFC 6890 and its registries, and the services of the large clouds. */
const TABLE: readonly (readonly [AddressClass, readonly string[]])[] = [
	[
		"metadata",
		["169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192", "168.63.129.16"],
	],
	["metadata", ["fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"]],
	["loopback", ["127.0.0.0/8", "::1"]],
	["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"]],
	["link-local", ["169.254.0.0/16", "fe80::/10"]],
	["multicast", ["224.0.0.0/4", "ff00::/8"]],
	["special", ["0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24"]],
	["special", ["203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"]],
];
const NETWORKS = TABLE.map(([kind, texts]) => ({ kind, networks: texts.map((text) => networkOf(text)) }));

/** IPv6 is handed out from here, and from nowhere else. */
const GLOBAL_IPV6 = networkOf("2000::/3");
/** An IPv4 address behind a translator. */
const TRANSLATED = networkOf("64:ff9b::/96");

export function classOf(address: IpBytes): AddressClass {
	if (networkHas(TRANSLATED, address)) return classOf(address.subarray(12));
	const known = NETWORKS.find(({ networks }) => networks.some((network) => networkHas(network, address)));
	if (known !== undefined) return known.kind;
	return address.length === 4 || networkHas(GLOBAL_IPV6, address) ? "public" : "special";
}

/**
 * Whether it may be dialled, by what the configuration names. A service that gives out secrets must be named by its very
 * address: a network around it is not meant for it.
 */
export function mayDial(address: IpBytes, named: readonly Network[]): boolean {
	const kind = classOf(address);
	if (kind === "public") return true;
	return named.some(
		(network) => networkHas(network, address) && (kind !== "metadata" || network.prefix === 8 * address.length),
	);
}

function networkOf(text: string): Network {
	const network = parseNetwork(text);
	if (network === undefined) throw new Error(`${text} is no network`);
	return network;
}
