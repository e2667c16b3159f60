/**
 * A publisher's session, from ANNOUNCE to its end: each medium by UDP, as rules, or on its connection; from RECORD on a
 * stream for players, and for the channel that waits for it.
 */
import type { Timer } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { Publication } from "../../ingest/publications.ts";
import type { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type {
	Answer,
	MediaLink,
	MediaSession,
	MediumStart,
	PacketKind,
	RtspPeer,
	SetUpAnswer,
	TransportWish,
} from "../../rtsp/application.ts";
import { parseAddress } from "../../wire/distributor-address.ts";
import type { SdpSession } from "../../wire/sdp.ts";
import type { Wanted } from "../wanted.ts";
import { FedFlow } from "./fed-flow.ts";
import type { MediumFlow } from "./medium-flow.ts";
import { meterFor, pathByRule, ReceiverReports, type ReportPath } from "./receiver-reports.ts";
import type { RelaySurroundings } from "./relay-surroundings.ts";
import { RelayedStream } from "./relayed-stream.ts";
import { RuleFlow } from "./rule-flow.ts";
import { type IntakeMedium, StreamIntake } from "./stream-intake.ts";

export interface RelayPublisherParts extends RelaySurroundings {
	/** `app/stream` */
	readonly label: string;
	readonly peer: RtspPeer;
	readonly description: SdpSession;
	readonly link: MediaLink;
	readonly publication: Publication;
	/** Of the channel that takes what it publishes; undefined where none does. */
	readonly wanted: Wanted | undefined;
	/** From RECORD on. */
	readonly onStream: (stream: RelayedStream) => void;
	readonly onEnd: () => void;
}

export class RelayPublisher implements MediaSession {
	readonly #parts: RelayPublisherParts;
	/** Those that were set up. */
	readonly #flows = new Map<number, RuleFlow | FedFlow>();
	/** By which reports go to the publisher, from RECORD on. */
	readonly #paths = new Map<number, () => ReportPath>();
	#reports: ReceiverReports | undefined;
	readonly #timer: Timer;
	#stream: RelayedStream | undefined;
	#intake: StreamIntake | undefined;
	#flowing = false;
	#closed = false;

	constructor(parts: RelayPublisherParts) {
		this.#parts = parts;
		const { clock, setupTimeout, link, label } = parts;
		this.#timer = clock.after(setupTimeout, () => {
			const text = `${label}: its publisher did not RECORD within ${setupTimeout} ms.`;
			link.end(new PenstockError("RTSP_TIMEOUT", text));
		});
	}

	async setUp(medium: number, wish: TransportWish): Promise<SetUpAnswer> {
		switch (wish.kind) {
			case "multicast":
				return { kind: "unsupported" };
			case "interleaved":
				this.#setUpInterleaved(medium);
				return { kind: "granted", grant: wish };
			case "udp":
				return await this.#setUpUdp(medium, wish);
		}
	}

	/** A stream that nobody could see into before RECORD is there from now on. */
	async start(): Promise<Answer<readonly MediumStart[]>> {
		this.#timer.cancel();
		this.#flowing = true;
		if (this.#stream === undefined) this.#begin();
		return { kind: "ok", value: [] };
	}

	/** What comes on the connection is left out; by UDP, what comes still goes to those who have asked for it. */
	async pause(): Promise<Answer<undefined>> {
		this.#flowing = false;
		return { kind: "ok", value: undefined };
	}

	packet(medium: number, kind: PacketKind, bytes: Uint8Array): void {
		const flow = this.#flows.get(medium);
		if (this.#flowing && flow instanceof FedFlow) flow.push(kind, bytes);
	}

	close(error: PenstockError | undefined): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#timer.cancel();
		this.#reports?.end();
		this.#intake?.end();
		this.#parts.publication.end(error);
		if (this.#stream === undefined) for (const flow of this.#flows.values()) flow.close();
		this.#stream?.end("its publisher has left");
		this.#parts.onEnd();
	}

	#setUpInterleaved(medium: number): void {
		const { rules, label, link } = this.#parts;
		this.#flows.set(medium, rules.fedFlow(label, medium, this.#meterOf(medium)));
		// One that does not read what it is sent has reports when it does: nothing gathers.
		const send = (compound: Uint8Array): void => void (link.queuedBytes === 0 && link.send(medium, "rtcp", compound));
		this.#paths.set(medium, () => ({ send, close: () => undefined }));
	}

	async #setUpUdp(medium: number, { clientPorts }: Extract<TransportWish, { kind: "udp" }>): Promise<SetUpAnswer> {
		const { rules, peer, label, link, onFault } = this.#parts;
		const [from, to] = [parseAddress(peer.address), parseAddress(peer.localAddress)];
		if (from === undefined || to === undefined) return { kind: "unsupported" };
		const source = { address: from.text, ports: clientPorts };
		const pair = await rules.pairAt(label, medium, to.text, source);
		if (pair instanceof PenstockError) {
			// Where there is no room for another rule, the connection does.
			if (pair.code === "RULE_LIMIT") onFault(pair);
			else if (pair.code !== "RTSP_TRANSPORT") return { kind: "refused", error: pair };
			return { kind: "unsupported" };
		}
		if (this.#closed) {
			pair.close();
			return { kind: "refused", error: new PenstockError("RTSP_TIMEOUT", "the session has ended.") };
		}
		const told = (text: string): void => onFault(new PenstockError("RTSP_TRANSPORT", `${label}: ${text}.`));
		this.#flows.set(medium, new RuleFlow(pair, this.#meterOf(medium), () => link.alive(), told));
		const { rtcp: port } = clientPorts;
		// Who names no port for RTCP gets none.
		if (port !== undefined) {
			const way = { from: pair.ports.rtcp, address: from.text, port };
			this.#paths.set(medium, () => pathByRule(rules.reportRule(label, medium, way), onFault));
		}
		return { kind: "granted", grant: { kind: "udp", serverPorts: pair.ports } };
	}

	#begin(): void {
		const { label, description, rules, clock, random, onStream } = this.#parts;
		// A medium that was announced and never set up is one from which nothing comes.
		const flows = description.media.map(
			(_, medium): MediumFlow => this.#flows.get(medium) ?? rules.fedFlow(label, medium),
		);
		const { multicast } = rules;
		this.#stream = new RelayedStream({ label, description, flows, multicast });
		this.#feedChannel();
		this.#reports = new ReceiverReports({ clock, random, flows: this.#flows, paths: this.#paths });
		onStream(this.#stream);
	}

	#meterOf(medium: number): ReceptionMeter {
		return meterFor(this.#parts.clock, this.#parts.description.media[medium]!);
	}

	#feedChannel(): void {
		const { description, clock, publication, wanted } = this.#parts;
		if (wanted === undefined) return;
		const media = [...this.#flows].map(([medium, flow]): [number, IntakeMedium] => [
			medium,
			{ flow, inOrder: flow instanceof FedFlow },
		]);
		this.#intake = new StreamIntake({ description, media: new Map(media), clock, sink: publication.sink, wanted });
	}
}
