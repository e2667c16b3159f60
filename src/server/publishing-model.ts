/** The model behind the API's publishers, on the real publications. */
import type { Publication } from "../ingest/publications.ts";
import type { AudioConfig, VideoConfig } from "../media/access-unit.ts";
import type { PublisherSnapshot } from "./api-publishing-model.ts";

/** @param dropped access units of it that were left out before FFmpeg */
export function publisherSnapshot({ info, figures }: Publication, dropped: number): PublisherSnapshot {
	const { bytes, accessUnits, faults, decode, bitrate } = figures;
	const { app, stream, protocol, address, principal } = info;
	return {
		id: String(info.id),
		channel: `${app}/${stream}`,
		...{ protocol, remoteAddress: address, principal },
		since: new Date(info.since).toISOString(),
		...(decode.video && { video: videoOf(decode.video) }),
		...(decode.audio && { audio: audioOf(decode.audio) }),
		...{ bytes, accessUnits, dropped, faults },
		...(bitrate !== undefined && { bitrateBps: Math.round(bitrate) }),
	};
}

const videoOf = ({ codecString, width, height }: VideoConfig): NonNullable<PublisherSnapshot["video"]> => ({
	...{ codec: codecString, width, height },
});

const audioOf = ({
	codecString,
	sampleRateHz,
	channelCount,
}: AudioConfig): NonNullable<PublisherSnapshot["audio"]> => ({
	...{ codec: codecString, sampleRateHz, channels: channelCount },
});
