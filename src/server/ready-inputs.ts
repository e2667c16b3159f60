/** The inputs of a channel whose renditions come ready-made: what publishers send, and what FFmpeg reads and copies. */
import type { Clock } from "../base/clock.ts";
import type { PenstockError } from "../base/errors.ts";
import type { PublicationSink } from "../ingest/publications.ts";
import { type ReceivedMedium, RtpReceiver } from "../ingest/rtp/rtp-receiver.ts";
import type { ReadyRendition } from "../ladder/ladder-config.ts";
import { CopyReader } from "../ladder/ready/copy-reader.ts";
import type { ReadyInput } from "../ladder/ready/ready-ladder.ts";
import type { ChannelConfig } from "./config.ts";
import type { Log } from "./log.ts";
import type { LogLimiter } from "./log-limiter.ts";
import { PublishedStream } from "./published-stream.ts";

export interface ReadyInputsOptions {
	readonly channel: ChannelConfig;
	readonly clock: Clock;
	readonly limiter: LogLimiter;
	readonly log: Log;
	/** Gets those that are published, by `app/stream`. */
	readonly streams: Map<string, PublishedStream>;
}

/** An input, and what can be told of it. */
export interface ServedInput extends ReadyInput {
	/** Of RTP that comes here without FFmpeg. */
	readonly received?: () => readonly ReceivedMedium[];
}

/** In the order of the renditions. */
export function readyInputs(options: ReadyInputsOptions): ServedInput[] {
	const { renditions } = options.channel.ladder;
	return renditions.flatMap((rendition) => (rendition.kind === "ready" ? [readyInput(rendition, options)] : []));
}

function readyInput(
	rendition: ReadyRendition,
	{ channel, clock, limiter, log, streams }: ReadyInputsOptions,
): ServedInput {
	const { app, label, ladder } = channel;
	const { name, input } = rendition;
	const { audio } = ladder;
	const withAudio = audio !== undefined && (audio.from === undefined || audio.from === name);
	const onFault = ({ code, message }: PenstockError): void =>
		limiter.note(`${code} ${label} ${name}`, { channel: label, rendition: name, code }, message);
	const stream = new PublishedStream({
		channel: input.kind === "published" ? `${app}/${input.stream}` : label,
		lead: "video",
		tracks: withAudio ? ["video", "audio"] : ["video"],
		...{ clock, onFault },
	});
	const open = (): PublicationSink => stream.open();
	switch (input.kind) {
		case "published":
			streams.set(`${app}/${input.stream}`, stream);
			return { feeds: stream };
		case "url": {
			const ffmpegLog = (line: string): void =>
				log.warn({ component: "ffmpeg", channel: label, rendition: name }, line);
			const reader = new CopyReader({
				...{ ladder, rendition, source: input, withAudio, clock, random: Math.random },
				...{ log: ffmpegLog, open, onTrouble: onFault },
			});
			return { feeds: stream, start: () => reader.start(), stop: () => reader.stop(), trouble: () => reader.trouble };
		}
		case "described": {
			const receiver = new RtpReceiver({
				...{ file: input.sdpFile, localAddress: input.localAddress, clock, open, onTrouble: onFault },
				silence: ladder.timeouts.hang,
			});
			return {
				...{ feeds: stream, start: () => receiver.start(), stop: () => receiver.stop() },
				...{ trouble: () => receiver.trouble, received: () => receiver.counts },
			};
		}
	}
}
