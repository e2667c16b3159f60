/** What the API and the metrics show of RTSP's players: schemas, types, and the model behind them. */
import * as z from "zod";
import type { ViewersQuery } from "./api-requests.ts";

const count = z.int().min(0);
const text = z.string();

const playedMedium = z.strictObject({
	/** As the stream's description has it: `video`, `audio`, … */
	kind: text,
	transport: z.enum(["udp", "tcp", "multicast"]),
	/** Where its RTP goes, by UDP: the player's own address, or the group. */
	receiver: text.optional(),
	/**
	 * RTP that it was sent since it began to play, and its bytes without what UDP and RTSP add. Absent where nobody counts
	 * it: of a group, which is sent to once for all, and while no engine tells.
	 */
	packets: count.optional(),
	bytes: count.optional(),
});

export const playerSnapshot = z.strictObject({
	id: text,
	/** `app/stream` */
	channel: text,
	remoteAddress: text,
	/** By what it was let in: `key:studio`, `user:ann`, `anyone`. No secret. */
	principal: text,
	since: z.iso.datetime(),
	/** Not before PLAY, nor while it pauses. */
	playing: z.boolean(),
	/** Those that it has set up. */
	media: z.array(playedMedium),
});

/** In the order in which they came. */
export const playerList = z.strictObject({
	players: z.array(playerSnapshot),
	/** How many fit the question, of which these are some. */
	total: count,
});

export type PlayedMedium = z.infer<typeof playedMedium>;
export type PlayerSnapshot = z.infer<typeof playerSnapshot>;
export type PlayerList = z.infer<typeof playerList>;

export interface PlayersModel {
	/** How many are here. */
	readonly size: number;
	list(query: ViewersQuery): Promise<PlayerList>;
	/** @returns undefined where there is no such player */
	one(id: string): Promise<PlayerSnapshot | undefined>;
	/** @returns whether there was such a player, which is ended now */
	kick(id: string): boolean;
	/** Those who have gone since the start: `closed` by themselves, else by the code of what ended them. */
	left(): readonly { readonly reason: string; readonly count: number }[];
}
