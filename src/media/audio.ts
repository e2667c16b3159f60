/** What the audio codecs have in common. */
import { sameBytes } from "../base/bytes.ts";
import { AAC_FRAME_SAMPLES } from "./aac.ts";
import type { AudioConfig } from "./access-unit.ts";
import { buildDOps, opusPacketSamples } from "./opus.ts";

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

/** Whether a decoder that knows one runs on with the other; no audio is the same as none. */
export function sameAudio(one: AudioConfig | undefined, other: AudioConfig | undefined): boolean {
	if (one === other) return true;
	if (one === undefined || one.codec !== other?.codec) return false;
	return sameBytes(recordOf(one), recordOf(other));
}

const recordOf = (config: AudioConfig): Uint8Array =>
	config.codec === "aac" ? config.specificConfig : buildDOps(config);
