/** Whether a stream has arrived as it was sent. */
import { expect } from "vitest";
import type { UdpFrame } from "./frames.ts";
import { mediaPacket, numberOf, type PacketKind } from "./media-packets.ts";

export interface ExpectedStream {
	readonly kind: PacketKind;
	/** 1 where it is left out. */
	readonly stream?: number;
	/** Sizes of the payloads, in turn. */
	readonly bytes: readonly number[];
	/** The number of the first packet; 0 where it is left out. */
	readonly first?: number;
	readonly count: number;
}

/** Every packet once, in order, byte by byte, in frames whose checksums are right. */
export function expectStream(frames: readonly UdpFrame[], expected: ExpectedStream): void {
	const { kind, stream = 1, bytes, first = 0, count } = expected;
	const numbers = Array.from({ length: count }, (_, index) => first + index);
	expect(frames.map(({ payload }) => numberOf(payload))).toEqual(numbers);
	const wrong = frames.filter(({ ipChecksumRight, udpChecksumRight }) => !ipChecksumRight || !udpChecksumRight);
	expect(wrong).toEqual([]);
	for (const [index, { payload }] of frames.entries()) {
		const sent = mediaPacket({ kind, stream, bytes: bytes[index % bytes.length]! }, first + index);
		// A comparison by Buffer first: a thousand deep ones would take seconds.
		if (!payload.equals(sent)) expect(payload.toString("hex")).toBe(sent.toString("hex"));
	}
}
