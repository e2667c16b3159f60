/** `GET /{app}/{stream}.json`: what a channel is, for players (docs/wire/sessions.md). */
import type { RenditionLog } from "../channel/channel.ts";
import type { RenditionSpec } from "../ladder/ladder-config.ts";
import type { Packaging } from "../media/packaging.ts";
import type { ChannelDescription, DescribedRendition } from "../wire/channel-description.ts";
import type { HostedChannel } from "./hosted-channel.ts";
import { urlsOf } from "./snapshots.ts";

/** As a path's extension. */
export const DESCRIPTION_EXTENSION = "json";

const TICKS_PER_SECOND = 90_000;

/** @param origins of the same server, as who asks can reach them */
export function describeChannel(
	{ config, host }: HostedChannel,
	packagings: readonly Packaging[],
	origins: readonly string[],
): ChannelDescription {
	const { channel } = host;
	const { audio } = channel;
	return {
		app: config.app,
		stream: config.stream,
		live: host.live,
		unitMs: config.ladder.unitDuration,
		renditions: channel.renditions.map((log) => describeRendition({ config, host }, log)),
		...(audio && {
			audio: { codec: audio.codecString, sampleRateHz: audio.sampleRateHz, channels: audio.channelCount },
		}),
		urls: urlsOf(config, packagings, channel.lowestReady?.units.newest?.head.decode),
		origins,
	};
}

function describeRendition(hosted: HostedChannel, log: RenditionLog): DescribedRendition {
	const { video, units, withdrawn, name } = log;
	const spec = hosted.config.ladder.renditions.find((one) => one.name === name);
	// Before its encoder has run, what it will make.
	const size = video ?? (spec?.kind === "encode" ? spec : undefined);
	const bitrateBps = bitrateOf(hosted, log, spec);
	const frameRate = frameRateOf(log);
	return {
		name,
		...(size && { width: size.width, height: size.height }),
		...(video && { codec: video.codecString }),
		...(bitrateBps !== undefined && { bitrateBps }),
		...(frameRate !== undefined && { frameRate }),
		available: !withdrawn && units.newest !== undefined,
	};
}

/** With sound: as configured; of a copy, as measured. */
function bitrateOf(
	{ config, host }: HostedChannel,
	{ name, measuredBitrate }: RenditionLog,
	spec: RenditionSpec | undefined,
): number | undefined {
	if (spec !== undefined && spec.kind !== "encode") return measuredBitrate && Math.round(measuredBitrate);
	const sound = spec === undefined || host.channel.audio === undefined ? 0 : config.ladder.audio?.bitsPerSecond;
	return host.bitrateOf(name) + (sound ?? 0);
}

/** Pictures a second in the whole units that are kept, to a tenth; undefined before the first is whole. */
function frameRateOf({ units }: RenditionLog): number | undefined {
	let pictures = 0;
	let ticks = 0;
	for (let unit = units.oldest; unit?.next !== undefined; unit = unit.next) {
		for (const { track } of unit.items) if (track === "video") pictures++;
		ticks += unit.next.head.time - unit.head.time;
	}
	return pictures === 0 || ticks <= 0 ? undefined : Math.round((10 * pictures * TICKS_PER_SECOND) / ticks) / 10;
}
