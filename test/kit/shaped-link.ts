/**
 * A link as viewers have them: two network namespaces, and between them a rate that can be changed from one packet to
 * the next, a delay, and a FIFO that drops what does not fit. Linux and root only.
 *
 * "tun" is a process of ours between two tun devices: rate, delay and queue are exact, and all of it can be set. "tbf"
 * is the kernel's own token bucket on a router between the two, as a check on the first: no delay, and a bucket.
 */
import { execFileSync } from "node:child_process";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { onCleanup } from "./cleanup.ts";
import type { LinkCounts, LinkDirection } from "./link-queue.ts";
import { monotonicOffset } from "./monotonic.ts";
import type { NetworkSide } from "./netns.ts";
import { type ProcessOptions, type RunningProcess, startProcess } from "./processes.ts";
import type { LinkAnswer, LinkCommand, LinkProcessSettings, RateStep } from "./shaped-link-process.ts";

export interface ShapedLinkOptions {
	/** "tun" where this is left out. */
	readonly kind?: "tun" | "tbf";
	/** From `near` to `far`. */
	readonly down: LinkDirection;
	/** From `far` to `near`: 50 Mbit/s and 200 KB where this is left out. Of a "tbf" it cannot be set. */
	readonly up?: LinkDirection;
	/** There and back without a queue; 30 ms where this is left out. A "tbf" has none. */
	readonly rttMs?: number;
}

export interface ShapedLinkCounts {
	readonly down: LinkCounts;
	readonly up: LinkCounts;
}

/** Where the server is, and where the viewers are. */
export interface ShapedLink {
	readonly near: NetworkSide;
	readonly far: NetworkSide;
	/** Starts a process whose network is that of one side. */
	start(side: NetworkSide, command: string, args: readonly string[], options?: ProcessOptions): RunningProcess;
	/** Sets the rate of the way down. Resolves with the time at which it held, as `performance.now()` has it. */
	setRate(rateBps: number): Promise<number>;
	/** Plays a list of rates on the way down, from now on; the last one stays. Resolves with the time of its start. */
	play(steps: readonly RateStep[]): Promise<number>;
	counts(): Promise<ShapedLinkCounts>;
	/** Takes all away, before the end of the test file. */
	remove(): Promise<void>;
}

const PROCESS = fileURLToPath(new URL("./shaped-link-process.ts", import.meta.url));
const CABLE = "cable";
const NEAR_ADDRESS = "10.78.0.1";
const FAR_ADDRESS = "10.78.0.5";
const DEFAULT_UP = { rateBps: 50_000_000, queueBytes: 200_000 };
const DEFAULT_RTT_MS = 30;
const DEFAULT_BURST_BYTES = 6_000;
let links = 0;

/** @throws Error when this user may not make one */
export async function createShapedLink(options: ShapedLinkOptions): Promise<ShapedLink> {
	if (process.getuid?.() !== 0) throw new Error("network namespaces need root: run these tests with sudo.");
	const number = links++;
	const sides = new Sides(`penstock-${process.pid}-link${number}`);
	try {
		return options.kind === "tbf" ? new TokenBucketLink(sides, options) : await TunLink.make(sides, options, number);
	} catch (error) {
		sides.remove();
		throw error;
	}
}

/** The namespaces; they go at the end of the test file. */
class Sides {
	readonly near: NetworkSide;
	readonly far: NetworkSide;
	readonly router: string;
	readonly #made: string[] = [];
	readonly #forget: () => void;

	constructor(name: string) {
		this.near = { namespace: `${name}-near`, address: NEAR_ADDRESS };
		this.far = { namespace: `${name}-far`, address: FAR_ADDRESS };
		this.router = `${name}-router`;
		this.#forget = onCleanup(() => this.#removeAll());
		for (const { namespace } of [this.near, this.far]) {
			this.add(namespace);
			// What a connection learnt of the way must not be known to the next one.
			inNamespace(namespace, "sysctl", "net.ipv4.tcp_no_metrics_save=1");
		}
	}

	add(namespace: string): void {
		run("ip", "netns", "add", namespace);
		this.#made.push(namespace);
		run("ip", "-n", namespace, "link", "set", "lo", "up");
	}

	start(side: NetworkSide, command: string, args: readonly string[], options?: ProcessOptions): RunningProcess {
		return startProcess("ip", ["netns", "exec", side.namespace, command, ...args], options);
	}

	remove(): void {
		this.#forget();
		this.#removeAll();
	}

	#removeAll(): void {
		for (const namespace of this.#made.splice(0)) run("ip", "netns", "delete", namespace);
	}
}

class TunLink implements ShapedLink {
	readonly near: NetworkSide;
	readonly far: NetworkSide;
	readonly start: Sides["start"];
	readonly #sides: Sides;
	readonly #process: RunningProcess;
	readonly #commands: PassThrough;
	#lastId = 0;

	private constructor(sides: Sides, running: RunningProcess, commands: PassThrough) {
		this.#sides = sides;
		this.near = sides.near;
		this.far = sides.far;
		this.start = sides.start.bind(sides);
		this.#process = running;
		this.#commands = commands;
	}

	static async make(sides: Sides, options: ShapedLinkOptions, number: number): Promise<TunLink> {
		const { down, up = DEFAULT_UP, rttMs = DEFAULT_RTT_MS } = options;
		const name = `ps${process.pid.toString(36)}x${number}`;
		const devices = [`${name}n`, `${name}f`] as const;
		const settings: LinkProcessSettings = { devices, down, up, delayMs: rttMs / 2 };
		const commands = new PassThrough();
		const running = startProcess(process.execPath, [PROCESS, JSON.stringify(settings)], { input: commands });
		await running.waitForLine(/^ready$/);
		connect(sides.near.namespace, devices[0], NEAR_ADDRESS, FAR_ADDRESS);
		connect(sides.far.namespace, devices[1], FAR_ADDRESS, NEAR_ADDRESS);
		const link = new TunLink(sides, running, commands);
		await link.#ask({ kind: "start" });
		return link;
	}

	setRate(rateBps: number): Promise<number> {
		return this.play([{ durationMs: 0, rateBps }]);
	}

	async play(steps: readonly RateStep[]): Promise<number> {
		const { at } = await this.#ask({ kind: "rates", steps });
		return at - monotonicOffset();
	}

	async counts(): Promise<ShapedLinkCounts> {
		const { counts } = await this.#ask({ kind: "counts" });
		return counts!;
	}

	async remove(): Promise<void> {
		this.#commands.end();
		await this.#process.exited;
		this.#sides.remove();
	}

	async #ask(command: WithoutId<LinkCommand>): Promise<LinkAnswer> {
		const id = ++this.#lastId;
		this.#commands.write(`${JSON.stringify({ id, ...command })}\n`);
		const [line] = await this.#process.waitForLine(new RegExp(`^\\{"id":${id},.*\\}$`));
		return JSON.parse(line) as LinkAnswer;
	}
}

type WithoutId<Command> = Command extends unknown ? Omit<Command, "id"> : never;

/** Moves a tun device to where it belongs, and makes it the way to the other side. */
function connect(namespace: string, device: string, own: string, peer: string): void {
	run("ip", "link", "set", device, "netns", namespace, "name", CABLE);
	run("ip", "-n", namespace, "address", "add", own, "peer", peer, "dev", CABLE);
	run("ip", "-n", namespace, "link", "set", CABLE, "mtu", "1500", "txqueuelen", "1000", "up");
}

class TokenBucketLink implements ShapedLink {
	readonly near: NetworkSide;
	readonly far: NetworkSide;
	readonly start: Sides["start"];
	readonly #sides: Sides;
	readonly #down: LinkDirection;
	readonly #played = new Set<NodeJS.Timeout>();

	constructor(sides: Sides, { down }: ShapedLinkOptions) {
		this.#sides = sides;
		this.near = sides.near;
		this.far = sides.far;
		this.start = sides.start.bind(sides);
		this.#down = down;
		sides.add(sides.router);
		inNamespace(sides.router, "sysctl", "net.ipv4.ip_forward=1");
		for (const [name, { namespace, address }, gateway] of [
			["near", sides.near, "10.78.0.2"],
			["far", sides.far, "10.78.0.6"],
		] as const) {
			run("ip", "link", "add", CABLE, "netns", namespace, "type", "veth", "peer", "name", name, "netns", sides.router);
			run("ip", "-n", namespace, "address", "add", `${address}/30`, "dev", CABLE);
			run("ip", "-n", sides.router, "address", "add", `${gateway}/30`, "dev", name);
			run("ip", "-n", namespace, "link", "set", CABLE, "up");
			run("ip", "-n", sides.router, "link", "set", name, "up");
			run("ip", "-n", namespace, "route", "add", "default", "via", gateway);
		}
		this.#shape(down.rateBps);
	}

	async setRate(rateBps: number): Promise<number> {
		return this.play([{ durationMs: 0, rateBps }]);
	}

	async play(steps: readonly RateStep[]): Promise<number> {
		for (const timer of this.#played) clearTimeout(timer);
		this.#played.clear();
		let delay = 0;
		for (const [index, { durationMs, rateBps }] of steps.entries()) {
			if (index === 0) this.#shape(rateBps);
			else this.#played.add(setTimeout(() => this.#shape(rateBps), delay));
			delay += durationMs;
		}
		return performance.now();
	}

	async counts(): Promise<ShapedLinkCounts> {
		const shown = execFileSync("tc", ["-n", this.#sides.router, "-s", "-j", "qdisc", "show", "dev", "far"], {
			encoding: "utf8",
		});
		const [bucket] = JSON.parse(shown) as { packets: number; bytes: number; drops: number; backlog: number }[];
		const { packets, bytes, drops, backlog } = bucket!;
		const none = { packets: 0, bytes: 0, droppedPackets: 0, droppedBytes: 0, peakQueuedBytes: 0 };
		const down = { packets, bytes, droppedPackets: drops, droppedBytes: drops * 1514, peakQueuedBytes: backlog };
		return { down, up: none };
	}

	async remove(): Promise<void> {
		for (const timer of this.#played) clearTimeout(timer);
		this.#sides.remove();
	}

	#shape(rateBps: number): void {
		const { queueBytes, burstBytes = DEFAULT_BURST_BYTES } = this.#down;
		const limits = ["rate", `${Math.round(rateBps)}bit`, "burst", `${burstBytes}`, "limit", `${queueBytes}`];
		run("tc", "-n", this.#sides.router, "qdisc", "replace", "dev", "far", "root", "tbf", ...limits);
	}
}

const inNamespace = (namespace: string, ...command: string[]): void =>
	run("ip", "netns", "exec", namespace, ...command);

function run(command: string, ...args: string[]): void {
	execFileSync(command, args, { stdio: ["ignore", "ignore", "inherit"] });
}
