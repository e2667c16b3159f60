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
import type { AccessRequest } from "../../wire/access.ts";
import type { SdpSession } from "../../wire/sdp.ts";
import type { AccessNotices } from "../access-host.ts";
import type { ChannelHost } from "../channel-host.ts";
import { labelOf } from "../stream-name.ts";
import type { Wanted } from "../wanted.ts";
import { ChannelFeed, describeChannel } from "./channel-feed.ts";
import type { Players } from "./players.ts";
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
	readonly players: Players;
	readonly access: AccessNotices;
}

export class Relay implements RtspApplication {
	readonly #parts: RelayParts;
	/** Those that are there, by `app/stream`. */
	readonly #streams = new Map<string, RelayedStream>();
	/** Channels that somebody plays, though nobody brings them by RTSP. */
	readonly #feeds = new Map<string, Promise<ChannelFeed>>();

	constructor(parts: RelayParts) {
		this.#parts = parts;
	}

	/** How many are relayed; channels that somebody plays count. */
	get streams(): number {
		return this.#streams.size + this.#feeds.size;
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

	released(request: AccessRequest): void {
		this.#parts.access.tell(request.verb === "play" ? "on_stop" : "on_unpublish", request);
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
		if (hindrance !== undefined) {
			this.released(peer.request);
			return { kind: "refused", error: hindrance };
		}
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
		const { players } = this.#parts;
		const release = players.reserve();
		if (release instanceof PenstockError) return { kind: "refused", error: release };
		let answer: Answer<OpenedPlay> | undefined;
		try {
			answer = await this.#withStream(labelOf(name), (stream, onLeft) => ({
				description: stream.description,
				session: players.join({ stream, peer, link, onLeft }, release),
			}));
			return answer;
		} finally {
			if (answer?.kind !== "ok") release();
		}
	}

	/** What somebody brings, or what is made of a channel. @param play called while the stream is there for certain */
	async #withStream(
		label: string,
		play: (stream: RelayedStream, onLeft: () => void) => OpenedPlay,
	): Promise<Answer<OpenedPlay>> {
		const stream = this.#streams.get(label);
		if (stream !== undefined) return { kind: "ok", value: play(stream, () => undefined) };
		const channel = this.#parts.channels.find(label);
		if (channel === undefined) return notThere(label);
		const answer = await answered(this.#feedOf(label, channel.host));
		if (answer.kind === "refused") return answer;
		const feed = answer.value;
		// Others may have left it while it was waited for.
		if (feed.isEnded) return await this.#withStream(label, play);
		return { kind: "ok", value: play(feed.stream, () => this.#leaveFeed(feed)) };
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
