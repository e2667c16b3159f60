/** From RTP payloads of Opus (RFC 7587) to access units: each is one packet of Opus as it is, on a clock of 48 kHz. */
import { OPUS_SAMPLE_RATE_HZ, type OpusConfig, opusPacketSamples } from "../opus.ts";
import type { Depacketizer, FrameSink } from "./depacketizer.ts";

export class OpusDepacketizer implements Depacketizer {
	readonly track = "audio";
	readonly config: OpusConfig;
	readonly heldBytes = 0;
	readonly #sink: FrameSink;

	/** @param channelCount 1 or 2; a decoder makes either of any packet */
	constructor(channelCount: number, sink: FrameSink) {
		this.#sink = sink;
		this.config = {
			codec: "opus",
			sampleRateHz: OPUS_SAMPLE_RATE_HZ,
			channelCount,
			preSkip: 0, // not said here, nor the next
			inputSampleRateHz: 0,
			mappingFamily: 0,
			codecString: "opus",
		};
	}

	push(payload: Uint8Array, _marker: boolean, timestamp: number, _afterLoss: boolean): void {
		if (payload.length === 0) return;
		if (opusPacketSamples(payload) === 0) {
			this.#sink.flaw("a packet of Opus is broken");
			return;
		}
		this.#sink.frame({ timestamp, key: true, data: payload.slice(), config: this.config });
	}

	end(): void {}
}
