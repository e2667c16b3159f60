/**
 * The viewer's player: it starts once it has `bufferMs` of media, stalls when it has none, and goes on with half a
 * second. While it is late (more than `bufferMs` and a tenth of a second behind the newest media) and has more than
 * that half second, it plays 5 % faster. Over a hole in the media it jumps: that is skipped, not stalled.
 * It counts what a viewer would notice; `result` puts it into figures.
 */
import { FRAME_MS } from "./media.ts";
import { qualities, type RunResult, type Timeline, type World } from "./model.ts";

const RESUME_MS = 500;
const LATE_MS = 100;
const FAST = 1.05;
/** The finest step of time in which a rate of play is chosen. */
const TICK_MS = 10;
const TIMELINE_MS = 100;
const DELAY_BIN_MS = 10;
const DELAY_BINS = 6000;

type Experience = Pick<RunResult, "stallRatio" | "meanQuality" | "qualityChangePerS" | "u">;

/** Media of one rung without a hole. */
interface Piece {
	from: number;
	to: number;
	readonly rung: number;
	bytes: number;
}

export class Player {
	readonly #world: World;
	readonly #resumeMs: number;
	readonly #targetDelayMs: number;
	readonly #qualities: readonly number[];
	readonly #pieces: Piece[] = [];
	#state: "starting" | "playing" | "stalled" = "starting";
	#now: number;
	#playhead = 0;
	#bufferedMs = 0;
	#startedAt: number | undefined;
	#stallMs = 0;
	#stallCount = 0;
	#playedBytes = 0;
	#qualityMs = 0;
	#qualityChange = 0;
	#switches = 0;
	#rung = -1;
	#skippedMs = 0;
	#receivedBytes = 0;
	readonly #delays = new Uint32Array(DELAY_BINS);
	#nextTick: number;
	#nextPoint: number;
	readonly #timeline: { linkBps: number[]; playing: number[]; liveDelayMs: number[]; bufferMs: number[] };
	/** For each unit, when its last picture had been shown; Infinity: never. */
	readonly unitPlayedAt: Float64Array;

	constructor(world: World) {
		const { setting, media, joinAt } = world;
		this.#world = world;
		this.#resumeMs = Math.min(RESUME_MS, setting.bufferMs);
		this.#targetDelayMs = setting.bufferMs + LATE_MS;
		this.#qualities = qualities(setting.ladder);
		this.#now = joinAt;
		this.#nextTick = joinAt;
		this.#nextPoint = joinAt;
		this.unitPlayedAt = new Float64Array(media.unitCount).fill(Number.POSITIVE_INFINITY);
		this.#timeline = { linkBps: [], playing: [], liveDelayMs: [], bufferMs: [] };
	}

	/** Media that is there and not played. */
	get bufferedMs(): number {
		return this.#bufferedMs;
	}

	/** Up to where media has come, on the channel's clock; where a hole follows, up to behind it. */
	get receivedTo(): number {
		return this.#pieces.at(-1)?.to ?? this.#playhead;
	}

	get playhead(): number {
		return this.#playhead;
	}

	get state(): "starting" | "playing" | "stalled" {
		return this.#state;
	}

	/** Media from `from` to before `to` is complete at `at`, which is no earlier than any time told before. */
	receive(at: number, from: number, to: number, rung: number, bytes: number): void {
		this.advance(at);
		if (at > this.#world.endAt) return;
		this.#receivedBytes += bytes;
		const last = this.#pieces.at(-1);
		if (last !== undefined && last.rung === rung && Math.abs(last.to - from) < 1e-6) {
			last.to = to;
			last.bytes += bytes;
		} else {
			if (this.#startedAt === undefined && this.#pieces.length === 0) this.#playhead = from;
			this.#pieces.push({ from, to, rung, bytes });
		}
		this.#bufferedMs += to - from;
		const needed = this.#state === "starting" ? this.#world.setting.bufferMs : this.#resumeMs;
		if (this.#state !== "playing" && this.#bufferedMs >= needed - 1e-6) this.#play();
	}

	#play(): void {
		this.#state = "playing";
		if (this.#startedAt !== undefined) return;
		this.#startedAt = this.#now;
		this.#nextTick = this.#now;
	}

	/** Lets the time until `to` pass. */
	advance(to: number): void {
		const end = Math.min(to, this.#world.endAt);
		while (this.#now < end) {
			if (this.#now >= this.#nextTick) this.#tick();
			const until = Math.min(end, this.#nextTick);
			if (this.#state === "playing") this.#playUntil(until);
			else {
				if (this.#state === "stalled") this.#stallMs += until - this.#now;
				this.#now = until;
			}
		}
	}

	/** Plays from one piece, at one speed; may end before `until`, with the piece. */
	#playUntil(until: number): void {
		const piece = this.#pieces[0];
		if (piece === undefined || this.#bufferedMs <= 1e-9) {
			this.#state = "stalled";
			this.#stallCount++;
			return;
		}
		if (this.#playhead < piece.from) this.#playhead = this.#jump(piece.from);
		if (piece.rung !== this.#rung) this.#changeTo(piece.rung);
		const isLate = this.#now - this.#playhead > this.#targetDelayMs && this.#bufferedMs > this.#resumeMs;
		const speed = isLate ? FAST : 1;
		const took = Math.min(until - this.#now, (piece.to - this.#playhead) / speed);
		this.#passUnitEnd(this.#playhead, this.#playhead + took * speed, speed);
		this.#playhead += took * speed;
		this.#bufferedMs -= took * speed;
		this.#now += took;
		this.#qualityMs += took * this.#qualities[piece.rung]!;
		if (piece.to - this.#playhead > 1e-7) return;
		this.#playhead = piece.to;
		this.#playedBytes += piece.bytes;
		this.#pieces.shift();
	}

	#jump(to: number): number {
		if (this.#startedAt !== undefined) this.#skippedMs += to - this.#playhead;
		return to;
	}

	#changeTo(rung: number): void {
		if (this.#rung >= 0) {
			this.#switches++;
			this.#qualityChange += Math.abs(this.#qualities[rung]! - this.#qualities[this.#rung]!);
		}
		this.#rung = rung;
	}

	#passUnitEnd(from: number, to: number, speed: number): void {
		const { unitMs } = this.#world.media;
		const unit = Math.floor((to + 1e-6) / unitMs) - 1;
		const end = (unit + 1) * unitMs;
		if (unit >= 0 && end > from + 1e-6) this.unitPlayedAt[unit] = this.#now + Math.max(end - from, 0) / speed;
	}

	#tick(): void {
		this.#nextTick += TICK_MS;
		if (this.#world.wantsTimeline && this.#now >= this.#nextPoint) this.#point();
		if (this.#startedAt === undefined) return;
		const bin = Math.min(((this.#now - this.#playhead) / DELAY_BIN_MS) | 0, DELAY_BINS - 1);
		this.#delays[bin]!++;
	}

	#point(): void {
		const { linkBps, playing, liveDelayMs, bufferMs } = this.#timeline;
		this.#nextPoint += TIMELINE_MS;
		linkBps.push(this.#world.link.bytesPerMs(this.#now) * 8000);
		playing.push(this.#state === "playing" ? (this.#pieces[0]?.rung ?? this.#rung) : -1);
		liveDelayMs.push(this.#startedAt === undefined ? 0 : this.#now - this.#playhead);
		bufferMs.push(this.#bufferedMs);
	}

	/** Plays to the run's end and counts. Who never saw a picture was stalled all the time. */
	result(contender: string): RunResult {
		const { trace, setting, conditions, joinAt, endAt, wantsTimeline } = this.#world;
		this.advance(endAt);
		const durationMs = endAt - joinAt;
		const startupMs = (this.#startedAt ?? endAt) - joinAt;
		const stallMs = this.#startedAt === undefined ? durationMs : this.#stallMs;
		return {
			contender,
			traceId: trace.id,
			family: trace.family,
			ladder: setting.ladder.name,
			unitMs: setting.unitMs,
			scale: setting.scale,
			bufferMs: setting.bufferMs,
			seed: conditions.seed,
			durationMs,
			startupMs,
			stallMs,
			stallCount: this.#stallCount,
			meanBps: (this.#bytesPlayed() * 8000) / durationMs,
			switches: this.#switches,
			switchesPerMin: (this.#switches * 60_000) / durationMs,
			delayP50Ms: this.#delayQuantile(0.5),
			delayP95Ms: this.#delayQuantile(0.95),
			skippedFrames: Math.round(this.#skippedMs / FRAME_MS),
			skippedPerMin: (this.#skippedMs / FRAME_MS / durationMs) * 60_000,
			...this.#experience(stallMs, this.#startedAt === undefined ? durationMs : durationMs - startupMs),
			deliveredBytes: this.#receivedBytes,
			...(wantsTimeline && { timeline: this.#timeline satisfies Timeline }),
		};
	}

	/** @param shownMs since the first picture */
	#experience(stallMs: number, shownMs: number): Experience {
		const stallRatio = stallMs / shownMs;
		const meanQuality = this.#qualityMs / shownMs;
		const qualityChangePerS = (1000 * this.#qualityChange) / shownMs;
		const u = meanQuality - 2 * qualityChangePerS - 10 * stallRatio - (5 * this.#skippedMs) / shownMs;
		return { stallRatio, meanQuality, qualityChangePerS, u };
	}

	#bytesPlayed(): number {
		const piece = this.#pieces[0];
		if (piece === undefined || this.#playhead <= piece.from) return this.#playedBytes;
		return this.#playedBytes + (piece.bytes * (this.#playhead - piece.from)) / (piece.to - piece.from);
	}

	#delayQuantile(share: number): number {
		const total = this.#delays.reduce((sum, count) => sum + count, 0);
		let below = 0;
		for (const [bin, count] of this.#delays.entries()) {
			if (below + count > share * total) return (bin + (share * total - below) / count) * DELAY_BIN_MS;
			below += count;
		}
		return 0;
	}
}
