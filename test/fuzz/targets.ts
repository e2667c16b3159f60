/** The readers under test, and what each has promised. */
import type { ErrorCode } from "../../src/base/errors.ts";
import { flv } from "../../src/media/flv/flv.ts";
import { FLV_MAX_TAG_BYTES, FLV_TIME_BITS, FlvReader } from "../../src/media/flv/reader.ts";
import { MOST_DESCRIPTION_BYTES, MOST_MEDIA_BYTES } from "../../src/media/fmp4/box-scanner.ts";
import { fmp4 } from "../../src/media/fmp4/fmp4.ts";
import { Fmp4Reader, MOST_SAMPLE_BYTES } from "../../src/media/fmp4/reader.ts";
import { mpegTs } from "../../src/media/mpegts/mpegts.ts";
import { MOST_PES_BYTES } from "../../src/media/mpegts/pes-assembler.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import type { Packaging } from "../../src/media/packaging.ts";
import { RtpReader } from "../../src/media/rtp/reader.ts";
import { rtp } from "../../src/media/rtp/rtp.ts";
import type { StreamReader, StreamSink } from "../../src/media/stream-reader.ts";
import type { Container } from "./structure.ts";

export const READERS = ["ts", "rtp", "mp4", "flv"] as const satisfies readonly Container[];

export interface Target {
	readonly open: (sink: StreamSink) => StreamReader;
	readonly packaging: Packaging;
	/** Of the faults that it may tell. */
	readonly codes: readonly ErrorCode[];
	/** The most that `heldBytes` may say. */
	readonly heldLimit: number;
	/** A reader that believes a length may wait for so many bytes before it takes the stream up again. */
	readonly patience: number;
	/** Times of the container wrap, in ticks of 90 kHz; behind garbage they come back off by a multiple of it. */
	readonly timeModulus: number;
}

/** What readers keep besides their largest thing: a packet, a header, a piece. */
const SMALL = 70_000;
const TS_HELD = 2 * MOST_PES_BYTES + SMALL;
const TS_TIME = 2 ** 33;
/** Whatever a PES packet's length says, the next one ends it. */
const TS_PATIENCE = 2 ** 16;
/** RFC 4571's longest packet, kept in a window that grows by doubling. */
const RTP_HELD = 2 * (2 ** 16 + 2);

export const TARGETS: Readonly<Record<Container, Target>> = {
	ts: {
		open: (sink) => new MpegTsReader(sink),
		packaging: mpegTs,
		codes: ["MPEGTS_SYNTAX", "STREAM_UNSUPPORTED"],
		heldLimit: TS_HELD,
		patience: TS_PATIENCE,
		timeModulus: TS_TIME,
	},
	rtp: {
		open: (sink) => new RtpReader(sink),
		packaging: rtp,
		codes: ["RTP_SYNTAX", "MPEGTS_SYNTAX", "STREAM_UNSUPPORTED"],
		heldLimit: RTP_HELD + TS_HELD,
		patience: RTP_HELD + TS_PATIENCE,
		timeModulus: TS_TIME,
	},
	mp4: {
		open: (sink) => new Fmp4Reader(sink),
		packaging: fmp4,
		codes: ["FMP4_SYNTAX", "STREAM_UNSUPPORTED"],
		heldLimit: 3 * MOST_DESCRIPTION_BYTES + MOST_SAMPLE_BYTES + SMALL,
		patience: MOST_MEDIA_BYTES,
		timeModulus: Number.POSITIVE_INFINITY,
	},
	flv: {
		open: (sink) => new FlvReader(sink),
		packaging: flv,
		codes: ["FLV_SYNTAX", "STREAM_UNSUPPORTED"],
		heldLimit: FLV_MAX_TAG_BYTES + SMALL,
		patience: FLV_MAX_TAG_BYTES,
		timeModulus: 90 * 2 ** FLV_TIME_BITS,
	},
};
