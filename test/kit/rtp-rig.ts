/** An RTP session under test: a clock moved by hand, a sink that keeps what comes, and packets made by hand. */
import { PenstockError } from "../../src/base/errors.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../../src/media/rtp/header.ts";
import type { PayloadDescription } from "../../src/media/rtp/payload-description.ts";
import { RtpSession } from "../../src/media/rtp/session.ts";
import type { RtpStream, RtpStreamSettings } from "../../src/media/rtp/stream.ts";
import { ManualClock } from "./manual-clock.ts";

export const SSRC = 0x1234_5678;

export interface RtpRig {
	readonly clock: ManualClock;
	readonly session: RtpSession;
	readonly streams: readonly RtpStream[];
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly faults: PenstockError[];
	/** Gives a datagram to a stream, the first where none is named. */
	readonly push: (datagram: Uint8Array, stream?: number) => void;
}

/** @throws Error where a description is refused */
export function openRtp(descriptions: readonly PayloadDescription[], settings: RtpStreamSettings = {}): RtpRig {
	const clock = new ManualClock();
	const accessUnits: AccessUnit[] = [];
	const decodes: DecodeInformation[] = [];
	const faults: PenstockError[] = [];
	const session = new RtpSession(clock, {
		accessUnit: (accessUnit) => accessUnits.push(accessUnit),
		decodeInformation: (decode) => decodes.push(decode),
		fault: (error) => faults.push(error),
	});
	const streams = descriptions.map((description) => {
		const stream = session.add(description, settings);
		if (stream instanceof PenstockError) throw stream;
		return stream;
	});
	const push = (datagram: Uint8Array, stream = 0): void => session.push(streams[stream]!, datagram);
	return { clock, session, streams, accessUnits, decodes, faults, push };
}

export interface PacketShape {
	readonly number: number;
	readonly timestamp?: number;
	readonly marker?: boolean;
	readonly payloadType?: number;
	readonly ssrc?: number;
	readonly payload?: Uint8Array;
}

export function rtpPacket(shape: PacketShape): Uint8Array {
	const { number, timestamp = 0, marker = false, payloadType = 96, ssrc = SSRC } = shape;
	const { payload = Uint8Array.of(number >> 8, number) } = shape;
	const packet = new Uint8Array(RTP_HEADER_BYTES + payload.length);
	writeRtpHeader(packet, 0, payloadType, marker, number, timestamp, ssrc);
	packet.set(payload, RTP_HEADER_BYTES);
	return packet;
}

export const described = (
	encodingName: string,
	clockRateHz: number,
	parameters: Readonly<Record<string, string>> = {},
): PayloadDescription => ({
	payloadType: 96,
	encodingName,
	clockRateHz,
	parameters: new Map(Object.entries(parameters)),
});
