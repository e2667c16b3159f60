/**
 * A medium whose packets come by UDP: the engine hands them from its publisher to its receivers, and none comes into this
 * process unless somebody here listens. RTCP always does, for a packet in five seconds tells whose stream it is. While
 * nobody listens nobody knows how its packets are received: an engine counts them, and does not read their numbers.
 */
import { messageOf, type PenstockError } from "../../base/errors.ts";
import type { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type { ReportBlock } from "../../media/rtp/rtcp.ts";
import type { MediumStart, PacketKind } from "../../rtsp/application.ts";
import type { Traffic } from "../../wire/distributor-answer.ts";
import { Landing } from "./landing.ts";
import type { MediumFlow, PacketListener } from "./medium-flow.ts";
import { PacketNotes } from "./packet-notes.ts";
import type { MediaPorts } from "./port-pairs.ts";
import type { RulePair, UdpReceiver } from "./rule-pair.ts";

export class RuleFlow implements MediumFlow {
	readonly #pair: RulePair;
	readonly #onFault: (text: string) => void;
	readonly #listeners = new Set<PacketListener>();
	readonly #notes: PacketNotes;
	readonly #unwatch: () => void;
	#leaveReports: () => void;
	#leavePackets: (() => void) | undefined;

	/**
	 * @param onPackets told every few seconds while packets come
	 * @param onFault what went wrong inside, a clause
	 */
	constructor(pair: RulePair, meter: ReceptionMeter, onPackets: () => void, onFault: (text: string) => void) {
		this.#pair = pair;
		this.#notes = new PacketNotes(meter);
		this.#onFault = onFault;
		this.#unwatch = pair.watch(onPackets);
		this.#leaveReports = this.#land("rtcp");
	}

	async ports(): Promise<MediaPorts> {
		return this.#pair.ports;
	}

	hindrance(receiver: UdpReceiver): PenstockError | undefined {
		return this.#pair.hindrance(receiver);
	}

	add(receiver: UdpReceiver): Promise<PenstockError | undefined> {
		return this.#pair.add(receiver);
	}

	remove(receiver: UdpReceiver): void {
		this.#pair.remove(receiver);
	}

	sent(receiver: UdpReceiver): Promise<Traffic | undefined> {
		return this.#pair.sent(receiver);
	}

	listen(listener: PacketListener): () => void {
		this.#listeners.add(listener);
		this.#leavePackets ??= this.#land("rtp");
		return () => {
			this.#listeners.delete(listener);
			if (this.#listeners.size > 0) return;
			this.#leavePackets?.();
			this.#leavePackets = undefined;
			this.#notes.interrupt();
		};
	}

	/** What was seen while somebody listened is old when nobody does. */
	get next(): MediumStart {
		return this.#leavePackets === undefined ? {} : this.#notes.next;
	}

	get ssrc(): number | undefined {
		return this.#notes.ssrc;
	}

	/** For a report to its sender that goes out now; undefined where its packets do not come here. */
	takeBlock(): ReportBlock | undefined {
		return this.#notes.takeBlock();
	}

	close(): void {
		this.#unwatch();
		this.#listeners.clear();
		this.#leavePackets?.();
		this.#leaveReports();
		this.#pair.close();
	}

	/** @returns what ends it, at any time */
	#land(kind: PacketKind): () => void {
		let left = false;
		let leave = (): void => {
			left = true;
		};
		Landing.open(this.#pair.ports[kind], (bytes) => this.#packet(kind, bytes)).then(
			(landing) => {
				if (left) return landing.close();
				const untap = this.#pair.tap(kind, landing.port);
				leave = () => {
					untap();
					landing.close();
				};
			},
			(thrown: unknown) => this.#onFault(`its ${kind.toUpperCase()} does not come here: ${messageOf(thrown)}`),
		);
		return () => leave();
	}

	#packet(kind: PacketKind, bytes: Buffer): void {
		this.#notes.note(bytes);
		for (const listener of this.#listeners) listener(kind, bytes);
	}
}
