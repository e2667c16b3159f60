/** Makes the rules of streams: which engine, which ports, under what names. */
import { messageOf, PenstockError } from "../../base/errors.ts";
import type { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type { RtspUdpConfig } from "../config-publish.ts";
import { FedFlow, type OpenPair } from "./fed-flow.ts";
import { MulticastGroups } from "./multicast-groups.ts";
import type { PacketPlane } from "./packet-plane.ts";
import type { PacketPlanes } from "./packet-planes.ts";
import { PortPairs } from "./port-pairs.ts";
import { ReportRule, type ReportWay } from "./report-rule.ts";
import { type PacketSource, REPORTS, RulePair, type RulePairOrder, ruleName } from "./rule-pair.ts";
import type { StreamGroupParts } from "./stream-group.ts";

/** What a stream's rules share. */
type RulePlace = Pick<RulePairOrder, "plane" | "pairs" | "limits" | "name">;

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
		const planeOf = (): Promise<PacketPlane> => this.#planes.planeFor(address);
		return await this.#onPlane(label, medium, planeOf, (place) => RulePair.open({ ...place, address, source }));
	}

	/**
	 * For what is in this process.
	 * @param meter of what comes from somebody else
	 */
	fedFlow(label: string, medium: number, meter?: ReceptionMeter): FedFlow {
		if (this.#limits === undefined) return new FedFlow(undefined, meter);
		const planeOf = (): Promise<PacketPlane> => this.#planes.planeFromProcess();
		const open: OpenPair = (source) =>
			this.#onPlane(label, medium, planeOf, (place) => RulePair.open({ ...place, address: LOOPBACK, source }));
		return new FedFlow(open, meter);
	}

	/** By which our reports go to one who sends a medium by UDP. Never rejects. */
	async reportRule(label: string, medium: number, way: ReportWay): Promise<ReportRule | PenstockError> {
		const planeOf = (): Promise<PacketPlane> => this.#planes.planeFromProcess();
		return await this.#onPlane(label, medium, planeOf, ({ plane, pairs, name }) =>
			ReportRule.open({ plane, pairs, name: `${name}-${REPORTS}`, way }),
		);
	}

	async #onPlane<Rule>(
		label: string,
		medium: number,
		planeOf: () => Promise<PacketPlane>,
		open: (place: RulePlace) => Promise<Rule | PenstockError>,
	): Promise<Rule | PenstockError> {
		const [limits, pairs] = [this.#limits, this.#pairs];
		if (limits === undefined || pairs === undefined) {
			return new PenstockError("RTSP_TRANSPORT", "media go on the connection alone here (publish.rtsp.udp).");
		}
		try {
			const plane = await planeOf();
			const name = ruleName(plane, label, medium, () => ++this.#serial);
			return await open({ plane, pairs, limits, name });
		} catch (thrown) {
			if (thrown instanceof PenstockError) return thrown;
			return new PenstockError("INTERNAL", `the rules of ${label} failed: ${messageOf(thrown)}.`);
		}
	}
}
