/**
 * Two machines and a cable, in one kernel: two network namespaces joined by a veth pair, so that a test can pull the
 * cable or make it thin without touching the machine's own network. Linux and root only.
 */
import { execFileSync } from "node:child_process";
import { onCleanup } from "./cleanup.ts";
import { type ProcessOptions, type RunningProcess, startProcess } from "./processes.ts";

export interface NetworkSide {
	readonly namespace: string;
	/** IPv4 address by which the other side reaches this one. */
	readonly address: string;
}

export interface Shape {
	readonly rateBps: number;
	/** Bytes that may pass at once; 16 KiB where this is left out. */
	readonly burstBytes?: number;
	/** How long a packet may wait before it is dropped; 400 ms where this is left out. */
	readonly queueMs?: number;
}

const LINK = "cable";
let pairs = 0;

/**
 * Makes the two sides, with loopback and cable up. They go at the end of the test file.
 * @param uid who asks for them
 * @throws Error when this user may not make them
 */
export function createNetworkPair(uid = process.getuid?.()): NetworkPair {
	if (uid !== 0) {
		throw new Error(`network namespaces need root, and this runs as uid ${uid}: run these tests with sudo.`);
	}
	const name = `penstock-${process.pid}-${pairs++}`;
	return new NetworkPair(
		{ namespace: `${name}-near`, address: "10.77.0.1" },
		{ namespace: `${name}-far`, address: "10.77.0.2" },
	);
}

export class NetworkPair {
	readonly near: NetworkSide;
	readonly far: NetworkSide;
	readonly #forget: () => void;

	/** Use `createNetworkPair`. */
	constructor(near: NetworkSide, far: NetworkSide) {
		this.near = near;
		this.far = far;
		this.#forget = onCleanup(() => this.#removeBoth());
		for (const { namespace } of [near, far]) ip("netns", "add", namespace);
		ip("link", "add", LINK, "netns", near.namespace, "type", "veth", "peer", "name", LINK, "netns", far.namespace);
		for (const { namespace, address } of [near, far]) {
			ip("-n", namespace, "address", "add", `${address}/30`, "dev", LINK);
			ip("-n", namespace, "link", "set", "lo", "up");
			ip("-n", namespace, "link", "set", LINK, "up");
		}
	}

	/** Starts a process whose network is that of one side. */
	start(side: NetworkSide, command: string, args: readonly string[], options?: ProcessOptions): RunningProcess {
		return startProcess("ip", ["netns", "exec", side.namespace, command, ...args], options);
	}

	/** Takes one side's end of the cable down (the other side loses its carrier) or up again. */
	setLink(side: NetworkSide, state: "up" | "down"): void {
		ip("-n", side.namespace, "link", "set", LINK, state);
	}

	/** Limits what one side sends, by a token bucket (tc-tbf); replaces an earlier limit. */
	shape(side: NetworkSide, { rateBps, burstBytes = 16_384, queueMs = 400 }: Shape): void {
		const limits = ["rate", `${rateBps}bit`, "burst", `${burstBytes}`, "latency", `${queueMs}ms`];
		run("tc", ["-n", side.namespace, "qdisc", "replace", "dev", LINK, "root", "tbf", ...limits]);
	}

	unshape(side: NetworkSide): void {
		run("tc", ["-n", side.namespace, "qdisc", "delete", "dev", LINK, "root"]);
	}

	/** Takes both sides away, before the end of the test file. */
	remove(): void {
		this.#forget();
		this.#removeBoth();
	}

	#removeBoth(): void {
		const there = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
		for (const { namespace } of [this.near, this.far]) if (there.includes(namespace)) ip("netns", "delete", namespace);
	}
}

const ip = (...args: string[]): void => run("ip", args);

function run(command: string, args: readonly string[]): void {
	execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
}
