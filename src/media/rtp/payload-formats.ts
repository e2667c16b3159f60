/**
 * From a payload description to what reads that stream. What a session describes comes from the network: a description
 * that cannot be carried is answered with an error that says why, and not thrown.
 */
import { PenstockError } from "../../base/errors.ts";
import { parseAudioSpecificConfig } from "../aac.ts";
import type { TrackKind } from "../access-unit.ts";
import { MpegTsReader } from "../mpegts/reader.ts";
import type { StreamReader, StreamSink } from "../stream-reader.ts";
import { AacDepacketizer, type AuHeaderForm } from "./aac-depacketizer.ts";
import type { Depacketizer, FrameSink } from "./depacketizer.ts";
import { parseStreamMuxConfig } from "./latm-config.ts";
import { LatmDepacketizer } from "./latm-depacketizer.ts";
import { H264_FORMAT, HEVC_FORMAT } from "./nal-format.ts";
import { OpusDepacketizer } from "./opus-depacketizer.ts";
import { numberParameter, type PayloadDescription } from "./payload-description.ts";
import { PictureDepacketizer } from "./picture-depacketizer.ts";
import { ProgramStreamReader } from "./program-stream.ts";
import { fromBase64, fromHex } from "./text-bytes.ts";

/** A transport or program stream in RTP: it has tracks and times of its own. */
export interface Container extends StreamReader {
	/** Bytes are missing here. */
	lost(): void;
	/** The marker of RTP: an access unit ends here. */
	endOfFrame(): void;
}

export interface FormatSettings {
	/** After a picture was dropped, drop those that may refer to it, up to the next key picture. */
	readonly waitForKey: boolean;
}

export type OpenedFormat =
	| {
			readonly kind: "frames";
			readonly track: TrackKind;
			readonly open: (sink: FrameSink, settings: FormatSettings) => Depacketizer;
	  }
	| { readonly kind: "container"; readonly open: (sink: StreamSink) => Container };

/** More parameter sets or bytes in a description are a mistake or an attack. */
const MOST_SETS = 64;
const MOST_PARAMETER_CHARACTERS = 16_384;
/** A field of an AU-header is no wider. */
const MOST_FIELD_BITS = 32;
const LEAST_RATE_HZ = 1000;
const MOST_RATE_HZ = 1_000_000;

/** @returns how to open it; or STREAM_UNSUPPORTED with the reason */
export function formatOf(description: PayloadDescription): OpenedFormat | PenstockError {
	const { clockRateHz, parameters } = description;
	if (!(clockRateHz >= LEAST_RATE_HZ && clockRateHz <= MOST_RATE_HZ)) {
		return refuse(description, `a clock rate of ${clockRateHz} Hz cannot be right`);
	}
	for (const [name, value] of parameters) {
		if (value.length <= MOST_PARAMETER_CHARACTERS) continue;
		return refuse(description, `the parameter "${name}" has ${value.length} characters, more than any needs`);
	}
	switch (description.encodingName.toUpperCase()) {
		case "H264":
			return h264(description);
		case "H265":
			return hevc(description);
		case "MPEG4-GENERIC":
			return aac(description);
		case "MP4A-LATM":
			return latm(description);
		case "OPUS":
			return opus(description);
		case "MP2T":
			return { kind: "container", open: (sink) => new TransportStream(sink) };
		case "PS":
		case "MP2P":
			return { kind: "container", open: (sink) => new ProgramStreamReader(sink) };
		default:
			return refuse(description, "Penstock carries H264, H265, mpeg4-generic, MP4A-LATM, opus, MP2T and PS by RTP");
	}
}

function h264(description: PayloadDescription): OpenedFormat | PenstockError {
	const mode = numberParameter(description, "packetization-mode", 0);
	if (mode !== 0 && mode !== 1) return refuse(description, "packetization-mode 2 (interleaved) is not carried");
	const sets = setsOf(description, ["sprop-parameter-sets"]);
	return {
		kind: "frames",
		track: "video",
		open: (sink, settings) => new PictureDepacketizer(H264_FORMAT, { ...settings, sets }, sink),
	};
}

function hevc(description: PayloadDescription): OpenedFormat | PenstockError {
	const reorders = numberParameter(description, "sprop-max-don-diff", 0) !== 0;
	if (reorders) return refuse(description, "NAL units out of decoding order (sprop-max-don-diff) are not carried");
	const sets = setsOf(description, ["sprop-vps", "sprop-sps", "sprop-pps"]);
	return {
		kind: "frames",
		track: "video",
		open: (sink, settings) => new PictureDepacketizer(HEVC_FORMAT, { ...settings, sets }, sink),
	};
}

/** What cannot be read is left out: the stream brings its own sets, mostly. */
function setsOf({ parameters }: PayloadDescription, names: readonly string[]): Uint8Array[] {
	const texts = names.flatMap((name) => parameters.get(name)?.split(",") ?? []);
	return texts.slice(0, MOST_SETS).flatMap((text) => {
		const set = fromBase64(text);
		return set === undefined || set.length === 0 ? [] : [set];
	});
}

function aac(description: PayloadDescription): OpenedFormat | PenstockError {
	const width = (name: string): number => numberParameter(description, name, 0);
	const form: AuHeaderForm = {
		sizeBits: width("sizelength"),
		indexBits: width("indexlength"),
		indexDeltaBits: width("indexdeltalength"),
		ctsDeltaBits: width("ctsdeltalength"),
		dtsDeltaBits: width("dtsdeltalength"),
		randomAccessBits: width("randomaccessindication"),
		streamStateBits: width("streamstateindication"),
		auxiliarySizeBits: width("auxiliarydatasizelength"),
	};
	if (!Object.values(form).every((value: number) => value <= MOST_FIELD_BITS)) {
		return refuse(description, "a field of its AU-headers has a width that cannot be right");
	}
	if (form.sizeBits === 0) return refuse(description, "its AU-headers have no sizes (sizeLength); AAC-hbr has them");
	return withConfig(description, (record) => {
		const config = parseAudioSpecificConfig(record);
		return {
			kind: "frames",
			track: "audio",
			open: (sink) => new AacDepacketizer(config, description.clockRateHz, form, sink),
		};
	});
}

function latm(description: PayloadDescription): OpenedFormat | PenstockError {
	if (numberParameter(description, "cpresent", 1) !== 0) {
		return refuse(description, "a StreamMuxConfig within the stream (cpresent of 1) is not carried");
	}
	return withConfig(description, (record) => {
		const form = parseStreamMuxConfig(record);
		if (typeof form === "string") return refuse(description, form);
		return {
			kind: "frames",
			track: "audio",
			open: (sink) => new LatmDepacketizer(form, description.clockRateHz, sink),
		};
	});
}

function withConfig(
	description: PayloadDescription,
	open: (record: Uint8Array) => OpenedFormat | PenstockError,
): OpenedFormat | PenstockError {
	const text = description.parameters.get("config");
	const record = text === undefined ? undefined : fromHex(text);
	if (record === undefined || record.length === 0) return refuse(description, "it has no config in hexadecimal digits");
	try {
		return open(record);
	} catch (error) {
		if (error instanceof PenstockError) return error;
		throw error;
	}
}

function opus(description: PayloadDescription): OpenedFormat {
	// "channels" is always 2 (RFC 7587, clause 4.1); what is in the stream, sprop-stereo says.
	const channelCount = description.parameters.get("sprop-stereo") === "0" ? 1 : 2;
	return { kind: "frames", track: "audio", open: (sink) => new OpusDepacketizer(channelCount, sink) };
}

/** RFC 2250, clause 2: whole transport stream packets, whose own counters tell what was lost. */
class TransportStream extends MpegTsReader implements Container {
	lost(): void {}

	endOfFrame(): void {}
}

const refuse = ({ payloadType, encodingName, clockRateHz }: PayloadDescription, why: string): PenstockError =>
	new PenstockError(
		"STREAM_UNSUPPORTED",
		`payload type ${payloadType} (${encodingName.slice(0, 40)}/${clockRateHz}) cannot be received: ${why}.`,
	);
