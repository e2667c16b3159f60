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
import type { RelayedStream, StreamPlayer } from "./relayed-stream.ts";
import type { UdpReceiver } from "./rule-pair.ts";

/** How a medium reaches the player. */
interface Route {
	/** Of the player's own. */
	readonly receiver?: UdpReceiver;
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
	readonly onClose: () => void;
}

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
		return [...this.#begun].flatMap(([medium, { receiver }]) => (receiver ? [[medium, receiver] as const] : []));
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

	close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#stop();
		this.#parts.stream.players.delete(this);
		this.#parts.onClose();
	}

	end(error: PenstockError): void {
		this.#parts.link.end(error);
	}

	#stop(): void {
		for (const route of this.#begun.values()) route.end();
		this.#begun.clear();
	}

	#onConnection(medium: number): Route {
		const { stream, link } = this.#parts;
		let leave: (() => void) | undefined;
		return {
			begin: async () => {
				leave = stream.flows[medium]!.listen((kind, bytes) => void link.send(medium, kind, bytes));
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
		const route: Route = { receiver, begin: () => flow.add(receiver), end: () => flow.remove(receiver) };
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
		const route: Route = { begin: () => group.join(medium, flow), end: () => group.leave(medium, flow) };
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
