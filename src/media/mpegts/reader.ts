/**
 * Reads MPEG-TS that comes in pieces of any size: ours, and what encoders, cameras and FFmpeg make of one programme
 * with H.264 or HEVC, and AAC with ADTS headers or Opus. Takes the first programme, and its first stream of each kind.
 * What is broken is counted, told and left out, never thrown: an access unit comes out whole or not at all.
 * Invariant: what comes out does not depend on how the input was cut, and memory is bounded by two PES packets.
 * Follows ISO/IEC 13818-1, clauses 2.4.3 and 2.4.4.
 */
import { PenstockError } from "../../base/errors.ts";
import { ticks90k } from "../../base/units.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import type { AudioConfig, DecodeInformation } from "../access-unit.ts";
import type { StreamReader, StreamSink } from "../stream-reader.ts";
import { AdtsPayloads, type AudioFrame, type AudioPayloads, OpusPayloads } from "./audio-payloads.ts";
import {
	type CarriedAudio,
	type CarriedVideo,
	carriedAudio,
	carriedVideo,
	sameAudio,
	sameVideo,
} from "./carried-streams.ts";
import type { MpegTsCounts, PidCounts } from "./counts.ts";
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
	packetPrivateData,
	packetStartsUnit,
	payloadOffset,
	RANDOM_ACCESS,
	TIME_BITS,
} from "./packet.ts";
import { PacketSync } from "./packet-sync.ts";
import { type PesPacket, parsePes, STREAM_ID_PADDING } from "./pes.ts";
import { PesAssembler } from "./pes-assembler.ts";
import { PidCounter } from "./pid-counter.ts";
import { type ElementaryStream, PAT_PID, parsePat, parsePmt, SectionAssembler } from "./psi.ts";
import { parseUnitName, type UnitName } from "./unit-name.ts";
import { VideoPayloads } from "./video-payloads.ts";

export class MpegTsReader implements StreamReader {
	readonly #sink: StreamSink;
	readonly #sync = new PacketSync({
		packet: (data, at, offset) => {
			this.#packet(data, at);
			this.#tellFault(offset);
		},
		skipped: (offset, byteLength) => {
			this.#what = `${byteLength} bytes are no packets, which begin with 0x47 every 188 bytes`;
			this.#damages++;
			this.#tellFault(offset);
		},
	});
	readonly #pids = new Map<number, PidCounter>();
	readonly #pat = new SectionAssembler((section) => this.#onPat(section));
	readonly #pmt = new SectionAssembler((section) => this.#onPmt(section));
	readonly #onDropped = (what: string): void => {
		this.#badPes++;
		this.#what ??= what;
	};
	readonly #onBroken = (what: string): void => {
		this.#badPayloads++;
		this.#what ??= what;
	};
	readonly #video = new PesAssembler((pes) => this.#onVideo(pes), this.#onDropped);
	readonly #audio = new PesAssembler((pes) => this.#onAudio(pes), this.#onDropped);
	/** One for all time stamps, so that both tracks wrap in the same place. */
	readonly #time = new Unwrapper(TIME_BITS);
	#pmtPid: number | undefined;
	#streams: readonly ElementaryStream[] = [];
	#carriedVideo: CarriedVideo | undefined;
	#carriedAudio: CarriedAudio | undefined;
	#pictures: VideoPayloads | undefined;
	#frames: AudioPayloads | undefined;
	#audioConfig: AudioConfig | undefined;
	#told: DecodeInformation = {};
	/** A PAT has come and no PES packet of the leading track has begun since. */
	#unitAnnounced = false;
	/** The PES packet that is being put together may open a unit; and what the unit calls itself. */
	#mayOpenUnit = false;
	#unitName: UnitName | undefined;
	/** What is wrong with the packet at hand: the first thing found, which the others follow from. */
	#what: string | undefined;
	/** Places told at which packets of any PID may have got lost: the gaps in their counters are not told again. */
	#damages = 0;
	#faults = 0;
	#packets = 0;
	#badPackets = 0;
	#badPes = 0;
	#badPayloads = 0;
	#paddingPes = 0;

	constructor(sink: StreamSink) {
		this.#sink = sink;
	}

	/** The programme's streams as the PMT lists them, carried or not; empty before the first PMT. */
	get streams(): readonly ElementaryStream[] {
		return this.#streams;
	}

	get heldBytes(): number {
		return this.#sync.heldBytes + this.#video.heldBytes + this.#audio.heldBytes;
	}

	get faults(): number {
		return this.#faults;
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
			badPes: this.#badPes,
			badPayloads: this.#badPayloads,
			paddingPes: this.#paddingPes,
			pids,
		};
	}

	push(bytes: Uint8Array): void {
		this.#sync.push(bytes);
	}

	end(): void {
		const faults = this.#faults;
		this.#sync.end();
		this.#video.end();
		this.#audio.end();
		// A tail that is no packet and the PES packet that it cuts short are one place.
		if (this.#faults > faults) this.#what = undefined;
		this.#tellFault(this.#sync.offset);
	}

	#packet(data: Uint8Array, at: number): void {
		this.#packets++;
		const pid = packetPid(data, at);
		const start = payloadOffset(data, at);
		if (packetHasError(data, at) || start > PACKET_BYTES) {
			this.#badPacket(pid, "is damaged: transport_error_indicator, or an adaptation field beyond its end");
			return;
		}
		if (pid === NULL_PID) return;
		const counter = this.#counterOf(pid);
		const { errors } = counter;
		const isToldBefore = counter.damages < this.#damages;
		counter.damages = this.#damages;
		const flags = packetFlags(data, at);
		const hasPayload = packetHasPayload(data, at) && start < PACKET_BYTES;
		const verdict = counter.judge(packetCounter(data, at), packetHasPayload(data, at), (flags & DISCONTINUITY) !== 0);
		if (verdict === "jump") this.#lost(pid);
		if (counter.errors > errors) {
			this.#what = isToldBefore ? undefined : `packets of PID ${pid} are missing before this one`;
		}
		if (verdict === "repeat" || !hasPayload) return;
		if (packetIsScrambled(data, at)) {
			this.#badPacket(pid, "is scrambled");
			this.#lost(pid);
			return;
		}
		if (packetStartsUnit(data, at)) this.#begin(pid, data, at, flags);
		this.#payload(pid, data.subarray(at + start, at + PACKET_BYTES), packetStartsUnit(data, at));
	}

	#badPacket(pid: number, why: string): void {
		this.#badPackets++;
		this.#damages++;
		this.#what ??= `a packet of PID ${pid} ${why}`;
	}

	#counterOf(pid: number): PidCounter {
		const known = this.#pids.get(pid);
		if (known) return known;
		const counter = new PidCounter();
		this.#pids.set(pid, counter);
		return counter;
	}

	/** A PES packet begins. On the leading track, the one before, if it waited for that, ends first. */
	#begin(pid: number, data: Uint8Array, at: number, flags: number): void {
		const isVideo = pid === this.#carriedVideo?.pid;
		const leads = this.#carriedVideo === undefined && pid === this.#carriedAudio?.pid && flags & RANDOM_ACCESS;
		if (!isVideo && !leads) return;
		(isVideo ? this.#video : this.#audio).end();
		const privateData = packetPrivateData(data, at);
		this.#unitName = privateData && parseUnitName(privateData);
		this.#mayOpenUnit = this.#unitAnnounced || this.#unitName !== undefined;
		this.#unitAnnounced = false;
	}

	#payload(pid: number, payload: Uint8Array, startsUnit: boolean): void {
		if (pid === PAT_PID) this.#section(this.#pat, payload, startsUnit);
		else if (pid === this.#pmtPid) this.#section(this.#pmt, payload, startsUnit);
		else if (pid === this.#carriedVideo?.pid) this.#video.push(payload, startsUnit);
		else if (pid === this.#carriedAudio?.pid) this.#audio.push(payload, startsUnit);
	}

	#section(assembler: SectionAssembler, payload: Uint8Array, startsUnit: boolean): void {
		const { crcErrors } = assembler;
		assembler.push(payload, startsUnit);
		if (assembler.crcErrors > crcErrors) this.#what ??= "a section of PAT or PMT has a wrong CRC_32";
	}

	/** Packets of this PID were lost: what they belonged to is not handed on. */
	#lost(pid: number): void {
		if (pid === PAT_PID) this.#pat.reset();
		else if (pid === this.#pmtPid) this.#pmt.reset();
		else if (pid === this.#carriedVideo?.pid) this.#video.drop();
		else if (pid === this.#carriedAudio?.pid) {
			this.#audio.drop();
			this.#frames?.reset();
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
		const video = carriedVideo(map.streams);
		const audio = carriedAudio(map.streams);
		if (!sameVideo(video, this.#carriedVideo)) {
			this.#video.end();
			this.#pictures = video && new VideoPayloads(video.codec, this.#onBroken);
			this.#carriedVideo = video;
		}
		if (!sameAudio(audio, this.#carriedAudio)) {
			this.#audio.end();
			if (audio?.opus) this.#frames = new OpusPayloads(audio.opus, this.#onBroken);
			else this.#frames = audio && new AdtsPayloads(this.#onBroken);
			this.#audioConfig = undefined;
			this.#carriedAudio = audio;
		}
	}

	#onVideo(bytes: Uint8Array): void {
		const pes = this.#mediaPes(bytes);
		const opensUnit = this.#mayOpenUnit;
		if (pes === undefined) return;
		this.#mayOpenUnit = false;
		const picture = this.#pictures?.read(pes.payload);
		if (picture === undefined || pes.pts === undefined || pes.dts === undefined) return;
		const dts = ticks90k(this.#time.unwrap(pes.dts));
		const pts = ticks90k(this.#time.unwrap(pes.pts));
		this.#tell();
		if (opensUnit && picture.key) this.#sink.unitStart?.({ time: pts, ...this.#unitName });
		this.#sink.accessUnit({ track: "video", pts, dts, key: picture.key, data: picture.data });
	}

	#onAudio(bytes: Uint8Array): void {
		const pes = this.#mediaPes(bytes);
		if (pes === undefined) return;
		const base = pes.pts === undefined ? undefined : this.#time.unwrap(pes.pts);
		this.#frames?.read(pes.payload, base, this.#onFrame);
	}

	readonly #onFrame = ({ config, pts, data }: AudioFrame): void => {
		this.#audioConfig = config;
		this.#tell();
		const time = ticks90k(pts);
		if (this.#mayOpenUnit && this.#carriedVideo === undefined) {
			this.#mayOpenUnit = false;
			this.#sink.unitStart?.({ time, ...this.#unitName });
		}
		this.#sink.accessUnit({ track: "audio", pts: time, dts: time, key: true, data });
	};

	/** undefined for what is no media: padding, and broken headers, which are counted. */
	#mediaPes(bytes: Uint8Array): PesPacket | undefined {
		const pes = parsePes(bytes);
		if (pes === undefined) this.#onDropped("a PES packet has a broken header");
		else if (pes.streamId === STREAM_ID_PADDING) this.#paddingPes++;
		else return pes;
		return undefined;
	}

	/** Says the decode information if it is not what was said last. */
	#tell(): void {
		const video = this.#pictures?.config;
		const audio = this.#audioConfig;
		if (video === this.#told.video && audio === this.#told.audio) return;
		this.#told = { ...(video && { video }), ...(audio && { audio }) };
		this.#sink.decodeInformation?.(this.#told);
	}

	/** Tells what is wrong at this place, once. @param offset in bytes from the start of the input */
	#tellFault(offset: number): void {
		const what = this.#what;
		if (what === undefined) return;
		this.#what = undefined;
		this.#faults++;
		const message = `the transport stream at byte ${offset}: ${what}; what is broken was left out.`;
		this.#sink.fault?.(new PenstockError("MPEGTS_SYNTAX", message));
	}
}
