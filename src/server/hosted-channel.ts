/** From a channel's configuration to the channel at work, and what takes the streams that are published for it. */
import type { Clock } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";
import { ChannelHost, type PublishedPart } from "./channel-host.ts";
import type { ChannelConfig } from "./config.ts";
import type { DistributionHost } from "./distribution-host.ts";
import type { Log } from "./log.ts";
import type { LogLimiter } from "./log-limiter.ts";
import { PublishedStream } from "./published-stream.ts";
import { readyInputs } from "./ready-inputs.ts";
import type { PulledChannel } from "./relay/pulls.ts";
import { ChannelLandings } from "./rule-landings.ts";
import { Wanted } from "./wanted.ts";

export interface HostedChannel {
	readonly config: ChannelConfig;
	readonly host: ChannelHost;
}

/** Takes a stream that is published. */
export interface Intake {
	readonly stream: PublishedStream;
	/** Of the channel: whether its ladder takes anything. */
	readonly wanted: Wanted;
}

export interface OpenedChannel extends HostedChannel {
	/** By `app/stream`. */
	readonly intakes: ReadonlyMap<string, Intake>;
	/** Undefined where nothing is pulled. */
	readonly pulled: PulledChannel | undefined;
}

export interface ChannelSurroundings {
	readonly clock: Clock;
	readonly limiter: LogLimiter;
	readonly log: Log;
	readonly distribution: DistributionHost | undefined;
	/** How long viewers wait for the first unit. */
	readonly startTimeout: Milliseconds;
	/** For a publisher to come back; undefined where nobody publishes. */
	readonly returnWithin: Milliseconds | undefined;
}

/** Nothing runs yet. @throws PenstockError SOURCE_UNSUPPORTED, CONFIG_VALUE */
export function openChannel(config: ChannelConfig, surroundings: ChannelSurroundings): OpenedChannel {
	const { app, stream, label, ladder, ring, onDemand } = config;
	const { clock, limiter, log, distribution, startTimeout } = surroundings;
	const { published, intakes, pulled } = publishedParts(config, surroundings);
	const host = new ChannelHost({
		...{ app, stream, ladder, ring, onDemand, clock, limiter, startTimeout, published },
		landings: distribution && new ChannelLandings(distribution.table, label),
		log: log.child({ channel: label }),
	});
	return { config, host, intakes, pulled };
}

interface PublishedParts {
	readonly published: PublishedPart | undefined;
	readonly intakes: ReadonlyMap<string, Intake>;
	readonly pulled: PulledChannel | undefined;
}

function publishedParts(config: ChannelConfig, surroundings: ChannelSurroundings): PublishedParts {
	const { label, ladder, pull, onDemand } = config;
	const { returnWithin } = surroundings;
	const wanted = new Wanted(onDemand === undefined);
	if (ladder.source.kind === "ready") return readyParts(config, surroundings, wanted);
	if (ladder.source.kind !== "published" || returnWithin === undefined) {
		return { published: undefined, intakes: new Map(), pulled: undefined };
	}
	const input = publishedStream(config, surroundings);
	return {
		published: { input, returnWithin, wanted },
		intakes: pull === undefined ? new Map([[label, { stream: input, wanted }]]) : new Map(),
		pulled: pull && { label, pull, stream: input, wanted },
	};
}

function readyParts(config: ChannelConfig, surroundings: ChannelSurroundings, wanted: Wanted): PublishedParts {
	const { clock, limiter, log, returnWithin } = surroundings;
	const streams = new Map<string, PublishedStream>();
	const input = readyInputs({ channel: config, clock, limiter, log, streams });
	const isPublished = streams.size > 0;
	return {
		published: { input, returnWithin: isPublished ? returnWithin : undefined, wanted },
		intakes: new Map([...streams].map(([name, stream]) => [name, { stream, wanted }])),
		pulled: undefined,
	};
}

function publishedStream({ label, ladder }: ChannelConfig, { clock, limiter }: ChannelSurroundings): PublishedStream {
	const hasVideo = ladder.renditions.length > 0;
	return new PublishedStream({
		channel: label,
		lead: hasVideo ? "video" : "audio",
		tracks: [...(hasVideo ? (["video"] as const) : []), ...(ladder.audio ? (["audio"] as const) : [])],
		clock,
		onFault: ({ code, message }) => limiter.note(`${code} ${label}`, { channel: label, code }, message),
	});
}
