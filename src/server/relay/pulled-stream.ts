/**
 * One pull of a stream, from the dialling to its end: by UDP its media are rules, as a publisher's are, or they come on
 * the connection; from PLAY on it is a stream for players and for the channel.
 */
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type { StreamSink } from "../../media/stream-reader.ts";
import type { PacketKind } from "../../rtsp/application.ts";
import type { PullApplication, PullClient } from "../../rtsp/pull-client.ts";
import { openPull } from "../../rtsp/pull-source.ts";
import type { PullUrl } from "../../rtsp/pull-url.ts";
import { parseAddress } from "../../wire/distributor-address.ts";
import type { Pair } from "../../wire/rtsp-transport.ts";
import type { SdpSession } from "../../wire/sdp.ts";
import { payloadsOf } from "../../wire/sdp-payloads.ts";
import type { PullConfig } from "../config.ts";
import type { Wanted } from "../wanted.ts";
import { FedFlow } from "./fed-flow.ts";
import type { MediaPorts } from "./port-pairs.ts";
import { meterFor, pathByRule, ReceiverReports, type ReportPath } from "./receiver-reports.ts";
import { RelayedStream } from "./relayed-stream.ts";
import { RuleFlow } from "./rule-flow.ts";
import { type IntakeMedium, StreamIntake } from "./stream-intake.ts";
import type { StreamRules } from "./stream-rules.ts";

export interface PulledStreamParts {
	/** `app/stream` */
	readonly label: string;
	readonly url: PullUrl;
	/** What to dial, judged already. */
	readonly address: string;
	readonly transport: PullConfig["transport"];
	readonly rules: StreamRules;
	readonly clock: Clock;
	/** From 0 to below 1. */
	readonly random: () => number;
	/** Without an answer or a packet. */
	readonly silenceMs: number;
	/** The channel's. */
	readonly sink: StreamSink;
	readonly wanted: Wanted;
	readonly onFault: (error: PenstockError) => void;
	/** It plays. */
	readonly onStream: (stream: RelayedStream) => void;
	/** Once. @param error undefined where it was stopped */
	readonly onEnd: (error: PenstockError | undefined) => void;
}

export class PulledStream implements PullApplication {
	readonly #parts: PulledStreamParts;
	readonly #client: PullClient;
	readonly #flows = new Map<number, RuleFlow | FedFlow>();
	/** By which reports go to the server, from PLAY on. */
	readonly #paths = new Map<number, () => ReportPath>();
	#reports: ReceiverReports | undefined;
	/** By UDP. */
	readonly #ownPorts = new Map<number, MediaPorts>();
	#localAddress = "";
	#description: SdpSession | undefined;
	#stream: RelayedStream | undefined;
	#intake: StreamIntake | undefined;
	#ended = false;

	constructor(parts: PulledStreamParts) {
		this.#parts = parts;
		const { clock, url, address, transport, silenceMs } = parts;
		this.#client = openPull({
			...{ clock, url, address, transport, silenceMs, application: this },
			onConnected: (localAddress) => {
				this.#localAddress = localAddress.replace(/^::ffff:(?=\d+\.)/i, "");
			},
		});
	}

	stop(): void {
		this.#client.stop();
	}

	described(description: SdpSession): readonly number[] {
		this.#description = description;
		return description.media.flatMap((medium, index) => (payloadsOf(medium).length > 0 ? [index] : []));
	}

	async openPorts(medium: number): Promise<Pair> {
		const { rules, label, address, onFault } = this.#parts;
		const [from, to] = [parseAddress(address), parseAddress(this.#localAddress)];
		if (from === undefined || to === undefined) {
			throw new PenstockError(
				"RTSP_TRANSPORT",
				`${label}: packets from ${address} cannot be had by UDP; use transport: tcp.`,
			);
		}
		const pair = await rules.pairAt(label, medium, to.text, { address: from.text });
		if (pair instanceof PenstockError) throw pair;
		const told = (text: string): void => onFault(new PenstockError("RTSP_TRANSPORT", `${label}: ${text}.`));
		const flow = new RuleFlow(pair, this.#meterOf(medium), () => this.#client.alive(), told);
		if (this.#ended) flow.close();
		else {
			this.#flows.set(medium, flow);
			this.#ownPorts.set(medium, pair.ports);
		}
		return pair.ports;
	}

	ready(medium: number, by: "udp" | "interleaved", serverPorts: Pair | undefined): void {
		const { rules, label } = this.#parts;
		if (by === "udp") {
			this.#reportByUdp(medium, serverPorts);
			return;
		}
		this.#flows.get(medium)?.close();
		this.#flows.set(medium, rules.fedFlow(label, medium, this.#meterOf(medium)));
		const send = (compound: Uint8Array): void => this.#client.send(medium, compound);
		this.#paths.set(medium, () => ({ send, close: () => undefined }));
	}

	/** A server that does not say its ports has no reports; one that says RTP's alone has RTCP at the next. */
	#reportByUdp(medium: number, serverPorts: Pair | undefined): void {
		const { rules, label, onFault } = this.#parts;
		const address = parseAddress(this.#parts.address)?.text;
		const from = this.#ownPorts.get(medium)?.rtcp;
		if (serverPorts === undefined || address === undefined || from === undefined) return;
		const way = { from, address, port: serverPorts.rtcp ?? serverPorts.rtp + 1 };
		this.#paths.set(medium, () => pathByRule(rules.reportRule(label, medium, way), onFault));
	}

	#meterOf(medium: number): ReceptionMeter {
		return meterFor(this.#parts.clock, this.#description!.media[medium]!);
	}

	playing(): void {
		const { label, rules, clock, random, sink, wanted, onStream } = this.#parts;
		const description = this.#description!;
		const flows = description.media.map((_, medium) => this.#flows.get(medium) ?? rules.fedFlow(label, medium));
		this.#stream = new RelayedStream({ label, description, flows, multicast: rules.multicast });
		const media = [...this.#flows].map(([medium, flow]): [number, IntakeMedium] => [
			medium,
			{ flow, inOrder: flow instanceof FedFlow },
		]);
		this.#intake = new StreamIntake({ description, media: new Map(media), clock, sink, wanted });
		this.#reports = new ReceiverReports({ clock, random, flows: this.#flows, paths: this.#paths });
		onStream(this.#stream);
	}

	packet(medium: number, kind: PacketKind, bytes: Uint8Array): void {
		const flow = this.#flows.get(medium);
		if (flow instanceof FedFlow) flow.push(kind, bytes);
	}

	ended(error: PenstockError | undefined): void {
		this.#ended = true;
		this.#reports?.end();
		this.#intake?.end();
		if (this.#stream === undefined) for (const flow of this.#flows.values()) flow.close();
		this.#stream?.end("its source has gone");
		this.#parts.onEnd(error);
	}
}
