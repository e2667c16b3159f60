/**
 * The way of our reports to one who sends a medium by UDP: a rule takes them on the loopback, from this process alone, and
 * they leave from the RTCP port that he was told, which is the engine's. They go to the address of his own connection and
 * nowhere else, a packet in a few seconds; so he needs no place among the receivers, nor in the networks that those may be
 * in.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { messageOf, PenstockError } from "../../base/errors.ts";
import { DEFAULT_TTL } from "../../wire/distributor-rule.ts";
import type { PacketPlane } from "./packet-plane.ts";
import type { MediaPorts, PortPairs } from "./port-pairs.ts";
import { OURS, RTCP_RATES } from "./rule-pair.ts";

/** From which port to whom. */
export interface ReportWay {
	readonly from: number;
	readonly address: string;
	readonly port: number;
}

export interface ReportRuleOrder {
	/** One that takes packets of this process. */
	readonly plane: PacketPlane;
	readonly pairs: PortPairs;
	/** The rule's. */
	readonly name: string;
	readonly way: ReportWay;
}

const LOOPBACK = "127.0.0.1";
/** Where no more than so many rules are left, they are for media. */
const RULES_FOR_MEDIA = 32;

export class ReportRule {
	readonly #order: ReportRuleOrder;
	readonly #socket: Socket;
	readonly #ports: MediaPorts;
	#untap: () => void = () => undefined;

	/** @returns the rule at work, or why there is none */
	static async open(order: ReportRuleOrder): Promise<ReportRule | PenstockError> {
		const { plane, pairs } = order;
		const hindrance = plane.away ?? plane.room(1 + RULES_FOR_MEDIA, 0);
		if (hindrance !== undefined) return hindrance;
		const ports = await pairs.take(4);
		if (ports === undefined) return new PenstockError("RTSP_TRANSPORT", "publish.rtsp.ports has no pair left.");
		const rule = new ReportRule(order, ports);
		const error = await rule.#start();
		if (error === undefined) return rule;
		rule.close();
		return error;
	}

	private constructor(order: ReportRuleOrder, ports: MediaPorts) {
		this.#order = order;
		this.#ports = ports;
		this.#socket = createSocket("udp4");
		this.#socket.on("error", () => undefined);
	}

	/** @param compound may be lost, as any datagram may */
	send(compound: Uint8Array): void {
		this.#socket.send(compound, this.#ports.rtcp, LOOPBACK, () => undefined);
	}

	close(): void {
		const { plane, pairs, name } = this.#order;
		this.#untap();
		if (plane.table.originOf(name) === "session") plane.table.delete(name, OURS);
		this.#socket.close();
		// The engine may have the port for a moment yet.
		void plane.carriedOut([]).then(() => pairs.release(this.#ports));
	}

	async #start(): Promise<PenstockError | undefined> {
		const { plane, name, way } = this.#order;
		try {
			this.#socket.bind({ address: LOOPBACK, port: 0, exclusive: true });
			await once(this.#socket, "listening");
			const source = { address: LOOPBACK, port: this.#socket.address().port };
			const match = { address: LOOPBACK, port: this.#ports.rtcp, source };
			plane.table.put({ name, match, media: "rtcp", receivers: [] }, OURS);
		} catch (thrown) {
			if (thrown instanceof PenstockError) return thrown;
			return new PenstockError("RTSP_TRANSPORT", `no UDP port of the loopback can be had: ${messageOf(thrown)}.`);
		}
		const { address, port, from: sourcePort } = way;
		const receiver = { ...{ address, port, sourcePort }, ttl: DEFAULT_TTL, dscp: 0, ...RTCP_RATES };
		this.#untap = plane.table.tap(name, { receiver, owner: "RTSP" });
		return await plane.carriedOut([name]);
	}
}
