/**
 * Writes one unit as MPEG-TS: PAT and PMT, then a PES packet for each access unit, then what brings the continuity
 * counters round. `docs/wire/ts.md` draws the bytes.
 *
 * Invariants: bytes are a function of the unit's head and its access units alone. Video and audio start every unit at
 * counter 0, and `close` pads each to a multiple of 16 packets; PAT and PMT, one packet each, have the counter
 * head.number mod 16. So any unit n + 1 follows any unit n without a jump, whatever their renditions.
 */
import { PenstockError } from "../../base/errors.ts";
import { type Ticks90k, ticks90k } from "../../base/units.ts";
import type { AccessUnit } from "../access-unit.ts";
import type { Allocate, UnitHead, UnitWriter } from "../packaging.ts";
import {
	annexBBytes,
	audioHeaderBytes,
	audioRefusal,
	audioStreamId,
	delimiterOf,
	keyPrelude,
	putAnnexB,
	writeAudioHeader,
} from "./framing.ts";
import { NO_PCR, PACKET_BYTES, wrapTime } from "./packet.ts";
import { type FirstPacket, Packetizer, packetsOf, writeJump } from "./packetizer.ts";
import { LONGEST_PES_LENGTH, PES_START_BYTES, pesHeaderBytes, STREAM_ID_VIDEO, writePesHeader } from "./pes.ts";
import { AUDIO_PID, PMT_PID, type Program, PSI_BYTES, programOf, VIDEO_PID, writePsi } from "./program.ts";
import { PCR_LEAD, ProgramClock } from "./program-clock.ts";
import { PAT_PID } from "./psi.ts";
import { unitNameField } from "./unit-name.ts";

/** From the PCR of a hole to the unit's time: 200 ms of reordering may lie between the IDR's DTS and its PTS. */
const HOLE_LEAD = PCR_LEAD + 18_000;

/** The program clock at a hole, before the unit's own whatever the encoder reorders by up to 200 ms. */
export const holeTime = (head: UnitHead): Ticks90k => ticks90k(head.time - HOLE_LEAD);

export class MpegTsUnitWriter implements UnitWriter {
	readonly #head: UnitHead;
	readonly #program: Program;
	readonly #clock: ProgramClock;
	readonly #video = new Packetizer(VIDEO_PID, "padding-stream");
	readonly #audio = new Packetizer(AUDIO_PID, "empty-packets");
	/** What stands before the NAL units of a picture, and of a key picture. */
	readonly #delimiter: Uint8Array;
	readonly #keyPrelude: Uint8Array;
	/** Until the leading track's first access unit has taken it along. */
	#name: Uint8Array | undefined;
	#started = false;

	/** @throws PenstockError STREAM_UNSUPPORTED when MPEG-TS has no form for the unit's tracks, or it has none */
	constructor(head: UnitHead) {
		this.#head = head;
		this.#clock = new ProgramClock(head.pictureDuration);
		this.#program = programOf(head);
		this.#delimiter = delimiterOf(head.decode.video);
		this.#keyPrelude = keyPrelude(head.decode.video);
		this.#name = unitNameField(head);
	}

	/** The program clock of what was written last: its latest PCR, not wrapped. Never goes back. */
	get programTime(): Ticks90k {
		const now = this.#clock.now;
		return now === undefined ? holeTime(this.#head) : ticks90k(now);
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
		const nalBytes = annexBBytes(data);
		if (nalBytes < 0) {
			throw this.#refuse(
				`has a NAL unit at byte ${-1 - nalBytes} that runs past its ${data.length} bytes; the source's video is broken`,
			);
		}
		const prelude = key ? this.#keyPrelude : this.#delimiter;
		const payloadBytes = prelude.length + nalBytes;
		const pesBytes = pesHeaderBytes(pts, dts) + payloadBytes;
		const first = this.#leadPacket(key, dts);
		// A PES packet without a length ends when the next one begins: the padding stream's begins at once, so that no
		// demultiplexer waits for the next picture.
		const ender = pesBytes - PES_START_BYTES > LONGEST_PES_LENGTH ? 1 : 0;
		const psiBytes = this.#started ? 0 : PSI_BYTES;
		const end = psiBytes + packetsOf(pesBytes, first) * PACKET_BYTES;
		const out = allocate(end + ender * PACKET_BYTES);
		this.#writePsi(out);
		const at = writePesHeader(out, end - pesBytes, STREAM_ID_VIDEO, pts, dts, payloadBytes);
		out.set(prelude, at);
		putAnnexB(out, at + prelude.length, data, nalBytes);
		this.#video.cut(out, end, pesBytes, first);
		this.#video.pad(out, end, ender);
		return out;
	}

	#writeAudio(accessUnit: AccessUnit, allocate: Allocate): Uint8Array {
		const { data, pts } = accessUnit;
		const { audio, video } = this.#head.decode;
		if (audio === undefined) throw this.#refuse("is audio, of which the unit's head says nothing");
		const refusal = audioRefusal(audio, data.length);
		if (refusal !== undefined) throw this.#refuse(refusal);
		const first = video === undefined ? this.#leadPacket(!this.#started, pts) : PLAIN;
		const ahead = video === undefined ? undefined : this.#clock.atAudio(pts);
		const headerBytes = audioHeaderBytes(audio, data.length);
		const payloadBytes = headerBytes + data.length;
		const pesBytes = pesHeaderBytes(pts, pts) + payloadBytes;
		const psiBytes = this.#started ? 0 : PSI_BYTES;
		const pcrBytes = ahead === undefined ? 0 : PACKET_BYTES;
		const end = psiBytes + pcrBytes + packetsOf(pesBytes, first) * PACKET_BYTES;
		const out = allocate(end);
		this.#writePsi(out);
		if (ahead !== undefined) this.#video.pcrPacket(out, psiBytes, wrapTime(ahead));
		const at = writePesHeader(out, end - pesBytes, audioStreamId(audio), pts, pts, payloadBytes);
		writeAudioHeader(out, at, audio, data.length);
		out.set(data, at + headerBytes);
		this.#audio.cut(out, end, pesBytes, first);
		return out;
	}

	/** The leading track's: it carries the PCRs, and the first of it the unit's name. */
	#leadPacket(randomAccess: boolean, dts: Ticks90k): FirstPacket {
		const privateData = this.#name;
		this.#name = undefined;
		return { randomAccess, pcr: wrapTime(this.#clock.atLead(dts)), privateData };
	}

	#writePsi(out: Uint8Array): void {
		if (!this.#started) writePsi(out, 0, this.#program.psi, this.#head.number);
		this.#started = true;
	}

	#refuse(why: string): PenstockError {
		const { number, rendition } = this.#head;
		return new PenstockError(
			"STREAM_UNSUPPORTED",
			`an access unit in unit ${number} of rendition "${rendition}" ${why}.`,
		);
	}
}

const PLAIN: FirstPacket = { randomAccess: false, pcr: NO_PCR };

/** What a viewer gets in front of a unit to which it was moved over a hole: every counter and the time base jump. */
export function writeHole(head: UnitHead, allocate: Allocate): Uint8Array {
	const { streams, pcrPid } = programOf(head);
	const out = allocate((2 + streams.length) * PACKET_BYTES);
	writeJump(out, 0, PAT_PID, head.number % 16, NO_PCR);
	writeJump(out, PACKET_BYTES, PMT_PID, head.number % 16, NO_PCR);
	streams.forEach(({ pid }, index) => {
		const pcr = pid === pcrPid ? wrapTime(holeTime(head)) : NO_PCR;
		writeJump(out, (2 + index) * PACKET_BYTES, pid, 0, pcr);
	});
	return out;
}
