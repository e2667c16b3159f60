/** Makes the rules of streams: which engine, which ports, under what names. */
import { messageOf, PenstockError } from "../../base/errors.ts";
import type { RtspUdpConfig } from "../config-publish.ts";
import { FedFlow } from "./fed-flow.ts";
import { MulticastGroups } from "./multicast-groups.ts";
import type { PacketPlane } from "./packet-plane.ts";
import type { PacketPlanes } from "./packet-planes.ts";
import { PortPairs } from "./port-pairs.ts";
import { type PacketSource, RulePair, type RulePairOrder, ruleName } from "./rule-pair.ts";
import type { StreamGroupParts } from "./stream-group.ts";

const LOOPBACK = "127.0.0.1";

export class StreamRules {
	readonly #planes: PacketPlanes;
	readonly #limits: RtspUdpConfig | undefined;
	readonly #pairs: PortPairs | undefined;
	/** Undefined: nothing goes to groups. */
	readonly multicast: StreamGroupParts | undefined;
	#serial = 0;

	/** @param udp undefined: media go on the connections alone */
	constructor(planes: PacketPlanes, udp: RtspUdpConfig | undefined, random: () => number) {
		this.#planes = planes;
		this.#limits = udp;
		this.#pairs = udp && new PortPairs(udp.ports, random);
		const groups = udp?.multicast;
		this.multicast = groups && {
			groups: new MulticastGroups(groups.groups),
			pairs: this.#pairs!,
			ttl: groups.ttl,
		};
	}

	/**
	 * For what a publisher sends to an address of this machine. Never rejects.
	 * @param label `app/stream`
	 * @returns RTSP_TRANSPORT where it cannot be had by UDP
	 */
	async pairAt(
		label: string,
		medium: number,
		address: string,
		source: PacketSource,
	): Promise<RulePair | PenstockError> {
		return await this.#pair(() => this.#planes.planeFor(address), { label, medium, address, source });
	}

	/** For what is in this process. */
	fedFlow(label: string, medium: number): FedFlow {
		if (this.#limits === undefined) return new FedFlow(undefined);
		return new FedFlow((source) =>
			this.#pair(() => this.#planes.planeFromProcess(), { label, medium, address: LOOPBACK, source }),
		);
	}

	async #pair(
		planeOf: () => Promise<PacketPlane>,
		order: { readonly label: string; readonly medium: number } & Pick<RulePairOrder, "address" | "source">,
	): Promise<RulePair | PenstockError> {
		const [limits, pairs] = [this.#limits, this.#pairs];
		if (limits === undefined || pairs === undefined) {
			return new PenstockError("RTSP_TRANSPORT", "media go on the connection alone here (publish.rtsp.udp).");
		}
		try {
			const plane = await planeOf();
			const { label, medium, address, source } = order;
			const name = ruleName(plane, label, medium, () => ++this.#serial);
			return await RulePair.open({ plane, pairs, limits, name, address, source });
		} catch (thrown) {
			if (thrown instanceof PenstockError) return thrown;
			return new PenstockError("INTERNAL", `the rules of ${order.label} failed: ${messageOf(thrown)}.`);
		}
	}
}
