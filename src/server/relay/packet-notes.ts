/** What passing packets tell of a medium: its source, what comes next, and how they are received. */
import { isRtcp } from "../../media/rtp/header.ts";
import type { ReceptionMeter } from "../../media/rtp/reception-meter.ts";
import type { ReportBlock } from "../../media/rtp/rtcp.ts";
import type { MediumStart } from "../../rtsp/application.ts";

const RTP_BYTES = 12;
const SENDER_REPORT = 200;

export class PacketNotes {
	readonly #meter: ReceptionMeter | undefined;
	#ssrc: number | undefined;
	#next: MediumStart = {};

	/** @param meter undefined where nobody is told of the reception */
	constructor(meter: ReceptionMeter | undefined) {
		this.#meter = meter;
	}

	/** @param bytes RTP or RTCP */
	note(bytes: Uint8Array): void {
		this.#meter?.push(bytes);
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

	/** How its packets have come since the block before; undefined where none have. */
	takeBlock(): ReportBlock | undefined {
		return this.#meter?.takeBlock();
	}

	/** Its media do not pass here any more, for a while. */
	interrupt(): void {
		this.#meter?.interrupt();
	}
}
