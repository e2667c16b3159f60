/**
 * Where the contenders meet: two network namespaces with one cable. The near one is the server, with one port; the far
 * one is the publisher and all receivers, whose packets end in the sink. Everybody uses the same port, and none shares
 * it with another.
 */
import { execFileSync } from "node:child_process";
import { PassThrough } from "node:stream";
import { setTimeout as pass } from "node:timers/promises";
import { createNetworkPair, type NetworkPair, type NetworkSide } from "../../test/kit/netns.ts";
import type { RunningProcess } from "../../test/kit/processes.ts";
import type { DistributionOptions } from "./options.ts";
import type { Tools } from "./tools.ts";

/** Both ends of the pair's cable are called so. */
export const PORT = "cable";
export const MEDIA_PORT = 5004;
export const RECEIVER_PORT = 6000;
/** Receivers lie behind the far side, as behind a router: one next hop, known for good. */
const RECEIVER_NETWORK = "10.79.0.0/16";
/** Who has had nothing for so long has had all. */
const QUIET_MS = 100;

export const receiverAddress = (index: number): string => `10.79.1.${1 + index}`;

/** What the sink has counted since `begin`. */
export interface Arrivals {
	readonly packets: number;
	readonly bytes: number;
	/** Frames that had not been cut into packets. */
	readonly joined: number;
	/** From the publisher's stamp. */
	readonly p50Us: number;
	readonly p99Us: number;
}

/** What the publisher did. */
export interface Published {
	readonly packets: number;
	readonly refused: number;
	readonly tookMs: number;
	readonly cpuMs: number;
}

export class Field {
	readonly server: NetworkSide;
	readonly farMac: string;
	readonly #pair: NetworkPair;
	readonly #tools: Tools;
	readonly #options: DistributionOptions;
	readonly #questions = new PassThrough();
	readonly #sink: RunningProcess;
	readonly #serverMac: string;
	#takes = 0;

	/** Use `Field.open`. */
	private constructor(pair: NetworkPair, tools: Tools, options: DistributionOptions) {
		this.#pair = pair;
		this.#tools = tools;
		this.#options = options;
		this.server = pair.near;
		this.farMac = macOf(pair.far);
		this.#serverMac = macOf(pair.near);
		for (const side of [pair.near, pair.far]) this.#prepare(side);
		inside(
			pair.near,
			"ip",
			"neigh",
			"replace",
			pair.far.address,
			"lladdr",
			this.farMac,
			"dev",
			PORT,
			"nud",
			"permanent",
		);
		inside(pair.near, "ip", "route", "add", RECEIVER_NETWORK, "via", pair.far.address);
		this.#sink = pair.start(pair.far, tools.sink, [PORT, tools.sinkProgram], { input: this.#questions });
	}

	static async open(tools: Tools, options: DistributionOptions): Promise<Field> {
		const field = new Field(createNetworkPair(), tools, options);
		await field.#sink.waitForLine(/^ready/);
		return field;
	}

	/** A process on the server. */
	start(command: string, args: readonly string[]): RunningProcess {
		return this.#pair.start(this.server, command, args);
	}

	/** What has come to the receivers since `begin`. */
	arrivals(): Promise<Arrivals> {
		return this.#ask("");
	}

	/** The receivers count from here. */
	async begin(): Promise<void> {
		await this.#ask(" begin");
	}

	/** Resolves when nothing comes any more: what was in somebody's queue has come. */
	async quiet(): Promise<void> {
		let before = -1;
		for (let now = (await this.arrivals()).packets; now !== before; now = (await this.arrivals()).packets) {
			before = now;
			await pass(QUIET_MS);
		}
	}

	async #ask(wish: "" | " begin"): Promise<Arrivals> {
		const take = ++this.#takes;
		this.#questions.write(`${take}${wish}\n`);
		const [line] = await this.#sink.waitForLine(new RegExp(`^\\{"take":${take},.*`));
		const arrivals = JSON.parse(line) as Arrivals;
		if (arrivals.joined > 0) {
			throw new Error(`${arrivals.joined} frames came uncut: the port leaves it to a device that does not.`);
		}
		return arrivals;
	}

	/** Publishes for a while; resolves when it is over. @param packetsPerSecond 0: as many as go */
	async publish(packetsPerSecond: number, forMs: number): Promise<Published> {
		const { publisherCpu, payloadBytes } = this.#options;
		const { near, far } = this.#pair;
		const flow = [PORT, this.#serverMac, far.address, near.address, MEDIA_PORT, payloadBytes];
		const args = ["-c", publisherCpu, this.#tools.publisher, ...flow, Math.round(packetsPerSecond), Math.round(forMs)];
		const publisher = this.#pair.start(far, "taskset", args.map(String));
		const { code } = await publisher.exited;
		if (code !== 0) throw new Error(`the publisher ended with ${code}: ${publisher.lastWords()}`);
		return JSON.parse(publisher.stdout) as Published;
	}

	/** Takes off what somebody who was stopped may have left at the port. */
	clear(): void {
		inside(this.server, "ip", "link", "set", "dev", PORT, "xdp", "off");
	}

	async close(): Promise<void> {
		this.#questions.end();
		await this.#sink.exited;
		this.#pair.remove();
	}

	/**
	 * The kernel hands packets over as it would to a card: cut (a veth would pass a large one on whole, which no wire
	 * does), and one by one (the far end must not join them again).
	 */
	#prepare(side: NetworkSide): void {
		inside(side, "ethtool", "-K", PORT, "tx-udp-segmentation", "off", "gro", "off");
	}
}

function inside(side: NetworkSide, command: string, ...args: string[]): string {
	return execFileSync("ip", ["netns", "exec", side.namespace, command, ...args], { encoding: "utf8" });
}

function macOf(side: NetworkSide): string {
	const [link] = JSON.parse(inside(side, "ip", "-json", "link", "show", "dev", PORT)) as { address: string }[];
	return link!.address;
}
