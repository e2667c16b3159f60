/**
 * A stream as a multicast group: a receiver like any other for its media, for as long as somebody watches by it. The
 * group and its ports are the server's to choose, and stay with the stream.
 */
import { PenstockError } from "../../base/errors.ts";
import type { MediumFlow } from "./medium-flow.ts";
import type { MulticastGroups } from "./multicast-groups.ts";
import type { MediaPorts, PortPairs } from "./port-pairs.ts";
import type { UdpReceiver } from "./rule-pair.ts";

export interface StreamGroupParts {
	readonly groups: MulticastGroups;
	readonly pairs: PortPairs;
	readonly ttl: number;
}

export interface GroupReceiver extends UdpReceiver {
	readonly ports: MediaPorts;
	readonly ttl: number;
}

export class StreamGroup {
	readonly #parts: StreamGroupParts;
	readonly #media = new Map<number, GroupReceiver>();
	/** How many players watch a medium by it. */
	readonly #counts = new Map<number, number>();
	#address: string | undefined;
	#closed = false;

	constructor(parts: StreamGroupParts) {
		this.#parts = parts;
	}

	/** @returns where a medium goes, or why it goes nowhere */
	async receiverOf(medium: number): Promise<GroupReceiver | PenstockError> {
		const known = this.#media.get(medium);
		if (known !== undefined) return known;
		const { groups, pairs, ttl } = this.#parts;
		const ports = await pairs.take(4);
		if (this.#closed || ports === undefined) {
			if (ports !== undefined) pairs.release(ports);
			return new PenstockError("RTSP_TRANSPORT", "publish.rtsp.ports has no pair left for a group.");
		}
		this.#address ??= groups.take();
		if (this.#address === undefined) {
			pairs.release(ports);
			return new PenstockError("RTSP_TRANSPORT", "publish.rtsp.multicast.groups has no group left.");
		}
		const receiver = { address: this.#address, ports, ttl };
		this.#media.set(medium, receiver);
		return receiver;
	}

	/** After `receiverOf`. */
	async join(medium: number, flow: MediumFlow): Promise<PenstockError | undefined> {
		const count = (this.#counts.get(medium) ?? 0) + 1;
		this.#counts.set(medium, count);
		const error = count === 1 ? await flow.add(this.#media.get(medium)!) : undefined;
		if (error !== undefined) this.#counts.set(medium, this.#counts.get(medium)! - 1);
		return error;
	}

	/** Who has joined. */
	leave(medium: number, flow: MediumFlow): void {
		const count = this.#counts.get(medium)! - 1;
		this.#counts.set(medium, count);
		if (count === 0) flow.remove(this.#media.get(medium)!);
	}

	/** Those that somebody watches by. */
	get receivers(): readonly (readonly [number, GroupReceiver])[] {
		return [...this.#media].filter(([medium]) => (this.#counts.get(medium) ?? 0) > 0);
	}

	close(): void {
		this.#closed = true;
		if (this.#address !== undefined) this.#parts.groups.release(this.#address);
		for (const { ports } of this.#media.values()) this.#parts.pairs.release(ports);
		this.#media.clear();
		this.#counts.clear();
	}
}
