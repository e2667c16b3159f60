/**
 * In which container FFmpeg writes each codec to its pipe, and how that is read. FLV writes a frame whole when it has
 * it, but FFmpeg 5.1 has it for H.264 and AAC only. AV1 goes in IVF, which does the same. HEVC and Opus go in MPEG-TS,
 * one frame in a PES packet whose length is said, so that it is whole without the next one; only a picture of HEVC
 * beyond 65535 bytes, whose length a PES packet cannot say, waits for the picture behind it. So does AAC that is copied:
 * with ADTS headers, as it comes in MPEG-TS, FFmpeg's FLV would begin with a configuration that says nothing.
 */
import type { PenstockError } from "../base/errors.ts";
import type { AccessUnit, AudioConfig, DecodeInformation, VideoConfig } from "../media/access-unit.ts";
import { FlvReader } from "../media/flv/reader.ts";
import { splitLengthPrefixed } from "../media/h264.ts";
import { isHevcIrap } from "../media/hevc.ts";
import { IvfReader } from "../media/ivf.ts";
import { MpegTsReader } from "../media/mpegts/reader.ts";
import type { StreamReader } from "../media/stream-reader.ts";
import type { AudioSpec } from "./ladder-config.ts";

type PipeForm = "flv" | "ivf" | "mpegts";

export type PipedCodec = (VideoConfig | AudioConfig)["codec"] | "adts";

const FORMS: Readonly<Record<PipedCodec, PipeForm>> = {
	h264: "flv",
	hevc: "mpegts",
	av1: "ivf",
	aac: "flv",
	adts: "mpegts",
	opus: "mpegts",
};

/** What the sound goes as. */
export const soundPipe = ({ codec = "aac", copy = false }: Pick<AudioSpec, "codec" | "copy">): PipedCodec =>
	copy && codec === "aac" ? "adts" : codec;

/** What one pipe's reader tells. */
export interface PipeSink {
	/** What is new, before the first access unit that needs it. */
	configuration(changed: DecodeInformation): void;
	/** @param startsGop key, or a picture that says that one may begin there, though what is behind it refers back */
	accessUnit(accessUnit: AccessUnit, startsGop: boolean): void;
	/** What is broken in a pipe of FFmpeg's is no matter of the line. */
	fault(error: PenstockError): void;
}

export function pipeReader(codec: PipedCodec, sink: PipeSink): StreamReader {
	const plain = {
		decodeInformation: (decode: DecodeInformation) => sink.configuration(decode),
		fault: (error: PenstockError) => sink.fault(error),
	};
	switch (FORMS[codec]) {
		case "flv":
			return new FlvReader(sink);
		case "ivf":
			return new IvfReader({ ...plain, accessUnit: (unit) => sink.accessUnit(unit, unit.key) });
		case "mpegts":
			return new MpegTsReader({ ...plain, accessUnit: (unit) => sink.accessUnit(unit, startsHevcGop(unit)) });
	}
}

/** Key, or a picture of HEVC that is no IDR: pictures behind it may refer to before. @param unit of HEVC, or key */
export const startsHevcGop = ({ track, key, data }: AccessUnit): boolean =>
	key || (track === "video" && splitLengthPrefixed(data).some(isHevcIrap));

/** What ends an output on FFmpeg's command line. */
export function pipeOutput(codec: PipedCodec, fd: number): string[] {
	const form = FORMS[codec];
	return ["-avoid_negative_ts", "disabled", "-flush_packets", "1", ...MUXER_OPTIONS[form], "-f", form, `pipe:${fd}`];
}

const MUXER_OPTIONS: Readonly<Record<PipeForm, readonly string[]>> = {
	flv: ["-flvflags", "no_duration_filesize"],
	ivf: [],
	mpegts: ["-omit_video_pes_length", "0", "-pes_payload_size", "0", "-muxdelay", "0", "-muxpreload", "0"],
};
