/**
 * The channel: the last seconds of one programme, every rendition cut at the same unit times.
 *
 * Whoever makes the renditions appends each access unit once; any number of cursors read it without a copy. A unit
 * begins at an IDR; the first rendition that brings an IDR of a new time opens the channel's next unit, and the
 * others find it by that time. Audio is shared: an audio access unit belongs to the newest unit that any rendition
 * has opened when it arrives, and waits for the renditions that have not come there yet. So every rendition carries
 * the same audio in the same unit, and a switch between units neither loses nor repeats a frame of it.
 * Where there is audio alone, it leads: a unit begins at the first frame at or behind each multiple of its duration.
 *
 * Invariant: units with the same number and the same time in two renditions can follow each other's predecessors.
 * Where a rendition's IDR is not at the unit's time, the checker says so, and nobody switches there.
 * Not here: packaging (media/), choosing a rendition (switching/).
 */
import type { Clock } from "../base/clock.ts";
import type { Name } from "../base/name.ts";
import {
	type BitsPerSecond,
	bitsPerSecond,
	type Milliseconds,
	type Ticks90k,
	ticks90k,
	ticksToMs,
} from "../base/units.ts";
import type { AccessUnit, AudioConfig, TrackKind, VideoConfig } from "../media/access-unit.ts";
import { AlignmentChecker, type AlignmentFault, DriftMeter } from "./alignment.ts";
import { PictureSteps } from "./picture-steps.ts";
import { type LoggedUnit, UnitLog } from "./unit-log.ts";

export interface ChannelOptions {
	/** From the best to the lowest; names are unique. */
	readonly renditions: readonly Name[];
	/** Whose access units begin the units; "video" unless given. With "audio" there is no video. */
	readonly lead?: TrackKind;
	readonly unitMs: Milliseconds;
	/** How much of the past is kept, at least two units. */
	readonly ringMs: Milliseconds;
	readonly clock: Clock;
	/** Told once a spell. */
	readonly onFault?: (fault: AlignmentFault) => void;
}

/** Audio that waits for a rendition to open its unit; more than this (about 10 s) and the oldest is dropped. */
const MAX_WAITING_AUDIO = 512;
/** A unit without an end takes access units for this many unit durations, then drops them. */
const MAX_UNIT_DURATIONS = 4;

interface UnitMark {
	readonly number: number;
	readonly time: Ticks90k;
	/** See UnitHead. Told by the rendition that opens the unit: nothing more comes into its unit before. */
	readonly accessUnitsBefore: number;
}

interface WaitingAudio {
	readonly unit: number;
	readonly accessUnit: AccessUnit;
}

/** One rendition of a channel. */
export class RenditionLog {
	readonly name: Name;
	readonly units = new UnitLog<AccessUnit>();
	readonly alignment: AlignmentChecker;
	/** Access units dropped because no IDR had come, or the unit was overlong, or audio waited too long. */
	droppedAccessUnits = 0;
	video: VideoConfig | undefined;
	/** The ladder will not bring this rendition (any more). */
	withdrawn = false;
	readonly steps = new PictureSteps();
	waitingAudio: WaitingAudio[] = [];
	/** Access units are dropped until the next IDR. */
	skipping = false;

	constructor(name: Name, onFault: (fault: AlignmentFault) => void) {
		this.name = name;
		this.alignment = new AlignmentChecker(onFault);
	}

	/** Media bits per second over the closed units held, without packaging; undefined before the first is whole. */
	get measuredBitrate(): BitsPerSecond | undefined {
		let bits = 0;
		let from: Ticks90k | undefined;
		let to: Ticks90k | undefined;
		for (let unit = this.units.oldest; unit?.next !== undefined; unit = unit.next) {
			from ??= unit.head.time;
			to = unit.next.head.time;
			for (const { data } of unit.items) bits += data.length * 8;
		}
		if (from === undefined || to === undefined || to <= from) return undefined;
		return bitsPerSecond((bits * 90_000) / (to - from));
	}
}

export class Channel {
	readonly renditions: readonly RenditionLog[];
	readonly unitMs: Milliseconds;
	readonly lead: TrackKind;
	readonly drift: AlignmentChecker;
	readonly #ringTicks: number;
	readonly #unitTicks: number;
	readonly #clock: Clock;
	readonly #driftMeter: DriftMeter;
	#marks: UnitMark[] = [];
	#audio: AudioConfig | undefined;

	constructor(options: ChannelOptions) {
		const tell = options.onFault ?? (() => {});
		this.renditions = options.renditions.map((name) => new RenditionLog(name, tell));
		this.drift = new AlignmentChecker(tell);
		this.unitMs = options.unitMs;
		this.lead = options.lead ?? "video";
		this.#unitTicks = options.unitMs * 90;
		this.#ringTicks = Math.max(options.ringMs * 90, 2 * this.#unitTicks);
		this.#clock = options.clock;
		this.#driftMeter = new DriftMeter(Math.max(500, options.unitMs));
	}

	/** The unit that was opened last, in whichever rendition came first; undefined before the first. */
	get newestUnit(): UnitMark | undefined {
		return this.#marks.at(-1);
	}

	get audio(): AudioConfig | undefined {
		return this.#audio;
	}

	rendition(name: string): RenditionLog | undefined {
		return this.renditions.find((rendition) => rendition.name === name);
	}

	/** The lowest rendition that has a unit to start from. */
	get lowestReady(): RenditionLog | undefined {
		return this.renditions.findLast((rendition) => !rendition.withdrawn && rendition.units.newest !== undefined);
	}

	/** Takes effect at the rendition's next unit. */
	setVideoConfig(rendition: Name, config: VideoConfig): void {
		const log = this.#logOf(rendition);
		log.video = config;
	}

	/** Takes effect at the next unit of each rendition. */
	setAudioConfig(config: AudioConfig | undefined): void {
		this.#audio = config;
	}

	/** @param accessUnit of video, in decoding order within its rendition */
	appendVideo(rendition: Name, accessUnit: AccessUnit): void {
		const log = this.#logOf(rendition);
		if (accessUnit.key && this.#startsUnit(log, accessUnit)) return;
		const unit = log.units.newest;
		if (unit !== undefined && !unit.closed && !log.skipping && !this.#isOverlong(log, unit, accessUnit)) {
			log.steps.picture(accessUnit.dts);
			log.units.append(accessUnit);
		} else log.droppedAccessUnits++;
	}

	/** @param accessUnit of audio, for every rendition */
	appendAudio(accessUnit: AccessUnit): void {
		if (this.lead === "audio") this.#startsAudioUnit(accessUnit);
		const newest = this.newestUnit;
		if (newest === undefined) return;
		for (const log of this.renditions) {
			if (log.withdrawn) continue;
			const unit = log.units.newest;
			if (unit?.closed && unit.next === undefined) continue;
			if (unit?.head.number === newest.number) {
				log.units.append(accessUnit);
				continue;
			}
			log.waitingAudio.push({ unit: newest.number, accessUnit });
			if (log.waitingAudio.length > MAX_WAITING_AUDIO) {
				log.waitingAudio.shift();
				log.droppedAccessUnits++;
			}
		}
	}

	/** The programme ends with what has come; a later IDR takes it up again. */
	end(): void {
		for (const { units } of this.renditions) units.end();
	}

	#logOf(name: Name): RenditionLog {
		const log = this.rendition(name);
		if (log === undefined) throw new Error(`the channel has no rendition "${name}"`);
		return log;
	}

	/** Opens the unit that this IDR begins. False: the IDR lies inside the unit that is open, or nowhere. */
	#startsUnit(log: RenditionLog, idr: AccessUnit): boolean {
		const mark = this.#markAt(log, idr.pts);
		if (mark === undefined) {
			const oldest = this.#marks[0]!;
			const offsetMs = ticksToMs((idr.pts - oldest.time) as Ticks90k);
			log.alignment.fault({ kind: "late", rendition: log.name, unit: oldest.number, offsetMs });
			log.skipping = true;
			return false;
		}
		const before = log.units.newest?.head.number;
		if (before !== undefined && mark.number <= before) return false;
		this.#judge(log, idr, mark, before);
		this.#openUnit(log, { ...mark, time: idr.pts }, log.steps.unit(idr.dts));
		log.units.append(idr);
		this.#releaseAudio(log, (waiting) => waiting.unit === mark.number);
		this.#evict(log, idr.pts);
		return true;
	}

	/** Opens the next unit if this frame is the first at or behind a line of the grid, or the first after an end. */
	#startsAudioUnit({ pts }: AccessUnit): void {
		const { newestUnit: newest } = this;
		const lineOf = (time: Ticks90k): number => Math.floor(time / this.#unitTicks);
		const isOpen = this.renditions.some(({ units }) => units.newest?.closed === false);
		if (newest !== undefined && isOpen && lineOf(pts) <= lineOf(newest.time)) return;
		const mark = this.#mark(this.renditions[0]!, pts);
		for (const log of this.renditions) {
			log.alignment.goodUnit();
			this.#openUnit(log, mark, ticks90k(0));
			this.#evict(log, pts);
		}
	}

	/** Finds the unit near this time, or opens the channel's next one; undefined for a time before the marks kept. */
	#markAt(log: RenditionLog, time: Ticks90k): UnitMark | undefined {
		const newest = this.newestUnit;
		if (newest === undefined || time >= newest.time + this.#unitTicks / 2) return this.#mark(log, time);
		return this.#marks.findLast((mark) => Math.abs(time - mark.time) < this.#unitTicks / 2);
	}

	/** The channel's next unit begins at this time. @param log the rendition that begins it */
	#mark(log: RenditionLog, time: Ticks90k): UnitMark {
		const { newestUnit: before } = this;
		const passed = before === undefined ? 0 : (log.units.find(before.number)?.items.length ?? 0);
		const accessUnitsBefore = (before?.accessUnitsBefore ?? 0) + passed;
		const mark: UnitMark = { number: (before?.number ?? -1) + 1, time, accessUnitsBefore };
		this.#marks.push(mark);
		const offsetMs = this.#driftMeter.measure(ticksToMs(time), this.#clock.now());
		if (offsetMs === undefined) this.drift.goodUnit();
		else this.drift.fault({ kind: "drift", unit: mark.number, offsetMs });
		return mark;
	}

	#judge(log: RenditionLog, idr: AccessUnit, mark: UnitMark, before: number | undefined): void {
		const { alignment, name: rendition } = log;
		const skipped = before === undefined ? 0 : mark.number - before - 1;
		const offsetMs = ticksToMs((idr.pts - mark.time) as Ticks90k);
		if (skipped > 0) alignment.fault({ kind: "missing", rendition, unit: before! + 1, count: skipped });
		if (offsetMs !== 0) alignment.fault({ kind: "misaligned", rendition, unit: mark.number, offsetMs });
		if (skipped === 0 && offsetMs === 0) alignment.goodUnit();
	}

	#openUnit(log: RenditionLog, mark: UnitMark, pictureDuration: Ticks90k): void {
		const { number } = mark;
		// Audio of units that this rendition does not have still belongs to its time: behind the unit that ends now.
		this.#releaseAudio(log, (waiting) => waiting.unit < number);
		log.skipping = false;
		const decode = {
			...(log.video === undefined ? {} : { video: log.video }),
			...(this.#audio === undefined ? {} : { audio: this.#audio }),
		};
		log.units.open({ ...mark, pictureDuration, rendition: log.name, decode }, this.#clock.now());
	}

	#releaseAudio(log: RenditionLog, isDue: (waiting: WaitingAudio) => boolean): void {
		if (log.waitingAudio.length === 0) return;
		const due = log.waitingAudio.filter(isDue);
		log.waitingAudio = log.waitingAudio.filter((waiting) => !isDue(waiting));
		for (const { accessUnit } of due) {
			if (log.units.newest?.closed === false) log.units.append(accessUnit);
		}
	}

	#evict(log: RenditionLog, newestTime: Ticks90k): void {
		const limit = newestTime - this.#ringTicks;
		// A unit is old when the one behind it begins before the limit: then all of it lies before.
		log.units.evictWhile((unit) => unit.next!.head.time <= limit);
		while (this.#marks.length > 2 && this.#marks[1]!.time <= limit - this.#unitTicks) this.#marks.shift();
	}

	#isOverlong(log: RenditionLog, unit: LoggedUnit<AccessUnit>, accessUnit: AccessUnit): boolean {
		if (accessUnit.pts - unit.head.time <= MAX_UNIT_DURATIONS * this.#unitTicks) return false;
		log.alignment.fault({ kind: "overlong", rendition: log.name, unit: unit.head.number });
		log.skipping = true;
		return true;
	}
}
