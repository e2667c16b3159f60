/** How a track is described to RTSP players: payload type, name, clock and the parameters that decoders need. */
import type { AudioConfig, VideoConfig } from "../access-unit.ts";
import type { H264Config } from "../h264.ts";
import type { HevcConfig } from "../hevc.ts";
import type { PayloadDescription } from "./payload-description.ts";
import { clockRateOf } from "./sender.ts";
import { toBase64, toHex } from "./text-bytes.ts";

/** @returns undefined for a codec that `RtpSender` has no payload format for: AV1, Opus of more than two channels */
export function describePayload(
	config: VideoConfig | AudioConfig,
	payloadType: number,
): PayloadDescription | undefined {
	const known = { payloadType, clockRateHz: clockRateOf(config) };
	switch (config.codec) {
		case "h264":
			return { ...known, encodingName: "H264", parameters: h264Parameters(config) };
		case "hevc":
			return { ...known, encodingName: "H265", parameters: hevcParameters(config) };
		case "aac":
			return {
				...known,
				encodingName: "mpeg4-generic",
				channels: config.channelCount,
				parameters: new Map([
					["streamtype", "5"], // audio (ISO/IEC 14496-1, table 6)
					["profile-level-id", "1"],
					["mode", "AAC-hbr"],
					["sizelength", "13"],
					["indexlength", "3"],
					["indexdeltalength", "3"],
					["config", toHex(config.specificConfig)],
				]),
			};
		case "opus": {
			if (config.mappingFamily !== 0) return undefined;
			const parameters = new Map([["sprop-stereo", config.channelCount === 2 ? "1" : "0"]]);
			return { ...known, encodingName: "opus", channels: 2, parameters };
		}
		case "av1":
			return undefined;
	}
}

/** RFC 6184, clause 8.1. */
function h264Parameters({ sps, pps }: H264Config): Map<string, string> {
	return new Map([
		["packetization-mode", "1"],
		["profile-level-id", toHex(sps[0]!.subarray(1, 4))],
		["sprop-parameter-sets", [...sps, ...pps].map(toBase64).join(",")],
	]);
}

/** RFC 7798, clause 7.1. */
function hevcParameters({ vps, sps, pps }: HevcConfig): Map<string, string> {
	return new Map([
		["sprop-vps", vps.map(toBase64).join(",")],
		["sprop-sps", sps.map(toBase64).join(",")],
		["sprop-pps", pps.map(toBase64).join(",")],
	]);
}
