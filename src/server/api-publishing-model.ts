/** What the API and the metrics show of publishers and of the gate: schemas, types, and the model behind them. */
import * as z from "zod";

const count = z.int().min(0);
const text = z.string();

export const publisherSnapshot = z.strictObject({
	id: text,
	/** `app/stream` */
	channel: text,
	protocol: z.enum(["rtmp", "rtsp", "http"]),
	remoteAddress: text,
	/** By what it was let in: `key:studio`, `user:ann`, `anyone`. No secret. */
	principal: text,
	since: z.iso.datetime(),
	/** Absent as long as nothing of it has come; codecs by RFC 6381. */
	video: z.strictObject({ codec: text, width: count, height: count }).optional(),
	audio: z.strictObject({ codec: text, sampleRateHz: count, channels: count }).optional(),
	/** Of media, as the following: without what the protocol adds. */
	bytes: count,
	/** Over the last two seconds; absent before. */
	bitrateBps: count.optional(),
	accessUnits: count,
	/** Access units that FFmpeg was too slow for. */
	dropped: count,
	/** Times that something could not be read. */
	faults: count,
});

/** In the order in which they came. */
export const publisherList = z.strictObject({ publishers: z.array(publisherSnapshot) });

export type PublisherSnapshot = z.infer<typeof publisherSnapshot>;

interface Counted {
	readonly count: number;
}

export interface PublishingModel {
	publishers(): readonly PublisherSnapshot[];
	/** @returns whether there was such a publisher, which is ended now */
	kick(id: string): boolean;
	/** Media bytes since the start, of those who have left, too; by `app/stream`. */
	received(): readonly { readonly channel: string; readonly bytes: number }[];
	/** Who was not let in. */
	refusals(): readonly (Counted & { readonly protocol: string; readonly code: string })[];
	/** RTMP connections that were not taken, or ended for a reason. */
	rtmpFaults(): readonly (Counted & { readonly code: string })[];
}

/** What the gate has said since the start. */
export interface AccessFigures {
	readonly answers: readonly (Counted & {
		readonly verb: string;
		readonly protocol: string;
		readonly outcome: string;
	})[];
	/** How often what somebody brought was compared with a secret, or its signature checked. */
	readonly evaluated: number;
	/** By what they answered. */
	readonly hooks: Readonly<Record<"yes" | "no" | "away" | "kept" | "lost", number>>;
}
