/** What the audio codecs have in common. */
import { AAC_FRAME_SAMPLES } from "./aac.ts";
import type { AudioConfig } from "./access-unit.ts";
import { opusPacketSamples } from "./opus.ts";

/**
 * How long an access unit plays, in samples of `config.sampleRateHz`; 0 where it is broken.
 * @param data of an access unit
 */
export function audioFrameSamples(config: AudioConfig, data: Uint8Array): number {
	switch (config.codec) {
		case "aac":
			return AAC_FRAME_SAMPLES;
		case "opus":
			return opusPacketSamples(data);
	}
}
