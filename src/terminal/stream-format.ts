/**
 * Which packaging a response is in, and the reader for it. The Content-Type says it; where it says nothing, the
 * extension of the path.
 */
import { PenstockError } from "../base/errors.ts";
import { flv } from "../media/flv/flv.ts";
import { FlvReader } from "../media/flv/reader.ts";
import { fmp4 } from "../media/fmp4/fmp4.ts";
import { Fmp4Reader } from "../media/fmp4/reader.ts";
import { mpegTs } from "../media/mpegts/mpegts.ts";
import { MpegTsReader } from "../media/mpegts/reader.ts";
import type { Packaging } from "../media/packaging.ts";
import { RtpReader } from "../media/rtp/reader.ts";
import { rtp } from "../media/rtp/rtp.ts";
import type { StreamReader, StreamSink } from "../media/stream-reader.ts";

export interface StreamFormat {
	readonly packaging: Packaging;
	/** Other names for its content type. */
	readonly otherTypes: readonly string[];
	createReader(sink: StreamSink): StreamReader;
}

const FORMATS: readonly StreamFormat[] = [
	{ packaging: mpegTs, otherTypes: ["video/mpeg"], createReader: (sink) => new MpegTsReader(sink) },
	{ packaging: fmp4, otherTypes: ["audio/mp4"], createReader: (sink) => new Fmp4Reader(sink) },
	{ packaging: flv, otherTypes: ["video/flv"], createReader: (sink) => new FlvReader(sink) },
	{ packaging: rtp, otherTypes: [], createReader: (sink) => new RtpReader(sink) },
];

/** Without its parameters. */
const mediaType = (value: string): string => value.split(";", 1)[0]!.trim().toLowerCase();

/** Types that say no more than "bytes". */
const BYTES_ONLY = ["application/octet-stream", "binary/octet-stream"];

/**
 * @param contentType the header's value, as it came
 * @throws PenstockError PACKAGING_UNKNOWN
 */
export function streamFormat(contentType: string | undefined, pathname: string): StreamFormat {
	const type = mediaType(contentType ?? "");
	const byType = FORMATS.find(({ packaging, otherTypes }) => {
		return [mediaType(packaging.contentType), ...otherTypes].includes(type);
	});
	if (byType !== undefined) return byType;
	const extension = /\.([a-z0-9]{1,8})$/i.exec(pathname)?.[1]?.toLowerCase();
	const byExtension = FORMATS.find(({ packaging }) => packaging.extension === extension);
	if (byExtension !== undefined && (type === "" || BYTES_ONLY.includes(type))) return byExtension;
	const known = FORMATS.map(({ packaging }) => `${packaging.contentType} (.${packaging.extension})`).join(", ");
	const what = type === "" ? "without a Content-Type" : `as ${JSON.stringify(type.slice(0, 80))}`;
	throw new PenstockError(
		"PACKAGING_UNKNOWN",
		`${pathname} came ${what}, which is none of the packagings that can be played: ${known}.`,
	);
}
