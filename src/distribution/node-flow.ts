/**
 * One rule at work in this process: takes the packets of its match and hands each to every receiver. A change of its
 * receivers leaves the others' sockets alone, so that they lose and repeat nothing.
 */
import type { Socket } from "node:dgram";
import type { Clock } from "../base/clock.ts";
import type { RuleStats } from "../wire/distributor-answer.ts";
import type { DropReason } from "../wire/distributor-drops.ts";
import { mediaClassOf } from "../wire/distributor-media.ts";
import { destinationKey, type Receiver, type Rule } from "../wire/distributor-rule.ts";
import { Counters } from "./counters.ts";
import { NodeReceiver } from "./node-receiver.ts";
import { closed, type PacketHandler, receivingSocket } from "./udp-sockets.ts";

export class NodeFlow {
	readonly #clock: Clock;
	readonly #counters = new Counters();
	readonly #above: Counters;
	#rule: Rule;
	#socket: Socket | undefined;
	#receivers = new Map<string, NodeReceiver>();

	/** @param above the engine's own counters. It takes nothing before `change`. */
	constructor(rule: Rule, clock: Clock, above: Counters) {
		this.#rule = rule;
		this.#clock = clock;
		this.#above = above;
	}

	/**
	 * Brings it to a new state of its rule. Resolves when that holds: who was removed gets nothing any more.
	 * @throws the system's error; nothing has changed then
	 */
	async change(rule: Rule): Promise<void> {
		const opened: NodeReceiver[] = [];
		const receivers = new Map<string, NodeReceiver>();
		let socket = this.#socket;
		try {
			for (const receiver of rule.receivers) {
				const kept = this.#kept(receiver, rule);
				const one = kept ?? (await this.#opened(receiver, rule));
				if (kept === undefined) opened.push(one);
				receivers.set(destinationKey(receiver), one);
			}
			if (socket === undefined || destinationKey(rule.match) !== destinationKey(this.#rule.match)) {
				socket = await receivingSocket(rule.match, this.#onPacket);
			}
		} catch (thrown) {
			await Promise.all(opened.map((one) => one.close()));
			throw thrown;
		}
		const gone = [...this.#receivers.values()].filter((one) => receivers.get(destinationKey(one.receiver)) !== one);
		const before = this.#socket;
		this.#rule = rule;
		this.#receivers = receivers;
		this.#socket = socket;
		if (before !== undefined && before !== socket) await closed(before);
		await Promise.all(gone.map((one) => one.close()));
	}

	async close(): Promise<void> {
		const receivers = [...this.#receivers.values()];
		this.#receivers = new Map();
		if (this.#socket !== undefined) await closed(this.#socket);
		this.#socket = undefined;
		await Promise.all(receivers.map((one) => one.close()));
	}

	stats(withReceivers: boolean): RuleStats {
		const { name, generation } = this.#rule;
		return {
			...{ name, generation },
			received: this.#counters.received.reading,
			sent: this.#counters.sent.reading,
			drops: this.#counters.drops.reading,
			...(withReceivers && { receivers: [...this.#receivers.values()].map(({ stats }) => stats) }),
		};
	}

	/** The socket that a receiver has, where nothing is to be changed about it. */
	#kept(receiver: Receiver, rule: Rule): NodeReceiver | undefined {
		const there = this.#receivers.get(destinationKey(receiver));
		if (there === undefined) return undefined;
		const same = there.receiver === receiver || JSON.stringify(there.receiver) === JSON.stringify(receiver);
		const isSamePort =
			there.sourcePort === sourcePortOf(receiver, rule) && there.sharesPort === sharesPort(receiver, rule);
		return same && isSamePort ? there : undefined;
	}

	#opened(receiver: Receiver, rule: Rule): Promise<NodeReceiver> {
		return NodeReceiver.open({
			receiver,
			sourcePort: sourcePortOf(receiver, rule),
			sharesPort: sharesPort(receiver, rule),
			clock: this.#clock,
			above: [this.#counters, this.#above],
			replaces: this.#receivers.get(destinationKey(receiver)),
		});
	}

	readonly #onPacket: PacketHandler = (payload, from) => {
		const reason = this.#hindrance(payload, from);
		if (reason !== undefined) {
			this.#counters.drops.add(reason);
			this.#above.drops.add(reason);
			return;
		}
		this.#counters.received.add(payload.length);
		this.#above.received.add(payload.length);
		for (const receiver of this.#receivers.values()) receiver.send(payload);
	};

	#hindrance(payload: Buffer, from: { readonly address: string; readonly port: number }): DropReason | undefined {
		const { match, media } = this.#rule;
		const medium = mediaClassOf(payload);
		if (medium === undefined) return "no-media";
		const { source } = match;
		if (source !== undefined) {
			if (source.address !== from.address) return "wrong-source";
			if (source.port !== undefined && source.port !== from.port) return "wrong-source";
		}
		return media === "any-media" || media === medium ? undefined : "wrong-media";
	}
}

const sourcePortOf = ({ sourcePort }: Receiver, { match }: Rule): number => sourcePort ?? match.port;
const sharesPort = (receiver: Receiver, rule: Rule): boolean => sourcePortOf(receiver, rule) !== rule.match.port;
