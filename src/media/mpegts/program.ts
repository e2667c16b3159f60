/**
 * The one programme that a channel is: its PIDs, and the PAT and PMT that say so.
 * Invariant: the two packets are a function of the composition (which tracks there are, of which codecs) and the unit's
 * number alone, so they are the same in every rendition. Each composition has its own PMT version_number: a
 * demultiplexer hears of audio that went away, and is not disturbed by a switch.
 */
import { PenstockError } from "../../base/errors.ts";
import type { AudioConfig, DecodeInformation, VideoConfig } from "../access-unit.ts";
import type { UnitHead } from "../packaging.ts";
import { opusChannelCode, opusDescriptors } from "./opus-mapping.ts";
import { NO_PCR, PACKET_BYTES, writePacketHead } from "./packet.ts";
import {
	type ElementaryStream,
	PAT_PID,
	patSection,
	pmtSection,
	STREAM_TYPE_ADTS,
	STREAM_TYPE_H264,
	STREAM_TYPE_HEVC,
	STREAM_TYPE_PRIVATE,
} from "./psi.ts";

export const PMT_PID = 0x1000;
export const VIDEO_PID = 0x100;
export const AUDIO_PID = 0x101;
/** PAT and PMT, one packet each. */
export const PSI_BYTES = 2 * PACKET_BYTES;
const TRANSPORT_STREAM_ID = 1;
const PROGRAM_NUMBER = 1;
/** Forms that audio may have: AAC, none, Opus with one to eight channels. */
const AUDIO_FORMS = 10;
/** registration_descriptor() that says "HEVC", as FFmpeg's multiplexer writes beside stream_type 0x24. */
const HEVC_REGISTRATION = Uint8Array.of(5, 4, 0x48, 0x45, 0x56, 0x43);
const NO_DESCRIPTORS = new Uint8Array(0);

/** Which tracks the programme has, and what follows from that. */
export interface Program {
	/** Video's where there is video: PCRs run on it. */
	readonly pcrPid: number;
	readonly streams: readonly ElementaryStream[];
	/** The PAT's packet and the PMT's, with counters of 0. */
	readonly psi: Uint8Array;
}

/** What a track's codec makes of its entry in the PMT, and its share of the version_number. */
interface Form extends Omit<ElementaryStream, "pid"> {
	readonly version: number;
}

/** By version_number: below 3 × 10, so that the five bits hold it. */
const programs = new Map<number, Program>();

/** Why MPEG-TS has no form for these tracks, as a clause; undefined where it has. */
export function refusalOf({ video, audio }: DecodeInformation): string | undefined {
	if (video && videoForm(video) === undefined) return "has no form for AV1 (there is a draft of one only)";
	if (audio && audioForm(audio) === undefined) {
		return "has no form for Opus with channels in another order than that of Vorbis";
	}
	return undefined;
}

/**
 * The programme of a unit.
 * @throws PenstockError STREAM_UNSUPPORTED when the unit's decode information names no track, or one without a form
 */
export function programOf(head: UnitHead): Program {
	const { video, audio } = head.decode;
	const refuse = (why: string): PenstockError =>
		new PenstockError("STREAM_UNSUPPORTED", `unit ${head.number} of rendition "${head.rendition}" ${why}`);
	const refusal = refusalOf(head.decode);
	if (refusal !== undefined) throw refuse(`cannot be written as MPEG-TS, which ${refusal}; use another packaging.`);
	const picture = video && videoForm(video);
	const sound = audio && audioForm(audio);
	if (picture === undefined && sound === undefined) {
		throw refuse("has neither video nor audio; give its decode information at least one track.");
	}
	const version = (picture?.version ?? 2) * AUDIO_FORMS + (sound?.version ?? 1);
	const known = programs.get(version);
	if (known !== undefined) return known;
	const streams: ElementaryStream[] = [];
	if (picture) streams.push({ ...picture, pid: VIDEO_PID });
	if (sound) streams.push({ ...sound, pid: AUDIO_PID });
	const made = program(version, streams);
	programs.set(version, made);
	return made;
}

/** Writes PAT and PMT of a unit: both continuity counters are the unit's number modulo 16. */
export function writePsi(out: Uint8Array, at: number, psi: Uint8Array, unitNumber: number): void {
	out.set(psi, at);
	const counter = unitNumber % 16;
	out[at + 3] = 0x10 | counter;
	out[at + PACKET_BYTES + 3] = 0x10 | counter;
}

function videoForm({ codec }: VideoConfig): Form | undefined {
	switch (codec) {
		case "h264":
			return { version: 0, streamType: STREAM_TYPE_H264, descriptors: NO_DESCRIPTORS };
		case "hevc":
			return { version: 1, streamType: STREAM_TYPE_HEVC, descriptors: HEVC_REGISTRATION };
		case "av1":
			return undefined;
	}
}

function audioForm(config: AudioConfig): Form | undefined {
	if (config.codec === "aac") return { version: 0, streamType: STREAM_TYPE_ADTS, descriptors: NO_DESCRIPTORS };
	const code = opusChannelCode(config);
	if (code === undefined) return undefined;
	return { version: 1 + code, streamType: STREAM_TYPE_PRIVATE, descriptors: opusDescriptors(code) };
}

function program(version: number, streams: readonly ElementaryStream[]): Program {
	const pcrPid = streams[0]!.pid;
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
