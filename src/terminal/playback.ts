/**
 * From a reader's access units to decoded frames: follows the units, notices where the decode information changes,
 * resets the decoder there, and measures. Knows nothing of the network or of the terminal.
 */
import type { Clock } from "../base/clock.ts";
import { messageOf, type PenstockError } from "../base/errors.ts";
import { type Ticks90k, ticks90k, ticksToMs } from "../base/units.ts";
import type { AccessUnit, AudioConfig, DecodeInformation, TrackKind, VideoConfig } from "../media/access-unit.ts";
import { sameAudio } from "../media/audio.ts";
import type { UnitHead } from "../media/packaging.ts";
import type { StreamSink, UnitStart } from "../media/stream-reader.ts";
import { BAR_HEIGHT, BAR_WIDTH, type FrameReading, readBar } from "../media/test-signal.ts";
import { DelayMeter, PlaybackClock, RateMeter } from "../playback/meters.ts";
import { decodeChanges } from "./decode-change.ts";
import type { DecodedFrame, DecoderSetup } from "./decoder.ts";
import { DecoderChain, type Fed } from "./decoder-chain.ts";
import type { DecodeChange, PlayerFigures } from "./figures.ts";
import { readBarOfPpm } from "./picture-files.ts";

/** Where a unit begins, as a player sees it. */
export interface OpenedUnit {
	readonly start: UnitStart;
	readonly decode: DecodeInformation;
	/** Against the unit before; empty at the first. */
	readonly changed: readonly DecodeChange[];
}

export interface PlaybackEvents {
	/** The first unit. */
	started(unit: OpenedUnit): void;
	/** A unit of another rendition than the one before; of another decode information, where the stream names none. */
	switched(unit: OpenedUnit, from: string | undefined): void;
	/** Each further unit, behind `switched` where it is one. */
	unit(): void;
	/** A decoded picture, in order. @param reading the test signal's bar, or what was where it would be */
	picture(frame: DecodedFrame, fed: Fed, reading: FrameReading | undefined): void;
	streamFault(message: string): void;
	decoderFault(message: string): void;
	/** FFmpeg cannot be run. */
	failed(error: PenstockError): void;
	/** `backlogged` may have become false. */
	relieved(): void;
}

/** Access units after which a decoder is replaced at a unit's start, for FFmpeg keeps an index of all that it read. */
const MOST_FED = 100_000;
const UNKNOWN_STEP: Ticks90k = ticks90k(3000);
/** A step back of the decoding time by more than this is another time base. */
const STEP_BACK: Ticks90k = ticks90k(90_000);

interface TrackCount {
	received: number;
	decoded: number;
	lost: number;
}

export class Playback implements StreamSink {
	readonly #clock: Clock;
	readonly #events: PlaybackEvents;
	readonly #chains: Readonly<Record<TrackKind, DecoderChain>>;
	readonly #counts: Record<TrackKind, TrackCount> = {
		video: { received: 0, decoded: 0, lost: 0 },
		audio: { received: 0, decoded: 0, lost: 0 },
	};
	readonly #rate = new RateMeter();
	readonly #playing = new PlaybackClock();
	readonly #delay = new DelayMeter();
	/** What the reader said last, and what the decoders are set up with. */
	#decode: DecodeInformation = {};
	#decodingVideo: VideoConfig | undefined;
	#decodingAudio: AudioConfig | undefined;
	#started = false;
	#unit: UnitStart | undefined;
	#lastDts: Record<TrackKind, number> = { video: Number.NEGATIVE_INFINITY, audio: Number.NEGATIVE_INFINITY };
	#step: Ticks90k = UNKNOWN_STEP;
	#fedToDecoder = 0;
	#shown: Fed | undefined;
	#switches = 0;

	constructor(decoder: Omit<DecoderSetup, "track">, events: PlaybackEvents) {
		this.#clock = decoder.clock;
		this.#events = events;
		this.#chains = { video: this.#chain(decoder, "video"), audio: this.#chain(decoder, "audio") };
	}

	/** The stream should be read no further for now. */
	get backlogged(): boolean {
		return this.#chains.video.backlogged || this.#chains.audio.backlogged;
	}

	get switches(): number {
		return this.#switches;
	}

	/** All but what the network side knows. */
	get figures(): Omit<PlayerFigures, "timeMs" | "bytesReceived" | "bitrateBps" | "faults" | "decoderWarnings"> {
		const { video, audio } = this.#counts;
		const now = this.#clock.now();
		const delay = this.#delay.delay(now);
		const { rendition, unit, pts } = this.#shown ?? {};
		return {
			...(rendition !== undefined && { rendition }),
			...(unit !== undefined && { unit }),
			...(pts !== undefined && { ptsMs: tenths(ticksToMs(pts)) }),
			frameRate: tenths(this.#rate.perSecond(now)),
			framesReceived: video.received,
			framesDecoded: video.decoded,
			framesLost: video.lost,
			audioFramesReceived: audio.received,
			audioFramesDecoded: audio.decoded,
			audioFramesLost: audio.lost,
			bufferMs: Math.round(this.#playing.bufferMs(now)),
			stalls: this.#playing.stalls,
			stalledMs: Math.round(this.#playing.stalledMs),
			...(delay && { delayMs: tenths(delay.ms), delayBy: delay.by }),
			switches: this.#switches,
			decoders: this.#chains[this.#lead].count,
		};
	}

	decodeInformation(decode: DecodeInformation): void {
		this.#decode = decode;
	}

	unitStart(start: UnitStart): void {
		this.#openUnit(start);
	}

	accessUnit(accessUnit: AccessUnit): void {
		const { track, pts, dts, key } = accessUnit;
		if (this.#decode[track] === undefined) return; // no reader gives that
		const isLead = track === this.#lead;
		if (track === "audio" && !sameAudio(this.#decodingAudio, this.#decode.audio)) this.#resetAudio(pts);
		// A stream that marks no units: it has one where its decode information changes.
		if (isLead && (!this.#started || (track === "video" && this.#decodingVideo !== this.#decode.video))) {
			this.#openUnit({ time: pts });
		}
		if (key && dts < this.#lastDts[track] - STEP_BACK) this.#reset(track, pts);
		if (track === "video" && dts > this.#lastDts.video) this.#noteStep(dts - this.#lastDts.video);
		this.#lastDts[track] = dts;
		const now = this.#clock.now();
		if (isLead) {
			this.#playing.received(pts, now);
			this.#delay.arrived(pts, now);
			this.#fedToDecoder++;
		}
		this.#counts[track].received++;
		const { rendition, number: unit } = this.#unit ?? {};
		this.#feed(accessUnit, { pts, rendition, unit, arrivedAt: now });
	}

	fault(error: PenstockError): void {
		this.#events.streamFault(error.message);
	}

	/** No more comes; resolves when all that was received has been decoded. */
	async finish(): Promise<void> {
		await Promise.all([this.#chains.video.finish(), this.#chains.audio.finish()]);
	}

	/** Ends the decoders at once. */
	kill(): void {
		this.#chains.video.kill();
		this.#chains.audio.kill();
	}

	/** The track by which units and times go. */
	get #lead(): TrackKind {
		return this.#decode.video === undefined && this.#decode.audio !== undefined ? "audio" : "video";
	}

	#chain(setup: Omit<DecoderSetup, "track">, track: TrackKind): DecoderChain {
		const events = this.#events;
		return new DecoderChain(
			{ ...setup, track },
			{
				frame: (frame, fed) => this.#frame(track, frame, fed, setup.pictures === "ppm"),
				lost: (count) => {
					this.#counts[track].lost += count;
				},
				complaint: (line) => events.decoderFault(line),
				failed: (error) => events.failed(error),
				relieved: () => events.relieved(),
			},
		);
	}

	#openUnit(start: UnitStart): void {
		const before = this.#unit;
		const { video } = this.#decode;
		const changed = this.#started ? decodeChanges(this.#decodingVideo, video) : [];
		if (video !== undefined && (changed.length > 0 || !this.#started || this.#fedToDecoder > MOST_FED)) {
			this.#reset("video", start.time);
		}
		this.#decodingVideo = video;
		// A unit that does not say what it is goes on with what the one before was.
		this.#unit = start;
		const opened: OpenedUnit = { start, decode: this.#decode, changed };
		if (!this.#started) {
			this.#started = true;
			this.#events.started(opened);
			return;
		}
		const named = start.rendition !== undefined;
		if (named ? start.rendition !== before?.rendition : changed.length > 0) {
			this.#switches++;
			this.#events.switched(opened, before?.rendition);
		}
		this.#events.unit();
	}

	#reset(track: TrackKind, time: Ticks90k): void {
		const { video } = this.#decode;
		if (track === "audio") this.#resetAudio(time);
		else if (video !== undefined) {
			this.#fedToDecoder = 0;
			this.#chains.video.reset(this.#head(time, { video }));
		}
	}

	/** Sound goes on over a switch; it is reset only where its own configuration changes. */
	#resetAudio(time: Ticks90k): void {
		const { audio } = this.#decode;
		this.#decodingAudio = audio;
		if (audio !== undefined) this.#chains.audio.reset(this.#head(time, { audio }));
	}

	/** For the decoder everything is one unit, of a rendition whose name is nobody's business. */
	#head(time: Ticks90k, decode: DecodeInformation): UnitHead {
		const number = this.#unit?.number ?? 0;
		return { number, time, pictureDuration: this.#step, accessUnitsBefore: 0, rendition: "decoder", decode };
	}

	#feed(accessUnit: AccessUnit, fed: Fed): void {
		try {
			this.#chains[accessUnit.track].feed(accessUnit, fed);
		} catch (error) {
			this.#counts[accessUnit.track].lost++;
			this.#events.streamFault(messageOf(error));
		}
	}

	#noteStep(step: number): void {
		if (step < STEP_BACK) this.#step = ticks90k(step);
	}

	#frame(track: TrackKind, frame: DecodedFrame, fed: Fed, whole: boolean): void {
		const now = this.#clock.now();
		this.#counts[track].decoded++;
		if (track === this.#lead) {
			this.#rate.add(1, now);
			this.#playing.start(frame.pts, now);
			this.#shown = fed;
		}
		if (track !== "video") return;
		const reading = whole ? readBarOfPpm(frame.picture) : readBar(frame.picture, BAR_WIDTH, BAR_HEIGHT);
		if (reading !== undefined) this.#delay.decoded(reading, this.#clock.wall(), now);
		this.#events.picture(frame, fed, reading);
	}
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
