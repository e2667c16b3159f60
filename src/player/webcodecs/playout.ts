/**
 * The worker's side of the WebCodecs renderer: takes what the connection reads, has it decoded, and shows each frame
 * when it is due. Where sound plays, the picture follows it; else the wall clock, a little behind what arrives.
 *
 * Every frame that is received is shown once, in order, but for those that are too late: a network that stood still for
 * a second leaves a second out, and not everything after it a second late.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { type Milliseconds, milliseconds, ticksToMs } from "../../base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../media/access-unit.ts";
import type { UnitStart } from "../../media/stream-reader.ts";
import type { MediaOutput } from "../media-output.ts";
import type { PlayerProblem, ShownRendition } from "../player-model.ts";
import { Lateness } from "./lateness.ts";
import { MediaClock } from "./media-clock.ts";
import type { SoundFormat, SoundReport, WorkerMessage } from "./messages.ts";
import { PictureDecoder } from "./picture-decoder.ts";
import { PictureQueue } from "./picture-queue.ts";
import { Showing, type ShowingOptions, type Shown } from "./showing.ts";
import { SoundSide } from "./sound-side.ts";
import { TargetControl } from "./target-control.ts";

export interface PlayoutOptions extends ShowingOptions {
	readonly targetMs: number | undefined;
	readonly wantsSound: boolean;
}

/** Frames decoded ahead. */
const MOST_AHEAD = 8;
/** While there is none at all: a decoder may want many pictures before it gives out the first. */
const MOST_AT_FIRST = 24;
/** A frame that is later than this, or than what is kept in hand, is too late. */
const TOO_LATE_MS = 100;
/** Media that waits undecoded and is this much later still is left out, up to the newest key picture. */
const FAR_BEHIND_MS = 1000;
/** Coded media that may wait. */
const MOST_WAITING_BYTES = 8 * 2 ** 20;
const MOST_WAITING = 1500;
/** How long the picture waits for sound that ran dry, before it goes on without. */
const HOLD_MS = 500;
/** Without a picture (sound: a sample) beyond what is due for so long, it is a stall. */
const STALL_MS = 150;
const LATE_IN_ROW = 5;
const LOOK_MS = 250;
/** Decoders that failed in a row without a frame in between, after which another one would not help. */
const MOST_FAILURES = 5;

export class Playout implements MediaOutput {
	readonly #clock: Clock;
	readonly #tell: (message: WorkerMessage) => void;
	readonly #pictures: PictureDecoder<Shown>;
	readonly #queue = new PictureQueue<Shown>();
	readonly #sound: SoundSide;
	readonly #media = new MediaClock();
	readonly #lateness = new Lateness();
	readonly #target: TargetControl;
	readonly #showing: Showing;
	#decode: DecodeInformation = {};
	#unit: UnitStart | undefined;
	#rendition: ShownRendition | undefined;
	/** The first frame of these times is shown at once. */
	#fresh = true;
	#ended = false;
	/** Since when the picture waits for the sound. */
	#heldSince: Milliseconds | undefined;
	#failures = 0;
	#lateInRow = 0;
	#received = 0;
	#newestMs: number | undefined;
	#timer: Timer | undefined;
	#lookTimer: Timer;

	constructor(options: PlayoutOptions) {
		const { clock, tell } = options;
		this.#clock = clock;
		this.#tell = tell;
		this.#target = new TargetControl(options.targetMs);
		this.#showing = new Showing(options, (ptsMs, withinMs) => this.#sound.holeNear(ptsMs, withinMs));
		this.#pictures = new PictureDecoder(() => this.#room, {
			frame: (picture) => {
				this.#failures = 0;
				this.#showing.decoded++;
				this.#queue.push(picture);
				this.#noteLate(picture.ptsMs);
				this.#pump();
			},
			lost: (count) => {
				this.#showing.dropped += count;
			},
			failed: (reason) => this.#decoderFailed(`The video decoder failed (${reason})`),
			unsupported: ({ codecString }) => this.#unsupported(codecString),
		});
		this.#sound = new SoundSide(clock, options.wantsSound, {
			report: (report, ranDry) => this.#heard(report, ranDry),
			failed: (reason) => this.#decoderFailed(`The audio decoder failed (${reason})`),
			unsupported: ({ codecString }) => this.#unsupported(codecString),
		});
		this.#lookTimer = clock.after(LOOK_MS, () => this.#look());
	}

	get sound(): SoundSide {
		return this.#sound;
	}

	get target(): Milliseconds {
		return this.#target.target;
	}

	get backlogged(): boolean {
		return this.#pictures.waitingBytes > MOST_WAITING_BYTES || this.#pictures.waitingCount > MOST_WAITING;
	}

	decodeInformation(decode: DecodeInformation): void {
		this.#decode = decode;
		this.#rendition = undefined;
		if (decode.audio === undefined) return;
		const format: SoundFormat = { sampleRateHz: decode.audio.sampleRateHz, channels: decode.audio.channelCount };
		this.#tell({ kind: "sound-format", format });
	}

	unitStart(unit: UnitStart): void {
		this.#unit = unit;
		this.#rendition = undefined;
	}

	accessUnit({ track, pts, key, data }: AccessUnit, arrivedAt: Milliseconds): void {
		const { video, audio } = this.#decode;
		const ptsMs = ticksToMs(pts);
		// Of two tracks, the picture's arrivals count: its sound comes a frame later.
		if (track === "video" || video === undefined) {
			this.#lateness.arrived(ptsMs, arrivedAt);
			this.#newestMs = Math.max(ptsMs, this.#newestMs ?? ptsMs);
		}
		if (track === "audio" && audio !== undefined) this.#sound.push(audio, pts, data);
		if (track === "video" && video !== undefined) {
			this.#received++;
			this.#rendition ??= {
				...{ name: this.#unit?.rendition, width: video.width, height: video.height },
				codec: video.codecString,
			};
			const about = { rendition: this.#rendition, unit: this.#unit?.number };
			this.#pictures.push({ ptsMs, key, data, config: video, about });
		}
		this.#pump();
	}

	reconnected(): void {
		this.#lateness.reset();
		this.#newestMs = undefined;
		this.#media.reset();
		this.#showing.dropped += this.#queue.clear();
		this.#pictures.discard();
		this.#sound.restart();
		this.#fresh = true;
		this.#heldSince = undefined;
		this.#ended = false;
	}

	end(): void {
		this.#ended = true;
		this.#pictures.end();
		this.#sound.end();
	}

	/** The page came to be seen: what waited meanwhile is not played late. */
	cameToBeSeen(): void {
		this.#sound.cut();
		this.#pump();
	}

	destroy(): void {
		this.#lookTimer.cancel();
		this.#timer?.cancel();
		this.#pictures.close();
		this.#sound.close();
		this.#queue.clear();
	}

	get #room(): number {
		return this.#queue.length === 0 ? MOST_AT_FIRST : MOST_AHEAD - this.#queue.length;
	}

	/** Shows what is due, has more decoded, and comes again when the next one is due. */
	#pump(): void {
		this.#timer?.cancel();
		this.#timer = undefined;
		const now = this.#clock.now();
		this.#steer(now);
		const position = this.#media.position(now);
		if (position !== undefined) {
			const toleratedMs = Math.max(TOO_LATE_MS, this.#target.target);
			this.#skipFarBehind(position - toleratedMs - FAR_BEHIND_MS);
			this.#showing.dropped += this.#queue.dropLate(position, toleratedMs);
		}
		const due = this.#fresh ? this.#queue.take() : this.#queue.takeDue(position ?? Number.NEGATIVE_INFINITY);
		if (due !== undefined) {
			this.#fresh = false;
			const sound = this.#sound.playing;
			this.#showing.show(due, now, sound === undefined ? undefined : soundAt(sound, now));
			this.#pictures.feed();
		}
		const next = this.#queue.nextMs;
		if (next === undefined || position === undefined) return;
		const rate = this.#media.rate;
		// While it is held, a report of the sound's comes first.
		if (rate > 0) this.#timer = this.#clock.after(Math.max(0, (next - position) / rate), () => this.#pump());
	}

	/** Where no sound leads, it is by arrival. */
	#steer(now: Milliseconds): void {
		if (this.#sound.playing !== undefined) return;
		if (this.#heldSince !== undefined && now - this.#heldSince <= HOLD_MS) return;
		this.#heldSince = undefined;
		const { best } = this.#lateness;
		// The picture that is at the end plays out; it does not wait for what will not come.
		const { target } = this.#target;
		if (best !== undefined) this.#media.aim(now - best - target, target, now);
	}

	#heard(report: SoundReport, ranDry: boolean): void {
		const now = this.#clock.now();
		if (ranDry) this.#wasDry(now);
		if (report.playing && report.positionMs !== undefined) {
			this.#heldSince = undefined;
			this.#media.follow(report.positionMs, report.rate, now);
			if (this.#decode.video === undefined) this.#showing.heard(report.positionMs, now);
		} else if (ranDry && !this.#ended) {
			this.#heldSince = now;
			this.#media.hold(now);
		}
		this.#pump();
	}

	/** Pictures that come behind their sound time and again want more of it in hand. */
	#noteLate(ptsMs: number): void {
		const now = this.#clock.now();
		const position = this.#sound.playing === undefined ? undefined : this.#media.position(now);
		this.#lateInRow = position !== undefined && position > ptsMs ? this.#lateInRow + 1 : 0;
		if (this.#lateInRow % LATE_IN_ROW === LATE_IN_ROW - 1) this.#wasDry(now);
	}

	#wasDry(now: Milliseconds): void {
		// What is not there in the beginning is owed to the beginning.
		if (this.#lateness.jitter !== undefined) this.#target.ranDry(now);
	}

	#skipFarBehind(positionMs: number): void {
		const oldest = this.#pictures.oldestWaitingMs;
		if (oldest !== undefined && oldest < positionMs) this.#pictures.skipToNewestKey();
	}

	/** Four times a second. */
	#look(): void {
		this.#lookTimer = this.#clock.after(LOOK_MS, () => this.#look());
		const now = this.#clock.now();
		const before = this.#target.target;
		this.#target.look(now, this.#lateness.jitter);
		if (this.#target.target !== before) this.#sound.aim(this.#target.target);
		this.#pump();
		const isDry = this.#queue.length === 0 && this.#pictures.waitingCount === 0;
		const isSilent = this.#decode.video === undefined && this.#sound.playing === undefined;
		const isStalled = this.#decode.video === undefined ? isSilent : isDry;
		this.#showing.look(now, !this.#ended && isStalled ? STALL_MS : undefined);
		this.#tellFigures(now);
	}

	#tellFigures(now: Milliseconds): void {
		const { shownMs: positionMs, shownAt, decoded, shown, dropped, audioVideoOffsetMs } = this.#showing;
		const fastest = this.#lateness.fastest(now);
		const isKnown = positionMs !== undefined && shownAt !== undefined && fastest !== undefined;
		const latencyMs = isKnown ? Math.max(0, shownAt - positionMs - fastest) : undefined;
		this.#tell({
			kind: "figures",
			figures: {
				...{ framesReceived: this.#received, framesDecoded: decoded, framesShown: shown, framesDropped: dropped },
				bufferMs: positionMs === undefined ? 0 : Math.max(0, (this.#newestMs ?? positionMs) - positionMs),
				...{ latencyMs, audioUnderruns: this.#sound.underruns, audioVideoOffsetMs },
				playbackRate: this.#media.rate,
				positionMs,
			},
		});
	}

	#decoderFailed(what: string): void {
		this.#failures++;
		const problem: PlayerProblem = { code: "DECODER", message: `${what}; it goes on with the next unit.` };
		if (this.#failures < MOST_FAILURES) this.#tell({ kind: "problem", problem });
		else
			this.#tell({
				kind: "unfit",
				problem: { code: "DECODER", message: `${what}, ${this.#failures} times in a row.` },
			});
	}

	#unsupported(codec: string): void {
		const message = `This browser's WebCodecs do not decode ${codec}.`;
		this.#tell({ kind: "unfit", problem: { code: "UNSUPPORTED", message } });
	}
}

/** Where the sound is now, by its latest report. */
function soundAt({ report, at }: NonNullable<SoundSide["playing"]>, now: Milliseconds): Milliseconds | undefined {
	return report.positionMs === undefined ? undefined : milliseconds(report.positionMs + (now - at) * report.rate);
}
