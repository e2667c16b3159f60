/** Decode information as WebCodecs wants it ("WebCodecs Codec Registry" and its registrations). */
import type { AudioConfig, VideoConfig } from "../../media/access-unit.ts";
import { buildAvcC } from "../../media/h264.ts";
import { buildHvcC } from "../../media/hevc.ts";
import { buildOpusHead } from "../../media/opus.ts";

export function videoDecoderConfig(config: VideoConfig): VideoDecoderConfig {
	return {
		codec: config.codecString,
		codedWidth: config.width,
		codedHeight: config.height,
		optimizeForLatency: true,
		...descriptionOf(config),
	};
}

function descriptionOf(config: VideoConfig): Pick<VideoDecoderConfig, "description"> {
	switch (config.codec) {
		case "h264":
			return { description: buildAvcC(config) };
		case "hevc":
			return { description: buildHvcC(config) };
		case "av1":
			// Has none: the sequence header is in front of the key frames.
			return {};
	}
}

/** What goes in front of a key picture. */
export const keyPrelude = (config: VideoConfig): Uint8Array =>
	config.codec === "av1" ? config.sequenceHeader : new Uint8Array(0);

export function audioDecoderConfig(config: AudioConfig): AudioDecoderConfig {
	const { codecString: codec, sampleRateHz: sampleRate, channelCount: numberOfChannels } = config;
	return { codec, sampleRate, numberOfChannels, ...soundDescriptionOf(config) };
}

/** Opus in one or two channels needs none, and without one nothing is cut off at the start as "pre-skip". */
function soundDescriptionOf(config: AudioConfig): Pick<AudioDecoderConfig, "description"> {
	if (config.codec === "aac") return { description: config.specificConfig };
	return config.mappingFamily === 0 ? {} : { description: buildOpusHead(config) };
}
