/**
 * What each packaging is called on the wire, apart from what writes it: whoever only reads (a player in a browser, above
 * all) names packagings without carrying their writers along.
 */

export interface PackagingName {
	/** The path's extension, without the dot. */
	readonly extension: string;
	readonly contentType: string;
}

export const MPEGTS_NAME: PackagingName = { extension: "ts", contentType: "video/mp2t" };
export const FMP4_NAME: PackagingName = { extension: "mp4", contentType: "video/mp4" };
export const FLV_NAME: PackagingName = { extension: "flv", contentType: "video/x-flv" };
export const RTP_NAME: PackagingName = {
	extension: "rtp",
	contentType: "application/x-rtp-stream; media=video; clock-rate=90000; encoding-name=MP2T; payload=33",
};
