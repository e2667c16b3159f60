/**
 * Which packaging a response is in, and the reader for it. The Content-Type says it; where it says nothing, the
 * extension of the path. Readers are loaded when they are needed: a page gets only the one that it wants.
 */
import { PenstockError } from "../base/errors.ts";
import { FLV_NAME, FMP4_NAME, MPEGTS_NAME, type PackagingName, RTP_NAME } from "../media/packaging-names.ts";
import type { StreamReader, StreamSink } from "../media/stream-reader.ts";

export interface StreamFormat {
	readonly packaging: PackagingName;
	/** Other names for its content type. */
	readonly otherTypes: readonly string[];
	/** Rejects where a page cannot get its code any more. */
	loadReader(): Promise<new (sink: StreamSink) => StreamReader>;
}

const FORMATS: readonly StreamFormat[] = [
	{
		packaging: MPEGTS_NAME,
		otherTypes: ["video/mpeg"],
		loadReader: async () => (await import("../media/mpegts/reader.ts")).MpegTsReader,
	},
	{
		packaging: FMP4_NAME,
		otherTypes: ["audio/mp4"],
		loadReader: async () => (await import("../media/fmp4/reader.ts")).Fmp4Reader,
	},
	{
		packaging: FLV_NAME,
		otherTypes: ["video/flv"],
		loadReader: async () => (await import("../media/flv/reader.ts")).FlvReader,
	},
	{
		packaging: RTP_NAME,
		otherTypes: [],
		loadReader: async () => (await import("../media/rtp/reader.ts")).RtpReader,
	},
];

/** Without its parameters. */
const mediaType = (value: string): string => value.split(";", 1)[0]!.trim().toLowerCase();

/** Types that say no more than "bytes". */
const BYTES_ONLY = ["application/octet-stream", "binary/octet-stream"];

const byExtension = (pathname: string): StreamFormat | undefined => {
	const extension = /\.([a-z0-9]{1,8})$/i.exec(pathname)?.[1]?.toLowerCase();
	return FORMATS.find(({ packaging }) => packaging.extension === extension);
};

/** Loads what will most likely be asked for; where that fails, nothing happens. */
export const preloadReader = async (pathname: string): Promise<void> => {
	await byExtension(pathname)
		?.loadReader()
		.catch(() => undefined);
};

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
	const named = byExtension(pathname);
	if (named !== undefined && (type === "" || BYTES_ONLY.includes(type))) return named;
	const known = FORMATS.map(({ packaging }) => `${packaging.contentType} (.${packaging.extension})`).join(", ");
	const what = type === "" ? "without a Content-Type" : `as ${JSON.stringify(type.slice(0, 80))}`;
	throw new PenstockError(
		"PACKAGING_UNKNOWN",
		`${pathname} came ${what}, which is none of the packagings that can be played: ${known}.`,
	);
}
