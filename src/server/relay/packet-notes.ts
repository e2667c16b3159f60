/** What passing packets tell of a medium: its source, and what comes next. */
import { isRtcp } from "../../media/rtp/header.ts";
import type { MediumStart } from "../../rtsp/application.ts";

const RTP_BYTES = 12;
const SENDER_REPORT = 200;

export class PacketNotes {
	#ssrc: number | undefined;
	#next: MediumStart = {};

	/** @param bytes RTP or RTCP */
	note(bytes: Uint8Array): void {
		if (bytes.length < RTP_BYTES) return;
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		if (isRtcp(bytes)) {
			if (bytes[1] === SENDER_REPORT) this.#ssrc = view.getUint32(4);
			return;
		}
		this.#ssrc = view.getUint32(8);
		this.#next = { sequence: (view.getUint16(2) + 1) & 0xffff, rtpTime: view.getUint32(4) };
	}

	get ssrc(): number | undefined {
		return this.#ssrc;
	}

	get next(): MediumStart {
		return this.#next;
	}
}
