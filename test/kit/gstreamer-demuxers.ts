/**
 * GStreamer's elements from the bytes of a packaging to one track's coded stream, as text for `gst-launch-1.0`. Where
 * there is another track it ends in a sink of its own: flvdemux gives up when a pad of its is left alone.
 */
import type { Extension } from "./recording.ts";

export interface DemuxedTrack {
	readonly track: "video" | "audio";
	/** The response has one track only. */
	readonly alone?: boolean;
}

/** What RFC 4571 frames cannot say of themselves. */
const RTP_STREAM = "application/x-rtp-stream,media=video,clock-rate=90000,encoding-name=MP2T,payload=33";

const DEMUXERS: Readonly<Record<Extension, string>> = {
	ts: "tsparse ! tsdemux",
	flv: "flvdemux",
	mp4: "qtdemux",
	rtp: `${RTP_STREAM} ! rtpstreamdepay ! rtpmp2tdepay ! tsparse ! tsdemux`,
};

/** What of the pads is video, and what is audio. */
const PADS: Readonly<Record<Extension, Readonly<Record<DemuxedTrack["track"], string>>>> = {
	ts: { video: "video/x-h264;video/x-h265", audio: "audio/mpeg;audio/x-opus" },
	flv: { video: "video/x-h264", audio: "audio/mpeg" },
	mp4: { video: "video/x-h264;video/x-h265;video/x-av1", audio: "audio/mpeg;audio/x-opus" },
	rtp: { video: "video/x-h264;video/x-h265", audio: "audio/mpeg;audio/x-opus" },
};

export function gstreamerDemuxer(extension: Extension, { track, alone = false }: DemuxedTrack): string {
	const other = PADS[extension][track === "video" ? "audio" : "video"];
	const leave = alone ? "" : `demux. ! ${other} ! queue ! fakesink async=false sync=false `;
	return `${DEMUXERS[extension]} name=demux ${leave}demux. ! ${PADS[extension][track]} ! queue`;
}
