/**
 * One RTP stream on its way out: access units of one track to RTP packets for players. Numbers and timestamps begin
 * where the caller says, at random (RFC 3550, clause 5.1), and run on. Counts what a sender report says.
 * Not here: sockets, when a packet is sent, when a report is.
 */
import type { EpochMs } from "../../base/units.ts";
import type { AccessUnit, AudioConfig, VideoConfig } from "../access-unit.ts";
import { RTP_HEADER_BYTES, writeRtpHeader } from "./header.ts";
import { H264_FORMAT, HEVC_FORMAT } from "./nal-format.ts";
import { NalPacketizer } from "./nal-packetizer.ts";
import type { Packetizer, PayloadRoom } from "./packetizer.ts";
import type { SenderReport } from "./rtcp.ts";
import { ntpOf } from "./rtcp-writer.ts";
import { AAC_PACKETIZER, OPUS_PACKETIZER } from "./sound-packetizers.ts";

/** What fits an Ethernet frame of 1500 bytes with the headers of IPv6 and UDP, and with room for a tunnel's. */
export const USUAL_PACKET_BYTES = 1400;
/** The least that IPv4 promises to carry, without its headers and UDP's. */
export const LEAST_PACKET_BYTES = 548;
const TICKS_PER_SECOND = 90_000;
export const VIDEO_CLOCK_HZ = 90_000;

export interface RtpSenderForm {
	readonly payloadType: number;
	/** 32 bits, by chance. */
	readonly ssrc: number;
	/** The first sequence number, 16 bits, and what is added to timestamps, 32 bits: by chance. */
	readonly firstNumber: number;
	readonly timestampOffset: number;
	/** Of a whole RTP packet, from 548; 1400 where this is left out. */
	readonly mostPacketBytes?: number;
}

/** The rate of a track's RTP timestamps. */
export const clockRateOf = (config: VideoConfig | AudioConfig): number =>
	config.codec === "aac" || config.codec === "opus" ? config.sampleRateHz : VIDEO_CLOCK_HZ;

export class RtpSender implements PayloadRoom {
	readonly mostBytes: number;
	readonly #form: RtpSenderForm;
	readonly #clockRateHz: number;
	readonly #packetizer: Packetizer;
	#packets: Uint8Array[] = [];
	#number: number;
	#timestamp = 0;
	#packetCount = 0;
	#octetCount = 0;

	/** @throws RangeError where packets would be smaller than any path needs, or the codec has no payload format here */
	constructor(config: VideoConfig | AudioConfig, form: RtpSenderForm) {
		const { mostPacketBytes = USUAL_PACKET_BYTES } = form;
		if (!(mostPacketBytes >= LEAST_PACKET_BYTES)) {
			throw new RangeError(
				`packets of ${mostPacketBytes} bytes are below ${LEAST_PACKET_BYTES}, which every path carries`,
			);
		}
		this.#form = form;
		this.#clockRateHz = clockRateOf(config);
		this.#packetizer = packetizerOf(config);
		this.mostBytes = mostPacketBytes - RTP_HEADER_BYTES;
		this.#number = form.firstNumber;
	}

	/** The number and the timestamp of the next packet, for RTSP's RTP-Info. @param pts its access unit's, in ticks of 90 kHz */
	nextPacket(pts: number): { readonly number: number; readonly timestamp: number } {
		return { number: this.#number & 0xffff, timestamp: this.#stamp(pts) };
	}

	/** Video's decode information has changed: the next key picture brings it. */
	set config(config: VideoConfig) {
		if (this.#packetizer instanceof NalPacketizer) this.#packetizer.config = config;
	}

	/**
	 * The packets of an access unit of the sender's track, to be sent in this order. None has been counted as sent where
	 * this throws.
	 * @throws PenstockError RTP_PAYLOAD_TOO_LARGE, STREAM_UNSUPPORTED: see `Packetizer`
	 */
	packets(accessUnit: AccessUnit): Uint8Array[] {
		const before = this.#number;
		this.#packets = [];
		this.#timestamp = this.#stamp(accessUnit.pts);
		try {
			this.#packetizer.write(accessUnit, this);
		} catch (error) {
			this.#number = before;
			throw error;
		}
		const packets = this.#packets;
		this.#packets = [];
		this.#packetCount += packets.length;
		for (const { length } of packets) this.#octetCount += length - RTP_HEADER_BYTES;
		return packets;
	}

	/** For the packetizer. */
	open(payloadBytes: number, marker: boolean): Uint8Array {
		const packet = new Uint8Array(RTP_HEADER_BYTES + payloadBytes);
		const { payloadType, ssrc } = this.#form;
		writeRtpHeader(packet, 0, payloadType, marker, this.#number, this.#timestamp, ssrc);
		this.#number++;
		this.#packets.push(packet);
		return packet.subarray(RTP_HEADER_BYTES);
	}

	/**
	 * For a sender report that goes out now.
	 * @param pts what the channel's clock says now, in ticks of 90 kHz: of all tracks the same
	 */
	report(wall: EpochMs, pts: number): Omit<SenderReport, "kind"> {
		return {
			ssrc: this.#form.ssrc,
			ntp: ntpOf(wall),
			rtpTimestamp: this.#stamp(pts),
			packetCount: this.#packetCount % 2 ** 32,
			octetCount: this.#octetCount % 2 ** 32,
			blocks: [],
		};
	}

	/** 32 bits. A time that is rounded to 90 kHz comes back as the sample that it was rounded from. */
	#stamp(pts: number): number {
		const units = Math.round((pts * this.#clockRateHz) / TICKS_PER_SECOND) + this.#form.timestampOffset;
		return ((units % 2 ** 32) + 2 ** 32) % 2 ** 32;
	}
}

function packetizerOf(config: VideoConfig | AudioConfig): Packetizer {
	switch (config.codec) {
		case "h264":
			return new NalPacketizer(H264_FORMAT, config);
		case "hevc":
			return new NalPacketizer(HEVC_FORMAT, config);
		case "aac":
			return AAC_PACKETIZER;
		case "opus":
			return OPUS_PACKETIZER;
		case "av1":
			throw new RangeError("AV1 has no payload format here; ask describePayload first");
	}
}
