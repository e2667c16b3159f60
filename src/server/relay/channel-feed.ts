/**
 * A channel as a stream for RTSP's players: the access units of its best rendition as RTP packets, made once for all of
 * them, in the tick in which the ring gets them. It is there as long as somebody plays, and begins for each where it
 * comes in; the next unit opens with a key picture.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { Ticks90k } from "../../base/units.ts";
import type { RenditionLog } from "../../channel/channel.ts";
import type { AccessUnit, DecodeInformation, TrackKind } from "../../media/access-unit.ts";
import { describePayload } from "../../media/rtp/describe-payload.ts";
import { senderCompound } from "../../media/rtp/rtcp-writer.ts";
import { RtpSender } from "../../media/rtp/sender.ts";
import type { SdpMedia, SdpSession } from "../../wire/sdp.ts";
import { describedMedium } from "../../wire/sdp-payloads.ts";
import type { ChannelHost } from "../channel-host.ts";
import type { FedFlow } from "./fed-flow.ts";
import { CNAME } from "./good-bye.ts";
import { RelayedStream } from "./relayed-stream.ts";
import type { StreamRules } from "./stream-rules.ts";

/** Dynamic ones (RFC 3551, clause 6). */
const PAYLOAD_TYPES: Readonly<Record<TrackKind, number>> = { video: 96, audio: 97 };
const TRACKS: readonly TrackKind[] = ["video", "audio"];

export interface ChannelFeedParts {
	/** `app/stream` */
	readonly label: string;
	readonly host: ChannelHost;
	readonly rules: StreamRules;
	readonly clock: Clock;
	readonly onFault: (error: PenstockError) => void;
	/** It is no more. */
	readonly onEnd: () => void;
}

interface Track {
	readonly flow: FedFlow;
	readonly sender: RtpSender;
}

/**
 * What a channel is to RTSP's players, as soon as it is live.
 * @throws PenstockError CHANNEL_NOT_READY, or what keeps its source away; STREAM_UNSUPPORTED
 */
export async function describeChannel(label: string, host: ChannelHost): Promise<SdpSession> {
	const release = host.claim();
	try {
		await host.ready();
		return descriptionOf(label, bestOf(label, host).decode);
	} finally {
		release();
	}
}

export class ChannelFeed {
	readonly stream: RelayedStream;
	readonly #parts: ChannelFeedParts;
	readonly #decode: DecodeInformation;
	readonly #tracks = new Map<TrackKind, Track>();
	readonly #unclaim: () => void;
	readonly #unobserve: () => void;
	#ended = false;

	/** @throws PenstockError as `describeChannel` */
	static async open(parts: ChannelFeedParts): Promise<ChannelFeed> {
		const unclaim = parts.host.claim();
		try {
			await parts.host.ready();
			return new ChannelFeed(parts, unclaim);
		} catch (thrown) {
			unclaim();
			throw thrown;
		}
	}

	private constructor(parts: ChannelFeedParts, unclaim: () => void) {
		this.#parts = parts;
		this.#unclaim = unclaim;
		const { label, host, rules } = parts;
		const { rendition, decode } = bestOf(label, host);
		const description = descriptionOf(label, decode);
		this.#decode = decode;
		for (const track of carriedOf(decode)) {
			const sender = new RtpSender(decode[track]!, { payloadType: PAYLOAD_TYPES[track], ...byChance() });
			this.#tracks.set(track, { sender, flow: rules.fedFlow(label, this.#tracks.size) });
		}
		const flows = [...this.#tracks.values()].map(({ flow }) => flow);
		this.stream = new RelayedStream({ label, description, flows, multicast: rules.multicast });
		this.#unobserve = rendition.units.observe({
			opened: ({ head }) => this.#unit(head.decode, head.time),
			appended: (_, accessUnit) => this.#send(accessUnit),
			ended: () => this.end("its programme has ended"),
		});
	}

	get isEnded(): boolean {
		return this.#ended;
	}

	/** Idempotent. @param why a clause, for those who play */
	end(why: string): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#unobserve();
		this.#parts.onEnd();
		this.stream.end(why);
		this.#unclaim();
	}

	/** Sender reports say what each track's clock is now, by which players put picture and sound together. */
	#unit(decode: DecodeInformation, time: Ticks90k): void {
		const isOther = TRACKS.some((track) => decode[track]?.codec !== this.#decode[track]?.codec);
		if (isOther) {
			this.end("it has other tracks from now on; ask for it again");
			return;
		}
		if (decode.video !== undefined && this.#tracks.has("video"))
			this.#tracks.get("video")!.sender.config = decode.video;
		const wall = this.#parts.clock.wall();
		for (const { flow, sender } of this.#tracks.values()) {
			flow.push("rtcp", senderCompound(sender.report(wall, time), CNAME));
		}
	}

	#send(accessUnit: AccessUnit): void {
		const track = this.#tracks.get(accessUnit.track);
		if (track === undefined || this.#ended) return;
		try {
			for (const packet of track.sender.packets(accessUnit)) track.flow.push("rtp", packet);
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			this.#parts.onFault(thrown);
		}
	}
}

interface Best {
	readonly rendition: RenditionLog;
	readonly decode: DecodeInformation;
}

/** @throws PenstockError CHANNEL_NOT_READY */
function bestOf(label: string, { channel }: ChannelHost): Best {
	for (const rendition of channel.renditions) {
		const decode = rendition.withdrawn ? undefined : rendition.units.newest?.head.decode;
		if (decode !== undefined) return { rendition, decode };
	}
	throw new PenstockError("CHANNEL_NOT_READY", `${label}: no rendition has a unit yet.`);
}

/** Tracks that there is a payload format for. */
const carriedOf = (decode: DecodeInformation): readonly TrackKind[] =>
	TRACKS.filter((track) => decode[track] !== undefined && describePayload(decode[track], PAYLOAD_TYPES[track]));

/** @throws PenstockError STREAM_UNSUPPORTED */
function descriptionOf(label: string, decode: DecodeInformation): SdpSession {
	const media = carriedOf(decode).map(
		(track): SdpMedia => describedMedium(track, describePayload(decode[track]!, PAYLOAD_TYPES[track])!),
	);
	if (media.length > 0) return { name: label, attributes: [], media };
	const codecs = TRACKS.flatMap((track) => decode[track]?.codec ?? []).join(" and ");
	throw new PenstockError("STREAM_UNSUPPORTED", `${label}: RTSP has no form for ${codecs} here; watch it by HTTP.`);
}

function byChance(): Pick<ConstructorParameters<typeof RtpSender>[1], "ssrc" | "firstNumber" | "timestampOffset"> {
	const bytes = randomBytes(10);
	return {
		ssrc: bytes.readUInt32BE(0),
		firstNumber: bytes.readUInt16BE(4),
		timestampOffset: bytes.readUInt32BE(6),
	};
}
