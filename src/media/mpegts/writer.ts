/**
 * Writes one unit as MPEG-TS: PAT and PMT, then a PES packet for each access unit, then what brings the continuity
 * counters round. `docs/wire/ts.md` draws the bytes.
 *
 * Invariants: bytes are a function of the unit's head and its access units alone. Video and audio start every unit at
 * counter 0, and `close` pads each to a multiple of 16 packets; PAT and PMT, one packet each, have the counter
 * head.number mod 16. So any unit n + 1 follows any unit n without a jump, whatever their renditions.
 */
import { PenstockError } from "../../base/errors.ts";
import { ADTS_HEADER_BYTES, writeAdtsHeader } from "../aac.ts";
import type { AccessUnit } from "../access-unit.ts";
import type { H264Config } from "../h264.ts";
import type { Allocate, UnitHead, UnitWriter } from "../packaging.ts";
import { NO_PCR, PACKET_BYTES, wrapTime } from "./packet.ts";
import { type FirstPacket, Packetizer, packetsOf, writeJump } from "./packetizer.ts";
import {
	LONGEST_PES_LENGTH,
	PES_START_BYTES,
	pesHeaderBytes,
	STREAM_ID_AUDIO,
	STREAM_ID_VIDEO,
	writePesHeader,
} from "./pes.ts";
import { AUDIO_PID, PMT_PID, type Program, PSI_BYTES, programOf, VIDEO_PID, writePsi } from "./program.ts";
import { PCR_LEAD, ProgramClock } from "./program-clock.ts";
import { PAT_PID } from "./psi.ts";

/** aac_frame_length has 13 bits (ISO/IEC 14496-3, clause 1.A.2.2). */
const LONGEST_AAC_FRAME = 0x1fff - ADTS_HEADER_BYTES;
/** Access unit delimiter (ITU-T H.264, clause 7.3.2.4): any slice type. */
const DELIMITER = [0, 0, 0, 1, 9, 0xf0] as const;
/** From the PCR of a hole to the unit's time: 200 ms of reordering may lie between the IDR's DTS and its PTS. */
const HOLE_LEAD = PCR_LEAD + 18_000;

export class MpegTsUnitWriter implements UnitWriter {
	readonly #head: UnitHead;
	readonly #program: Program;
	readonly #clock = new ProgramClock();
	readonly #video = new Packetizer(VIDEO_PID);
	readonly #audio = new Packetizer(AUDIO_PID);
	/** What stands before the NAL units of a picture, and of a key picture. */
	readonly #keyPrelude: Uint8Array;
	#started = false;

	constructor(head: UnitHead) {
		this.#head = head;
		this.#program = programOf(head);
		this.#keyPrelude = keyPrelude(head.decode.video);
	}

	/** @throws PenstockError STREAM_UNSUPPORTED when the access unit is broken or of a track that the head has not */
	write(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		return accessUnit.track === "video"
			? this.#writeVideo(accessUnit, allocate)
			: this.#writeAudio(accessUnit, allocate);
	}

	close(allocate: Allocate): Uint8Array | undefined {
		const video = this.#video.packetsToZero;
		const audio = this.#audio.packetsToZero;
		if (video + audio === 0) return undefined;
		const out = allocate((video + audio) * PACKET_BYTES);
		this.#video.pad(out, 0, video);
		this.#audio.pad(out, video * PACKET_BYTES, audio);
		return out;
	}

	#writeVideo(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		const { data, pts, dts, key } = accessUnit;
		if (this.#head.decode.video === undefined) throw this.#refuse("is video, of which the unit's head says nothing");
		const nalBytes = this.#checkNals(data);
		const prelude = key ? this.#keyPrelude.length : DELIMITER.length;
		const payloadBytes = prelude + nalBytes;
		const pesBytes = pesHeaderBytes(pts, dts) + payloadBytes;
		const first: FirstPacket = { randomAccess: key, pcr: wrapTime(this.#clock.atLead(dts)) };
		// A PES packet without a length ends when the next one begins: the padding stream's begins at once, so that no
		// demultiplexer waits for the next picture.
		const ender = pesBytes - PES_START_BYTES > LONGEST_PES_LENGTH ? 1 : 0;
		const packets = packetsOf(pesBytes, first);
		const psiBytes = this.#started ? 0 : PSI_BYTES;
		const end = psiBytes + packets * PACKET_BYTES;
		const out = allocate(end + ender * PACKET_BYTES);
		this.#writePsi(out);
		let at = writePesHeader(out, end - pesBytes, STREAM_ID_VIDEO, pts, dts, payloadBytes);
		out.set(key ? this.#keyPrelude : DELIMITER, at);
		at += prelude;
		putAnnexB(out, at, data, nalBytes);
		this.#video.cut(out, end, pesBytes, first);
		this.#video.pad(out, end, ender);
		return out;
	}

	#writeAudio(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		const { data, pts } = accessUnit;
		const { audio, video } = this.#head.decode;
		if (audio === undefined) throw this.#refuse("is audio, of which the unit's head says nothing");
		if (data.length > LONGEST_AAC_FRAME) {
			throw this.#refuse(`is an AAC frame of ${data.length} bytes, but ADTS can say ${LONGEST_AAC_FRAME} at most`);
		}
		const randomAccess = video === undefined && !this.#started;
		const pcr = video === undefined ? wrapTime(this.#clock.atLead(pts)) : NO_PCR;
		const ahead = video === undefined ? undefined : this.#clock.atAudio(pts);
		const first: FirstPacket = { randomAccess, pcr };
		const payloadBytes = ADTS_HEADER_BYTES + data.length;
		const pesBytes = pesHeaderBytes(pts, pts) + payloadBytes;
		const psiBytes = this.#started ? 0 : PSI_BYTES;
		const pcrBytes = ahead === undefined ? 0 : PACKET_BYTES;
		const end = psiBytes + pcrBytes + packetsOf(pesBytes, first) * PACKET_BYTES;
		const out = allocate(end);
		this.#writePsi(out);
		if (ahead !== undefined) this.#video.pcrPacket(out, psiBytes, wrapTime(ahead));
		const at = writePesHeader(out, end - pesBytes, STREAM_ID_AUDIO, pts, pts, payloadBytes);
		writeAdtsHeader(out, at, audio, data.length);
		out.set(data, at + ADTS_HEADER_BYTES);
		this.#audio.cut(out, end, pesBytes, first);
		return out;
	}

	#writePsi(out: Uint8Array): void {
		if (!this.#started) writePsi(out, 0, this.#program.psi, this.#head.number);
		this.#started = true;
	}

	/** @returns the bytes that the NAL units take with start codes of four bytes; empty ones are left out */
	#checkNals(data: Uint8Array): number {
		let total = 0;
		for (let at = 0; at < data.length; ) {
			const length = at + 4 <= data.length ? readLength(data, at) : Number.POSITIVE_INFINITY;
			if (length > data.length - at - 4) {
				throw this.#refuse(
					`has a NAL unit at byte ${at} that runs past its ${data.length} bytes; the source's H.264 is broken`,
				);
			}
			if (length > 0) total += 4 + length;
			at += 4 + length;
		}
		return total;
	}

	#refuse(why: string): PenstockError {
		const { number, rendition } = this.#head;
		return new PenstockError(
			"STREAM_UNSUPPORTED",
			`an access unit in unit ${number} of rendition "${rendition}" ${why}.`,
		);
	}
}

/** What a viewer gets in front of a unit to which it was moved over a hole: every counter and the time base jump. */
export function writeHole(head: UnitHead, allocate: Allocate): Uint8Array {
	const { streams, pcrPid } = programOf(head);
	const out = allocate((2 + streams.length) * PACKET_BYTES);
	writeJump(out, 0, PAT_PID, head.number % 16, NO_PCR);
	writeJump(out, PACKET_BYTES, PMT_PID, head.number % 16, NO_PCR);
	streams.forEach(({ pid }, index) => {
		const pcr = pid === pcrPid ? wrapTime(head.time - HOLE_LEAD) : NO_PCR;
		writeJump(out, (2 + index) * PACKET_BYTES, pid, 0, pcr);
	});
	return out;
}

/** Delimiter, SPS and PPS as a byte stream: what a decoder needs, in the key picture itself. */
function keyPrelude(config: H264Config | undefined): Uint8Array {
	const sets = config === undefined ? [] : [...config.sps, ...config.pps];
	return Uint8Array.from([...DELIMITER, ...sets.flatMap((set) => [0, 0, 0, 1, ...set])]);
}

/** Puts length-prefixed NAL units down as a byte stream (ITU-T H.264 annex B): a start code is as long as a length. */
function putAnnexB(out: Uint8Array, at: number, data: Uint8Array, nalBytes: number): void {
	const empty = nalBytes !== data.length;
	if (!empty) out.set(data, at);
	let to = at;
	for (let from = 0; from < data.length; ) {
		const length = readLength(data, from);
		if (length > 0) {
			if (empty) out.set(data.subarray(from, from + 4 + length), to);
			out[to] = 0;
			out[to + 1] = 0;
			out[to + 2] = 0;
			out[to + 3] = 1;
			to += 4 + length;
		}
		from += 4 + length;
	}
}

const readLength = (data: Uint8Array, at: number): number =>
	data[at]! * 2 ** 24 + ((data[at + 1]! << 16) | (data[at + 2]! << 8) | data[at + 3]!);
