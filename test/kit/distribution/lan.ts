/**
 * A small network in one kernel, for the distribution plane: a publisher, a server and receivers, each a network
 * namespace with one Ethernet port (`eth0`), on a bridge in a namespace of its own. Linux and root only.
 * Everybody has a number, and by it an address of each family. Nobody leaves checksums or tags to a device, so that what a
 * capture shows is what a cable would carry; and what receivers are sent to their media ports is counted and thrown away
 * behind the capture, so that nobody need listen, and nobody answers that nobody does.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onCleanup } from "../cleanup.ts";
import { type ProcessOptions, type RunningProcess, startProcess } from "../processes.ts";
import { makeTempDir } from "../temp-dir.ts";

export const PORT_DEVICE = "eth0";
/** The tag of `tagPackets`, and a port whose packets get it. */
export const TAGGED = { vlan: 100, port: 5100 } as const;
/** Of receivers: what comes to these is thrown away behind a capture. */
const MEDIA_PORTS = { first: 6000, last: 6999 } as const;

export interface LanSide {
	readonly namespace: string;
	readonly ipv4: string;
	readonly ipv6: string;
}

const TAG_SOURCE = fileURLToPath(new URL("tag.bpf.c", import.meta.url));

const SIDES = ["publisher", "server", "receivers"] as const;
type SideName = (typeof SIDES)[number];

let lans = 0;

/**
 * @param mtu of everybody's port
 * @throws Error when this user may not make namespaces
 */
export function createLan(mtu = 1500): Lan {
	const uid = process.getuid?.();
	if (uid !== 0) {
		throw new Error(`network namespaces need root, and this runs as uid ${uid}: run these tests with sudo.`);
	}
	return new Lan(`penstock-${process.pid}-lan${lans++}`, mtu);
}

export class Lan {
	readonly publisher: LanSide;
	readonly server: LanSide;
	readonly receivers: LanSide;
	readonly #bridge: string;
	readonly #forget: () => void;

	/** Use `createLan`. */
	constructor(name: string, mtu: number) {
		this.#bridge = `${name}-bridge`;
		const side = (which: SideName): LanSide => sideOf(`${name}-${which}`, SIDES.indexOf(which) + 1);
		this.publisher = side("publisher");
		this.server = side("server");
		this.receivers = side("receivers");
		this.#forget = onCleanup(() => this.#removeAll());
		this.#make(mtu);
	}

	/** Starts a process whose network is that of one side. */
	start(side: LanSide, command: string, args: readonly string[], options?: ProcessOptions): RunningProcess {
		return startProcess("ip", ["netns", "exec", side.namespace, command, ...args], options);
	}

	/** Runs a short command in the network of one side. @returns what it writes */
	run(side: LanSide, command: string, ...args: string[]): string {
		return inNamespace(side.namespace, command, args);
	}

	/** Lets the kernel leave checksums of what a side sends to its device, as kernels do, or not. */
	offloadChecksums(side: LanSide, to: "device" | "kernel"): void {
		this.run(side, "ethtool", "-K", PORT_DEVICE, "tx", to === "device" ? "on" : "off");
	}

	/** Has what a side sends to the ports of `TAGGED` carry its tag: by a program, for not every kernel has VLAN devices. */
	tagPackets(side: LanSide): void {
		const program = join(makeTempDir("tag"), "tag.bpf.o");
		const include = `-I/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
		execFileSync("clang", [
			"-O2",
			"-g",
			"-Wall",
			"-Werror",
			"-target",
			"bpf",
			include,
			"-c",
			TAG_SOURCE,
			"-o",
			program,
		]);
		this.run(side, "tc", "qdisc", "add", "dev", PORT_DEVICE, "clsact");
		const filter = ["bpf", "direct-action", "object-file", program, "section", "tc"];
		this.run(side, "tc", "filter", "add", "dev", PORT_DEVICE, "egress", ...filter);
	}

	/** Packets to media ports of the receivers, so far. */
	countArrived(): number {
		const [, packets] = this.run(this.receivers, "nft", "list", "table", "netdev", "sink").match(/packets (\d+)/) ?? [];
		return Number(packets);
	}

	/** Takes it away, before the end of the test file. */
	remove(): void {
		this.#forget();
		this.#removeAll();
	}

	#make(mtu: number): void {
		ip("netns", "add", this.#bridge);
		ip("-n", this.#bridge, "link", "add", "bridge0", "type", "bridge", "mcast_snooping", "0", "forward_delay", "0");
		ip("-n", this.#bridge, "link", "set", "bridge0", "up");
		for (const [index, name] of SIDES.entries()) this.#connect(this[name], `port${index}`, mtu);
		this.#throwMediaAway();
		// Everybody knows everybody: a first packet has not to wait for an answer to ARP.
		for (const from of [this.publisher, this.receivers]) {
			for (const address of [this.server.ipv4, this.server.ipv6]) {
				this.run(from, "ping", "-q", "-c", "1", "-W", "2", address);
			}
		}
	}

	#connect({ namespace, ipv4, ipv6 }: LanSide, bridgePort: string, mtu: number): void {
		ip("netns", "add", namespace);
		const peer = ["peer", "name", PORT_DEVICE, "mtu", `${mtu}`, "netns", namespace];
		ip("-n", this.#bridge, "link", "add", bridgePort, "mtu", `${mtu}`, "type", "veth", ...peer);
		ip("-n", this.#bridge, "link", "set", bridgePort, "master", "bridge0", "up");
		for (const device of ["lo", PORT_DEVICE]) ip("-n", namespace, "link", "set", device, "up");
		ip("-n", namespace, "address", "add", `${ipv4}/24`, "dev", PORT_DEVICE);
		ip("-n", namespace, "address", "add", `${ipv6}/64`, "dev", PORT_DEVICE, "nodad");
		ip("-n", namespace, "route", "add", "224.0.0.0/4", "dev", PORT_DEVICE);
		const features = ["tx", "off", "tx-udp-segmentation", "off", "txvlan", "off", "rxvlan", "off"];
		inNamespace(namespace, "ethtool", ["-K", PORT_DEVICE, ...features]);
		inNamespace(this.#bridge, "ethtool", ["-K", bridgePort, "tx", "off", "txvlan", "off", "rxvlan", "off"]);
	}

	#throwMediaAway(): void {
		const hook = `type filter hook ingress device "${PORT_DEVICE}" priority 0;`;
		const rule = `udp dport ${MEDIA_PORTS.first}-${MEDIA_PORTS.last} counter drop;`;
		this.run(this.receivers, "nft", `table netdev sink { chain media { ${hook} ${rule} }; }`);
	}

	#removeAll(): void {
		const there = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
		const namespaces = [this.publisher, this.server, this.receivers].map(({ namespace }) => namespace);
		for (const namespace of [...namespaces, this.#bridge]) {
			if (there.includes(namespace)) ip("netns", "delete", namespace);
		}
	}
}

const sideOf = (namespace: string, number: number): LanSide => ({
	namespace,
	ipv4: `10.79.0.${number}`,
	ipv6: `fd79::${number}`,
});

const ip = (...args: string[]): void => {
	execFileSync("ip", args, { stdio: ["ignore", "ignore", "inherit"] });
};

const inNamespace = (namespace: string, command: string, args: readonly string[]): string =>
	execFileSync("ip", ["netns", "exec", namespace, command, ...args], {
		encoding: "utf8",
		stdio: ["ignore", "pipe", "inherit"],
	});
