/**
 * One medium as rules of the distribution plane: one for its RTP, one for its RTCP, at an even port and the next. Only
 * its publisher's packets are taken, and players are its receivers: at the address that they were admitted with, from the
 * ports that they were told of (SEC9). The rules are the session's: nothing stores them, nobody else changes them.
 */
import { PenstockError } from "../../base/errors.ts";
import { isName } from "../../base/name.ts";
import { admitted } from "../../distribution/rule-limits.ts";
import type { PacketKind } from "../../rtsp/application.ts";
import { parseAddress } from "../../wire/distributor-address.ts";
import type { Traffic } from "../../wire/distributor-answer.ts";
import { DEFAULT_TTL, destinationKey, type Receiver } from "../../wire/distributor-rule.ts";
import type { Pair } from "../../wire/rtsp-transport.ts";
import type { RtspUdpConfig } from "../config-publish.ts";
import type { PacketPlane } from "./packet-plane.ts";
import type { MediaPorts, PortPairs } from "./port-pairs.ts";

export interface RulePairOrder {
	readonly plane: PacketPlane;
	readonly pairs: PortPairs;
	readonly limits: Pick<RtspUdpConfig, "packetsPerSecond" | "rate">;
	/** What the rules' names begin with. */
	readonly name: string;
	/** Of this machine, where the packets come. */
	readonly address: string;
	/** Whose packets they are. Without ports, from whichever of the address's. */
	readonly source: PacketSource;
}

export interface PacketSource {
	readonly address: string;
	readonly ports?: Pair;
}

/** Somebody who gets a medium's packets, or a group. */
export interface UdpReceiver {
	readonly address: string;
	readonly ports: Pair;
	readonly ttl?: number;
}

export const KINDS: readonly PacketKind[] = ["rtp", "rtcp"];
/** The end of the name of the rule by which our reports go to the publisher. */
export const REPORTS = "reports";
export const OURS = { origin: "session" } as const;
/** Of ports that looked free. */
const MOST_TRIES = 3;
/** What a receiver may get of RTCP: far more than comes. */
export const RTCP_RATES = { maxPacketsPerSecond: 100, maxBitsPerSecond: 500_000 };

export class RulePair {
	readonly ports: MediaPorts;
	readonly #order: RulePairOrder;
	/** How many sessions have a receiver, by kind and its key. */
	readonly #counts = new Map<string, number>();
	#closed = false;

	/** @returns the rules at work, or why there are none. */
	static async open(order: RulePairOrder): Promise<RulePair | PenstockError> {
		const { plane, pairs, address } = order;
		const hindrance = plane.away ?? plane.room(KINDS.length, 0);
		if (hindrance !== undefined) return hindrance;
		const family = parseAddress(address)?.family ?? 4;
		let refused = new PenstockError("RTSP_TRANSPORT", "publish.rtsp.ports has no pair left; widen the range.");
		for (let tries = 0; tries < MOST_TRIES; tries++) {
			const ports = await pairs.take(family);
			if (ports === undefined) return refused;
			const pair = new RulePair(order, ports);
			const error = await pair.#put();
			if (error === undefined) return pair;
			pair.close();
			refused = error;
			// Another port helps where somebody took this one in between.
			if (error.code !== "DISTRIBUTOR_REFUSED") return refused;
		}
		return refused;
	}

	private constructor(order: RulePairOrder, ports: MediaPorts) {
		this.#order = order;
		this.ports = ports;
	}

	ruleOf(kind: PacketKind): string {
		return `${this.#order.name}-${kind}`;
	}

	get hasReceivers(): boolean {
		return this.#counts.size > 0;
	}

	/** Whether somebody could be a receiver. @returns RULE_NETWORK, RULE_LIMIT, RULE_INVALID */
	hindrance(receiver: UdpReceiver): PenstockError | undefined {
		const { plane } = this.#order;
		if (parseAddress(receiver.address) === undefined) {
			return new PenstockError("RULE_INVALID", `${receiver.address} is no address that packets can be sent to.`);
		}
		try {
			for (const [kind, one] of this.#receiversOf(receiver)) admitted(one, this.ruleOf(kind), plane.table.limits);
		} catch (thrown) {
			return errorOf(thrown);
		}
		return plane.room(0, KINDS.length);
	}

	/** Resolves when it gets packets, or with why it does not. */
	async add(receiver: UdpReceiver): Promise<PenstockError | undefined> {
		if (this.#closed) return new PenstockError("CHANNEL_NOT_READY", "its publisher has left.");
		const added: (readonly [PacketKind, Receiver])[] = [];
		let error = this.hindrance(receiver);
		for (const [kind, one] of error === undefined ? this.#receiversOf(receiver) : []) {
			error ??= this.#addOne(kind, one);
			if (error === undefined) added.push([kind, one]);
		}
		error ??= await this.#order.plane.carriedOut(added.map(([kind]) => this.ruleOf(kind)));
		if (error !== undefined) for (const [kind, one] of added) this.#removeOne(kind, one);
		return error;
	}

	/** Only who was added. */
	remove(receiver: UdpReceiver): void {
		for (const [kind, one] of this.#receiversOf(receiver)) this.#removeOne(kind, one);
	}

	/** RTP that a receiver was sent since it was added; undefined where the engine tells of none such. */
	async sent({ address, ports }: UdpReceiver): Promise<Traffic | undefined> {
		const receivers = await this.#order.plane.receiversOf(this.ruleOf("rtp"));
		const found = receivers.get(destinationKey({ address, port: ports.rtp }));
		return found && { packets: found.packets, bytes: found.bytes };
	}

	/** @param onPackets told every few seconds while the publisher's packets come */
	watch(onPackets: () => void): () => void {
		return this.#order.plane.watch(this.ruleOf("rtp"), onPackets);
	}

	/** Packets come to a port of this process, too. @returns what ends that */
	tap(kind: PacketKind, port: number): () => void {
		const receiver: Receiver = { address: "127.0.0.1", port, ttl: DEFAULT_TTL, dscp: 0 };
		return this.#order.plane.table.tap(this.ruleOf(kind), { receiver, owner: "RTSP" });
	}

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		const { plane, pairs } = this.#order;
		for (const kind of KINDS) {
			if (plane.table.originOf(this.ruleOf(kind)) === "session") plane.table.delete(this.ruleOf(kind), OURS);
		}
		// The engine may have the ports for a moment yet.
		void plane.carriedOut([]).then(() => pairs.release(this.ports));
	}

	/** A publisher without a port for RTCP sends none. */
	get #kinds(): readonly PacketKind[] {
		const { ports } = this.#order.source;
		return KINDS.filter((kind) => ports === undefined || ports[kind] !== undefined);
	}

	async #put(): Promise<PenstockError | undefined> {
		const { plane, address, source } = this.#order;
		const kinds = this.#kinds;
		try {
			for (const kind of kinds) {
				const port = source.ports?.[kind];
				const from = { address: source.address, ...(port !== undefined && { port }) };
				const match = { address, port: this.ports[kind], source: from };
				plane.table.put({ name: this.ruleOf(kind), match, media: kind, receivers: [] }, OURS);
			}
		} catch (thrown) {
			return errorOf(thrown);
		}
		return await plane.carriedOut(kinds.map((kind) => this.ruleOf(kind)));
	}

	#addOne(kind: PacketKind, receiver: Receiver): PenstockError | undefined {
		const key = `${kind} ${destinationKey(receiver)}`;
		const count = this.#counts.get(key) ?? 0;
		try {
			if (count === 0) this.#order.plane.table.addReceivers(this.ruleOf(kind), [receiver], OURS);
		} catch (thrown) {
			return errorOf(thrown);
		}
		this.#counts.set(key, count + 1);
		return undefined;
	}

	#removeOne(kind: PacketKind, receiver: Receiver): void {
		const key = `${kind} ${destinationKey(receiver)}`;
		const count = this.#counts.get(key) ?? 0;
		if (count > 1) this.#counts.set(key, count - 1);
		else this.#counts.delete(key);
		if (this.#closed || count !== 1) return;
		const { address, port } = receiver;
		this.#order.plane.table.removeReceivers(this.ruleOf(kind), [{ address, port }], OURS);
	}

	#receiversOf({ address, ports, ttl = DEFAULT_TTL }: UdpReceiver): (readonly [PacketKind, Receiver])[] {
		const { limits, plane } = this.#order;
		const { receiverPacketsPerSecond = Infinity, receiverBitsPerSecond = Infinity } = plane.table.limits;
		const rates = { maxPacketsPerSecond: limits.packetsPerSecond, maxBitsPerSecond: limits.rate };
		return this.#kinds.flatMap((kind) => {
			const port = ports[kind];
			if (port === undefined) return [];
			const { maxPacketsPerSecond, maxBitsPerSecond } = kind === "rtp" ? rates : RTCP_RATES;
			const bounded = {
				maxPacketsPerSecond: Math.min(maxPacketsPerSecond, receiverPacketsPerSecond),
				maxBitsPerSecond: Math.min(maxBitsPerSecond, receiverBitsPerSecond),
			};
			return [[kind, { address, port, ttl, dscp: 0, ...bounded }] as const];
		});
	}
}

/** A name for rules that no rule of the table has. @param serial another one each time */
export function ruleName(plane: PacketPlane, label: string, medium: number, serial: () => number): string {
	for (;;) {
		const name = `rtsp-${label.replace("/", "-").slice(0, 80)}-${serial()}-${medium}`;
		const isFree = [...KINDS, REPORTS].every((end) => plane.table.get(`${name}-${end}`) === undefined);
		if (isName(name) && isFree) return name;
	}
}

function errorOf(thrown: unknown): PenstockError {
	if (thrown instanceof PenstockError) return thrown;
	throw thrown;
}
