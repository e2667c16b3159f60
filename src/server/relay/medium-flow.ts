/** How the packets of one medium of a stream reach those who have asked for it, wherever they come from. */
import type { PenstockError } from "../../base/errors.ts";
import type { MediumStart, PacketKind } from "../../rtsp/application.ts";
import type { Traffic } from "../../wire/distributor-answer.ts";
import type { MediaPorts } from "./port-pairs.ts";
import type { UdpReceiver } from "./rule-pair.ts";

/** @param bytes valid during the call */
export type PacketListener = (kind: PacketKind, bytes: Uint8Array) => void;

export interface MediumFlow {
	/** Those that players by UDP get packets from; or why there can be none. */
	ports(): Promise<MediaPorts | PenstockError>;
	/** After `ports`. Whether somebody could be a receiver. */
	hindrance(receiver: UdpReceiver): PenstockError | undefined;
	/** After `ports`. Resolves when it gets packets, or with why it does not. */
	add(receiver: UdpReceiver): Promise<PenstockError | undefined>;
	/** Who was added. */
	remove(receiver: UdpReceiver): void;
	/** RTP that a receiver was sent since it was added, as the engine counts; undefined while none tells. */
	sent(receiver: UdpReceiver): Promise<Traffic | undefined>;
	/** Packets come to this process as well. @returns what ends that */
	listen(listener: PacketListener): () => void;
	/** The packet that comes next, as far as it is known. */
	readonly next: MediumStart;
	/** Of whom its packets are, as far as it is known. */
	readonly ssrc: number | undefined;
	close(): void;
}
