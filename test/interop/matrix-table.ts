/**
 * Which player reads which packaging, and what it has to say: the table that `matrix.test.ts` proves and that
 * `docs/interop.md` prints. A cell is "reads", with the remarks that the player makes in its log although it loses
 * nothing; or "cannot", with the player's own words, and then the test fails on the day on which it can.
 */

export const PACKAGINGS = ["ts", "flv", "mp4", "rtp"] as const;
export const PLAYERS = ["FFmpeg", "GStreamer", "VLC", "mpv"] as const;

export type Packaging = (typeof PACKAGINGS)[number];
export type Player = (typeof PLAYERS)[number];

/** What a player may say of a stream that it plays without a loss. */
export interface Remark {
	readonly pattern: RegExp;
	readonly because: string;
}

export type Cell =
	| {
			readonly kind: "reads";
			/** Pictures at the end that it does not give out. */
			readonly keeps?: number;
			readonly remarks?: readonly Remark[];
	  }
	/**
	 * It takes the stream for something else, and says so in every recording. How much it makes out all the same is
	 * luck: a byte 0x47 in the header of an RTP packet looks like the start of a packet of MPEG-TS.
	 */
	| { readonly kind: "cannot"; readonly says: RegExp };

const SECOND_MOOV: Remark = {
	pattern: /Found duplicated MOOV Atom\. Skipped it|^Last message repeated \d+ times$/,
	because: "FFmpeg takes the first movie header only; the parameter sets in the samples tell it of the switch",
};
const SCRIPT_TRACK: Remark = {
	pattern: /avformat demux warning: unsupported track type \(2:0\)|Unsupported codec with id 0 for input stream/,
	because: "FFmpeg's demuxer, which VLC uses too, makes a track of script tags, and nobody has a decoder for that",
};
const NO_TABLES: Remark = {
	pattern: /mp4 demux warning: (no chunk defined|STTS table of 0 entries)/,
	because: "VLC says it of every fragmented MP4: the tables of samples are in the fragments",
};
const UNKNOWN_EMSG: Remark = {
	pattern: /mp4 stream warning: unknown box type emsg/,
	because: "VLC steps over the event message that names the unit, as over any box that it does not know",
};
const LATE_COMER: Remark = {
	pattern: /mp4 demux: Fragment sequence discontinuity detected \d+ != 0$/,
	because: "VLC expects to meet a channel at its very first fragment; it says so once, at the start",
};

const reads = (...remarks: readonly Remark[]): Cell => ({ kind: "reads", remarks });

export const MATRIX: Readonly<Record<Packaging, Readonly<Record<Player, Cell>>>> = {
	ts: { FFmpeg: reads(), GStreamer: reads(), VLC: { kind: "reads", keeps: 1 }, mpv: reads() },
	flv: { FFmpeg: reads(SCRIPT_TRACK), GStreamer: reads(), VLC: reads(SCRIPT_TRACK), mpv: reads() },
	mp4: {
		FFmpeg: reads(SECOND_MOOV),
		GStreamer: reads(),
		VLC: reads(NO_TABLES, UNKNOWN_EMSG, LATE_COMER),
		mpv: reads(SECOND_MOOV),
	},
	rtp: {
		FFmpeg: { kind: "cannot", says: /\[mpegts @ \w+\] (changing packet size|PES packet size mismatch|Packet corrupt)/ },
		GStreamer: reads(),
		VLC: { kind: "cannot", says: /ts demux warning: lost synchro/ },
		mpv: { kind: "cannot", says: /mpegts: (changing packet size|PES packet size mismatch|Packet corrupt)/ },
	},
};

/** What is left of a player's complaints when its known remarks are taken away. */
export const beyondRemarks = (warnings: readonly string[], remarks: readonly Remark[] = []): string[] =>
	warnings.filter((line) => !remarks.some(({ pattern }) => pattern.test(line)));
