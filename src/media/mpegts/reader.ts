/**
 * Reads MPEG-TS that comes in pieces of any size: ours, and what encoders, cameras and FFmpeg make of one programme
 * with H.264 and ADTS AAC. Takes the first programme, and its first stream of each kind.
 * What is broken is counted and left out, never thrown: an access unit comes out whole or not at all.
 * Invariant: what comes out does not depend on how the input was cut, and memory is bounded by two PES packets.
 * Follows ISO/IEC 13818-1, clauses 2.4.3 and 2.4.4.
 */
import { type Ticks90k, ticks90k } from "../../base/units.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import type { AacConfig } from "../aac.ts";
import type { AccessUnit, DecodeInformation } from "../access-unit.ts";
import { AdtsPayloads, H264Payloads } from "./elementary.ts";
import {
	DISCONTINUITY,
	NULL_PID,
	PACKET_BYTES,
	packetCounter,
	packetFlags,
	packetHasError,
	packetHasPayload,
	packetIsScrambled,
	packetPid,
	packetStartsUnit,
	payloadOffset,
	RANDOM_ACCESS,
	TIME_BITS,
} from "./packet.ts";
import { PacketSync } from "./packet-sync.ts";
import { type PesPacket, parsePes, STREAM_ID_PADDING } from "./pes.ts";
import { PesAssembler } from "./pes-assembler.ts";
import { PidCounter } from "./pid-counter.ts";
import {
	type ElementaryStream,
	PAT_PID,
	parsePat,
	parsePmt,
	SectionAssembler,
	STREAM_TYPE_ADTS,
	STREAM_TYPE_H264,
} from "./psi.ts";

/** Gets what the reader finds, in the stream's order. */
export interface MpegTsSink {
	accessUnit(accessUnit: AccessUnit): void;
	/** Before the first access unit that needs it; again when a track's configuration changes, comes or goes. */
	decodeInformation?(decode: DecodeInformation): void;
	/** Before a random access point that PAT and PMT lead. @param time its PTS */
	unitStart?(time: Ticks90k): void;
}

/** Running totals of what was wrong with the input, and of what is right but worth a look. */
export interface MpegTsCounts {
	readonly packets: number;
	readonly syncLosses: number;
	readonly skippedBytes: number;
	/** Sum over all PIDs; `pids` has each. */
	readonly continuityErrors: number;
	/** Packets with discontinuity_indicator. */
	readonly discontinuities: number;
	/** Packets with transport_error_indicator, scrambled, or with a broken adaptation field. */
	readonly badPackets: number;
	readonly psiCrcErrors: number;
	/** PES packets that were cut short, damaged, too large, or have a broken header. */
	readonly badPes: number;
	/** Payloads, frames and parameter sets that could not be read. */
	readonly badPayloads: number;
	readonly paddingPes: number;
	readonly pids: ReadonlyMap<number, PidCounts>;
}

export interface PidCounts {
	readonly bytes: number;
	readonly continuityErrors: number;
}

export class MpegTsReader {
	readonly #sink: MpegTsSink;
	readonly #sync = new PacketSync((data, at) => this.#packet(data, at));
	readonly #pids = new Map<number, PidCounter>();
	readonly #pat = new SectionAssembler((section) => this.#onPat(section));
	readonly #pmt = new SectionAssembler((section) => this.#onPmt(section));
	readonly #video = new PesAssembler((pes) => this.#onVideo(pes));
	readonly #audio = new PesAssembler((pes) => this.#onAudio(pes));
	/** One for all time stamps, so that both tracks wrap in the same place. */
	readonly #time = new Unwrapper(TIME_BITS);
	#pmtPid: number | undefined;
	#videoPid: number | undefined;
	#audioPid: number | undefined;
	#streams: readonly ElementaryStream[] = [];
	#h264 = new H264Payloads();
	#adts = new AdtsPayloads();
	#aac: AacConfig | undefined;
	#told: DecodeInformation = {};
	/** A PAT has come and no PES packet of the leading track has begun since. */
	#unitAnnounced = false;
	/** The PES packet that is being put together may open a unit. */
	#mayOpenUnit = false;
	#packets = 0;
	#badPackets = 0;
	#badHeaders = 0;
	#paddingPes = 0;
	/** What replaced payload readers had counted. */
	#badBefore = 0;

	constructor(sink: MpegTsSink) {
		this.#sink = sink;
	}

	/** The programme's streams as the PMT lists them, carried or not; empty before the first PMT. */
	get streams(): readonly ElementaryStream[] {
		return this.#streams;
	}

	/** Bytes kept for PES packets that have begun. */
	get heldBytes(): number {
		return this.#video.heldBytes + this.#audio.heldBytes;
	}

	get counts(): MpegTsCounts {
		const pids = new Map<number, PidCounts>();
		let continuityErrors = 0;
		let discontinuities = 0;
		for (const [pid, counter] of this.#pids) {
			pids.set(pid, { bytes: counter.packets * PACKET_BYTES, continuityErrors: counter.errors });
			continuityErrors += counter.errors;
			discontinuities += counter.discontinuities;
		}
		return {
			packets: this.#packets,
			syncLosses: this.#sync.losses,
			skippedBytes: this.#sync.skippedBytes,
			continuityErrors,
			discontinuities,
			badPackets: this.#badPackets,
			psiCrcErrors: this.#pat.crcErrors + this.#pmt.crcErrors,
			badPes: this.#badHeaders + this.#video.dropped + this.#audio.dropped,
			badPayloads: this.#badBefore + this.#h264.broken + this.#adts.broken,
			paddingPes: this.#paddingPes,
			pids,
		};
	}

	/** @param bytes any number of them; not kept */
	push(bytes: Uint8Array): void {
		this.#sync.push(bytes);
	}

	/** No more comes: what is whole comes out. */
	end(): void {
		this.#sync.end();
		this.#video.end();
		this.#audio.end();
	}

	#packet(data: Uint8Array, at: number): void {
		this.#packets++;
		const pid = packetPid(data, at);
		const start = payloadOffset(data, at);
		if (packetHasError(data, at) || start > PACKET_BYTES) {
			this.#badPackets++;
			return;
		}
		if (pid === NULL_PID) return;
		const counter = this.#counterOf(pid);
		const flags = packetFlags(data, at);
		const hasPayload = packetHasPayload(data, at) && start < PACKET_BYTES;
		const verdict = counter.judge(packetCounter(data, at), packetHasPayload(data, at), (flags & DISCONTINUITY) !== 0);
		if (verdict === "jump") this.#lost(pid);
		if (verdict === "repeat" || !hasPayload) return;
		if (packetIsScrambled(data, at)) {
			this.#badPackets++;
			this.#lost(pid);
			return;
		}
		this.#payload(pid, data.subarray(at + start, at + PACKET_BYTES), packetStartsUnit(data, at), flags);
	}

	#counterOf(pid: number): PidCounter {
		const known = this.#pids.get(pid);
		if (known) return known;
		const counter = new PidCounter();
		this.#pids.set(pid, counter);
		return counter;
	}

	#payload(pid: number, payload: Uint8Array, startsUnit: boolean, flags: number): void {
		if (pid === PAT_PID) this.#pat.push(payload, startsUnit);
		else if (pid === this.#pmtPid) this.#pmt.push(payload, startsUnit);
		else if (pid === this.#videoPid) {
			if (startsUnit) this.#beginLead(this.#video);
			this.#video.push(payload, startsUnit);
		} else if (pid === this.#audioPid) {
			if (startsUnit && this.#videoPid === undefined && (flags & RANDOM_ACCESS) !== 0) this.#beginLead(this.#audio);
			this.#audio.push(payload, startsUnit);
		}
	}

	/** A PES packet of the leading track begins; the one before, if it waited for that, ends first. */
	#beginLead(assembler: PesAssembler): void {
		assembler.end();
		this.#mayOpenUnit = this.#unitAnnounced;
		this.#unitAnnounced = false;
	}

	/** Packets of this PID were lost: what they belonged to is not handed on. */
	#lost(pid: number): void {
		if (pid === PAT_PID) this.#pat.reset();
		else if (pid === this.#pmtPid) this.#pmt.reset();
		else if (pid === this.#videoPid) this.#video.drop();
		else if (pid === this.#audioPid) {
			this.#audio.drop();
			this.#adts.reset();
		}
	}

	#onPat(section: Uint8Array): void {
		const pid = parsePat(section);
		if (pid === undefined) return;
		this.#unitAnnounced = true;
		if (pid === this.#pmtPid) return;
		this.#pmt.reset();
		this.#pmtPid = pid;
	}

	#onPmt(section: Uint8Array): void {
		const map = parsePmt(section);
		if (map === undefined) return;
		this.#streams = map.streams;
		const pidOf = (type: number): number | undefined => map.streams.find(({ streamType }) => streamType === type)?.pid;
		const videoPid = pidOf(STREAM_TYPE_H264);
		const audioPid = pidOf(STREAM_TYPE_ADTS);
		if (videoPid !== this.#videoPid) {
			this.#video.end();
			this.#badBefore += this.#h264.broken;
			this.#h264 = new H264Payloads();
			this.#videoPid = videoPid;
		}
		if (audioPid !== this.#audioPid) {
			this.#audio.end();
			this.#badBefore += this.#adts.broken;
			this.#adts = new AdtsPayloads();
			this.#aac = undefined;
			this.#audioPid = audioPid;
		}
	}

	#onVideo(bytes: Uint8Array): void {
		const pes = this.#mediaPes(bytes);
		const opensUnit = this.#mayOpenUnit;
		if (pes === undefined) return;
		this.#mayOpenUnit = false;
		const picture = this.#h264.read(pes.payload);
		if (picture === undefined || pes.pts === undefined || pes.dts === undefined) return;
		const dts = ticks90k(this.#time.unwrap(pes.dts));
		const pts = ticks90k(this.#time.unwrap(pes.pts));
		this.#tell();
		if (opensUnit && picture.key) this.#sink.unitStart?.(pts);
		this.#sink.accessUnit({ track: "video", pts, dts, key: picture.key, data: picture.data });
	}

	#onAudio(bytes: Uint8Array): void {
		const pes = this.#mediaPes(bytes);
		if (pes === undefined) return;
		const base = pes.pts === undefined ? undefined : this.#time.unwrap(pes.pts);
		for (const { config, pts, raw } of this.#adts.read(pes.payload, base)) {
			if (this.#aac === undefined || !sameAac(this.#aac, config)) this.#aac = config;
			this.#tell();
			const time = ticks90k(pts);
			if (this.#mayOpenUnit && this.#videoPid === undefined) {
				this.#mayOpenUnit = false;
				this.#sink.unitStart?.(time);
			}
			this.#sink.accessUnit({ track: "audio", pts: time, dts: time, key: true, data: raw });
		}
	}

	/** undefined, and counted, for what is no media: padding, and broken headers. */
	#mediaPes(bytes: Uint8Array): PesPacket | undefined {
		const pes = parsePes(bytes);
		if (pes === undefined) this.#badHeaders++;
		else if (pes.streamId === STREAM_ID_PADDING) this.#paddingPes++;
		else return pes;
		return undefined;
	}

	/** Says the decode information if it is not what was said last. */
	#tell(): void {
		const video = this.#h264.config;
		const audio = this.#aac;
		if (video === this.#told.video && audio === this.#told.audio) return;
		this.#told = { ...(video && { video }), ...(audio && { audio }) };
		this.#sink.decodeInformation?.(this.#told);
	}
}

const sameAac = (one: AacConfig, other: AacConfig): boolean =>
	one.objectType === other.objectType &&
	one.sampleRateHz === other.sampleRateHz &&
	one.channelCount === other.channelCount;
