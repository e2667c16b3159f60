/**
 * The one programme that a channel is: its PIDs, and the PAT and PMT that say so.
 * Invariant: the two packets are a function of the composition (which tracks there are) and the unit's number alone,
 * so they are the same in every rendition. Each composition has its own PMT version_number: a demultiplexer hears of
 * audio that went away, and is not disturbed by a switch.
 */
import { PenstockError } from "../../base/errors.ts";
import type { UnitHead } from "../packaging.ts";
import { NO_PCR, PACKET_BYTES, writePacketHead } from "./packet.ts";
import type { ElementaryStream } from "./psi.ts";
import { PAT_PID, patSection, pmtSection, STREAM_TYPE_ADTS, STREAM_TYPE_H264 } from "./psi.ts";

export const PMT_PID = 0x1000;
export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;
/** PAT and PMT, one packet each. */
export const PSI_BYTES = 2 * PACKET_BYTES;
const TRANSPORT_STREAM_ID = 1;
const PROGRAM_NUMBER = 1;

/** Which tracks the programme has, and what follows from that. */
export interface Program {
	/** Video's where there is video: PCRs run on it. */
	readonly pcrPid: number;
	readonly streams: readonly ElementaryStream[];
	/** The PAT's packet and the PMT's, with counters of 0. */
	readonly psi: Uint8Array;
}

const VIDEO: ElementaryStream = { pid: VIDEO_PID, streamType: STREAM_TYPE_H264 };
const AUDIO: ElementaryStream = { pid: AUDIO_PID, streamType: STREAM_TYPE_ADTS };

const VIDEO_AND_AUDIO = program(0, VIDEO_PID, [VIDEO, AUDIO]);
const VIDEO_ONLY = program(1, VIDEO_PID, [VIDEO]);
const AUDIO_ONLY = program(2, AUDIO_PID, [AUDIO]);

/**
 * The programme of a unit.
 * @throws PenstockError STREAM_UNSUPPORTED when the unit's decode information names no track
 */
export function programOf(head: UnitHead): Program {
	if (head.decode.video) return head.decode.audio ? VIDEO_AND_AUDIO : VIDEO_ONLY;
	if (head.decode.audio) return AUDIO_ONLY;
	throw new PenstockError(
		"STREAM_UNSUPPORTED",
		`unit ${head.number} of rendition "${head.rendition}" has neither video nor audio; give its decode information at least one track.`,
	);
}

/** Writes PAT and PMT of a unit: both continuity counters are the unit's number modulo 16. */
export function writePsi(out: Uint8Array, at: number, psi: Uint8Array, unitNumber: number): void {
	out.set(psi, at);
	const counter = unitNumber % 16;
	out[at + 3] = 0x10 | counter;
	out[at + PACKET_BYTES + 3] = 0x10 | counter;
}

function program(version: number, pcrPid: number, streams: readonly ElementaryStream[]): Program {
	const psi = new Uint8Array(PSI_BYTES).fill(0xff);
	const put = (at: number, pid: number, section: Uint8Array): void => {
		writePacketHead(psi, at, pid, true, 0, PACKET_BYTES - 4, 0, NO_PCR);
		psi[at + 4] = 0; // pointer_field: the section starts here
		psi.set(section, at + 5);
	};
	put(0, PAT_PID, patSection(TRANSPORT_STREAM_ID, PROGRAM_NUMBER, PMT_PID));
	put(PACKET_BYTES, PMT_PID, pmtSection(PROGRAM_NUMBER, { version, pcrPid, streams }));
	return { pcrPid, streams, psi };
}
