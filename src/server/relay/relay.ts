/**
 * What the RTSP server asks for streams: who publishes one brings it, and whoever plays gets it, packet by packet, by the
 * distribution plane or on connections. Names are those of all protocols: one has one publisher, whatever it speaks.
 */
import { PenstockError } from "../../base/errors.ts";
import type { Publications } from "../../ingest/publications.ts";
import type {
	Answer,
	MediaLink,
	MediaSession,
	OpenedPlay,
	Refused,
	RtspApplication,
	RtspPeer,
	StreamName,
} from "../../rtsp/application.ts";
import type { SdpSession } from "../../wire/sdp.ts";
import type { AccessNotices } from "../access-host.ts";
import type { ChannelHost } from "../channel-host.ts";
import type { Log } from "../log.ts";
import type { Wanted } from "../wanted.ts";
import { ChannelFeed, describeChannel } from "./channel-feed.ts";
import { RelayPlayer } from "./relay-player.ts";
import { RelayPublisher } from "./relay-publisher.ts";
import type { RelaySurroundings } from "./relay-surroundings.ts";
import type { RelayedStream } from "./relayed-stream.ts";
import { intakeHindrance } from "./stream-intake.ts";

/** Channels, which come and go. */
export interface RelayedChannels {
	/** @param label `app/stream` */
	find(label: string): { readonly host: ChannelHost } | undefined;
	/** Whether what is published goes to a channel, which may have to be made. */
	takes(name: StreamName): boolean;
	/** Of the channel that takes it now. @param label `app/stream` */
	intake(label: string): { readonly wanted: Wanted } | undefined;
}

export interface RelayParts extends RelaySurroundings {
	readonly publications: Publications;
	readonly channels: RelayedChannels;
	readonly access: AccessNotices;
	readonly log: Log;
}

export class Relay implements RtspApplication {
	readonly #parts: RelayParts;
	/** Those that are there, by `app/stream`. */
	readonly #streams = new Map<string, RelayedStream>();
	/** Channels that somebody plays, though nobody brings them by RTSP. */
	readonly #feeds = new Map<string, Promise<ChannelFeed>>();
	#players = 0;

	constructor(parts: RelayParts) {
		this.#parts = parts;
	}

	/** How many are relayed; channels that somebody plays count. */
	get streams(): number {
		return this.#streams.size + this.#feeds.size;
	}

	/** Sessions of players. */
	get players(): number {
		return this.#players;
	}

	/** A stream that nobody publishes here is there, too. @returns what takes it away */
	bring(stream: RelayedStream): () => void {
		this.#streams.set(stream.label, stream);
		return () => {
			if (this.#streams.get(stream.label) === stream) this.#streams.delete(stream.label);
		};
	}

	async describe(name: StreamName): Promise<Answer<SdpSession>> {
		const label = labelOf(name);
		const stream = this.#streams.get(label);
		if (stream !== undefined) return { kind: "ok", value: stream.description };
		const channel = this.#parts.channels.find(label);
		return channel === undefined ? notThere(label) : await answered(describeChannel(label, channel.host));
	}

	async announce(
		name: StreamName,
		peer: RtspPeer,
		description: SdpSession,
		link: MediaLink,
	): Promise<Answer<MediaSession>> {
		const { publications, channels, clock } = this.#parts;
		const label = labelOf(name);
		const hindrance = channels.takes(name) ? intakeHindrance(description, clock) : undefined;
		if (hindrance !== undefined) return { kind: "refused", error: hindrance };
		const publisher = { isOpen: true, dismiss: (error: PenstockError) => link.end(error) };
		const admission = publications.admit(peer.request, peer.principal, publisher);
		if (admission.kind === "refused") return admission;
		const wanted = channels.intake(label)?.wanted;
		let takeAway: () => void = () => undefined;
		const session = new RelayPublisher({
			...this.#parts,
			...{ label, peer, description, link, publication: admission.publication, wanted },
			onStream: (stream) => {
				takeAway = this.bring(stream);
			},
			onEnd: () => takeAway(),
		});
		return { kind: "ok", value: session };
	}

	async open(name: StreamName, peer: RtspPeer, link: MediaLink): Promise<Answer<OpenedPlay>> {
		const label = labelOf(name);
		const stream = this.#streams.get(label);
		if (stream !== undefined) return { kind: "ok", value: this.#play(stream, peer, link, () => undefined) };
		const channel = this.#parts.channels.find(label);
		if (channel === undefined) return notThere(label);
		const answer = await answered(this.#feedOf(label, channel.host));
		if (answer.kind === "refused") return answer;
		const feed = answer.value;
		// Others may have left it while it was waited for.
		if (feed.isEnded) return await this.open(name, peer, link);
		return { kind: "ok", value: this.#play(feed.stream, peer, link, () => this.#leaveFeed(feed)) };
	}

	#play(stream: RelayedStream, peer: RtspPeer, link: MediaLink, onLeft: () => void): OpenedPlay {
		const { access, log, onFault } = this.#parts;
		const { address, principal, request } = peer;
		const fields = { channel: stream.label, protocol: request.protocol, address, principal };
		log.info(fields, "player joined");
		this.#players++;
		const onClose = (): void => {
			this.#players--;
			log.info(fields, "player left");
			access.tell("on_stop", request);
			onLeft();
		};
		return { description: stream.description, session: new RelayPlayer({ stream, peer, link, onFault, onClose }) };
	}

	/** One for all who play it. */
	#feedOf(label: string, host: ChannelHost): Promise<ChannelFeed> {
		const known = this.#feeds.get(label);
		if (known !== undefined) return known;
		const forget = (): void => {
			if (this.#feeds.get(label) === opened) this.#feeds.delete(label);
		};
		const opened = ChannelFeed.open({ ...this.#parts, label, host, onEnd: forget });
		this.#feeds.set(label, opened);
		opened.catch(forget);
		return opened;
	}

	#leaveFeed(feed: ChannelFeed): void {
		if (feed.stream.players.size === 0) feed.end("nobody plays it any more");
	}
}

const labelOf = ({ app, stream }: StreamName): string => `${app}/${stream}`;

const notThere = (label: string): Refused => ({
	kind: "refused",
	error: new PenstockError("CHANNEL_NOT_FOUND", `there is no channel ${label}, and nobody publishes it now.`),
});

async function answered<Value>(work: Promise<Value>): Promise<Answer<Value>> {
	try {
		return { kind: "ok", value: await work };
	} catch (thrown) {
		if (thrown instanceof PenstockError) return { kind: "refused", error: thrown };
		throw thrown;
	}
}
