/**
 * A player's session: each medium as it was granted, at the player's own address or on its connection, from PLAY to
 * PAUSE or the end. What was begun is taken back whatever happens in between.
 */
import { PenstockError } from "../../base/errors.ts";
import type {
	Answer,
	MediaLink,
	MediaSession,
	MediumStart,
	RtspPeer,
	SetUpAnswer,
	TransportGrant,
	TransportWish,
} from "../../rtsp/application.ts";
import { parseAddress } from "../../wire/distributor-address.ts";
import type { Traffic } from "../../wire/distributor-answer.ts";
import { endpointText } from "../../wire/distributor-rule.ts";
import type { PlayedMedium } from "../api-players-model.ts";
import type { PacketListener } from "./medium-flow.ts";
import type { RelayedStream, StreamPlayer } from "./relayed-stream.ts";
import type { UdpReceiver } from "./rule-pair.ts";

/** How a medium reaches the player. */
interface Route {
	readonly transport: PlayedMedium["transport"];
	/** Of the player's own, or the group. */
	readonly receiver?: UdpReceiver;
	/** RTP since it began; undefined where nobody counts it for one player. */
	sent(): Promise<Traffic | undefined>;
	/** @returns why it does not begin */
	begin(): Promise<PenstockError | undefined>;
	/** What has begun. */
	end(): void;
}

export interface RelayPlayerParts {
	readonly stream: RelayedStream;
	readonly peer: RtspPeer;
	readonly link: MediaLink;
	/** There is no room for another receiver. */
	readonly onFault: (error: PenstockError) => void;
	/** Once. @param error undefined where it went by itself */
	readonly onClose: (error: PenstockError | undefined) => void;
}

/** What a stream's description says is somebody else's text. */
const LONGEST_KIND = 32;

export class RelayPlayer implements MediaSession, StreamPlayer {
	readonly #parts: RelayPlayerParts;
	readonly #routes = new Map<number, Route>();
	/** Those that have begun. */
	readonly #begun = new Map<number, Route>();
	#closed = false;

	constructor(parts: RelayPlayerParts) {
		this.#parts = parts;
		parts.stream.players.add(this);
	}

	get receivers(): readonly (readonly [number, UdpReceiver])[] {
		return [...this.#begun].flatMap(([medium, { receiver, transport }]) =>
			receiver !== undefined && transport === "udp" ? [[medium, receiver] as const] : [],
		);
	}

	get isPlaying(): boolean {
		return this.#begun.size > 0;
	}

	/** Those that were set up, with what it was sent of each. */
	async media(): Promise<PlayedMedium[]> {
		const { media } = this.#parts.stream.description;
		return await Promise.all(
			[...this.#routes].map(async ([medium, route]) => {
				const { transport, receiver } = route;
				return {
					kind: media[medium]!.kind.slice(0, LONGEST_KIND),
					transport,
					...(receiver && { receiver: endpointText({ address: receiver.address, port: receiver.ports.rtp }) }),
					...(await route.sent()),
				};
			}),
		);
	}

	async setUp(medium: number, wish: TransportWish): Promise<SetUpAnswer> {
		switch (wish.kind) {
			case "interleaved":
				return this.#granted(medium, this.#onConnection(medium), wish);
			case "udp":
				return await this.#setUpUdp(medium, wish);
			case "multicast":
				return await this.#setUpMulticast(medium);
		}
	}

	async start(): Promise<Answer<readonly MediumStart[]>> {
		const { stream } = this.#parts;
		for (const [medium, route] of this.#routes) {
			const error = this.#closed ? closedMeanwhile() : await route.begin();
			if (error === undefined) {
				this.#begun.set(medium, route);
				if (!this.#closed) continue;
			}
			this.#stop();
			return { kind: "refused", error: error ?? closedMeanwhile() };
		}
		return { kind: "ok", value: stream.flows.map(({ next }) => next) };
	}

	async pause(): Promise<Answer<undefined>> {
		this.#stop();
		return { kind: "ok", value: undefined };
	}

	/** Reports of how it gets its packets: that they come is all that is wanted of them. */
	packet(): void {}

	close(error: PenstockError | undefined): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#stop();
		this.#parts.stream.players.delete(this);
		this.#parts.onClose(error);
	}

	end(error: PenstockError): void {
		this.#parts.link.end(error);
	}

	/** It alone is to go: it is told so by UDP, too. */
	dismiss(error: PenstockError): void {
		const { receivers } = this;
		this.end(error);
		this.#parts.stream.sayGoodBye(receivers);
	}

	#stop(): void {
		for (const route of this.#begun.values()) route.end();
		this.#begun.clear();
	}

	#onConnection(medium: number): Route {
		const { stream, link } = this.#parts;
		let leave: (() => void) | undefined;
		let [packets, bytes] = [0, 0];
		const send: PacketListener = (kind, packet) => {
			if (!link.send(medium, kind, packet) || kind === "rtcp") return;
			packets++;
			bytes += packet.length;
		};
		return {
			transport: "tcp",
			sent: async () => ({ packets, bytes }),
			begin: async () => {
				[packets, bytes] = [0, 0];
				leave = stream.flows[medium]!.listen(send);
				return undefined;
			},
			end: () => leave?.(),
		};
	}

	async #setUpUdp(medium: number, { clientPorts }: Extract<TransportWish, { kind: "udp" }>): Promise<SetUpAnswer> {
		const { stream, peer } = this.#parts;
		const flow = stream.flows[medium]!;
		// Addresses with a zone, and what else is not to be had as a receiver, have the connection.
		const address = parseAddress(peer.address)?.text;
		if (address === undefined) return { kind: "unsupported" };
		const serverPorts = await flow.ports();
		if (serverPorts instanceof PenstockError) return this.#answerOf(serverPorts);
		const receiver = { address, ports: clientPorts };
		const hindrance = flow.hindrance(receiver);
		if (hindrance !== undefined) return this.#answerOf(hindrance);
		const route: Route = {
			...{ transport: "udp", receiver, sent: () => flow.sent(receiver) },
			...{ begin: () => flow.add(receiver), end: () => flow.remove(receiver) },
		};
		return this.#granted(medium, route, { kind: "udp", serverPorts });
	}

	async #setUpMulticast(medium: number): Promise<SetUpAnswer> {
		const { group, flows } = this.#parts.stream;
		const flow = flows[medium]!;
		if (group === undefined) return { kind: "unsupported" };
		const serverPorts = await flow.ports();
		if (serverPorts instanceof PenstockError) return this.#answerOf(serverPorts);
		const receiver = await group.receiverOf(medium);
		if (receiver instanceof PenstockError) return this.#answerOf(receiver);
		const hindrance = flow.hindrance(receiver);
		if (hindrance !== undefined) return this.#answerOf(hindrance);
		const { address, ports, ttl } = receiver;
		const route: Route = {
			...{ transport: "multicast", receiver, sent: async () => undefined },
			...{ begin: () => group.join(medium, flow), end: () => group.leave(medium, flow) },
		};
		return this.#granted(medium, route, { kind: "multicast", address, ports, ttl });
	}

	/** What cannot be had in this way may be had in another. */
	#answerOf(error: PenstockError): SetUpAnswer {
		switch (error.code) {
			case "RULE_LIMIT":
				this.#parts.onFault(error);
				return { kind: "unsupported" };
			case "RTSP_TRANSPORT":
				return { kind: "unsupported" };
			case "RULE_NETWORK":
			case "RULE_INVALID":
			case "RULE_LOOP":
				return { kind: "unsupported", error };
			default:
				return { kind: "refused", error };
		}
	}

	#granted(medium: number, route: Route, grant: TransportGrant): SetUpAnswer {
		this.#routes.set(medium, route);
		return { kind: "granted", grant };
	}
}

const closedMeanwhile = (): PenstockError => new PenstockError("RTSP_TIMEOUT", "the session has ended.");
