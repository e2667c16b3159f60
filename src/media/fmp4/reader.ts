/**
 * Fragmented MP4, read as it comes (ISO/IEC 14496-12): what this house writes, and what other multiplexers make of one
 * programme with a `moov` in front and fragments behind. `stream-reader.ts` says what holds for every reader.
 *
 * A sample comes out with its last byte, in the order of the bytes. Times are those of the fragments; edit lists are not
 * looked at. Bounded: one `moov`, `moof` or `emsg` of 1 MiB at most, the tables of one `moof`, one sample of 16 MiB at most.
 */
import { clauseOf, type ErrorCode, PenstockError } from "../../base/errors.ts";
import { Unwrapper } from "../../base/unwrap.ts";
import type { AccessUnit, TrackKind } from "../access-unit.ts";
import type { StreamReader, StreamSink, UnitStart } from "../stream-reader.ts";
import { boxType } from "./box.ts";
import { BoxScanner } from "./box-scanner.ts";
import { DecodeState } from "./decode-state.ts";
import { advance, compositionOffset, parseFragment, type Run, sampleSize, type TrackClock } from "./fragment-reader.ts";
import { mediaTime, ticksOf } from "./media-time.ts";
import { type Movie, parseMovie } from "./movie-reader.ts";
import { parseUnitMessage } from "./unit-name.ts";

/** Larger samples are left out. */
export const MOST_SAMPLE_BYTES = 16 * 1024 * 1024;
/** Of a `tfdt` of version 0. */
const SHORT_TIME_BITS = 32;
const [MOOV, MOOF] = ["moov", "moof"].map(boxType);

interface Sample {
	/** Its bytes, and how many of them are there. */
	readonly data: Uint8Array;
	filled: number;
}

export class Fmp4Reader implements StreamReader {
	readonly #sink: StreamSink;
	readonly #scanner: BoxScanner;
	readonly #decode = new DecodeState();
	#movie: Movie | undefined;
	readonly #clocks: Record<TrackKind, TrackClock> = { video: newClock(), audio: newClock() };
	/** Of the last `moof`, whose samples have not all come yet, in the order of the file. */
	#runs: Run[] = [];
	#nextRun = 0;
	/** Bytes of that `moof`. */
	#tableBytes = 0;
	#sample: Sample | undefined;
	/** What was told of the next unit, and not yet passed on; "key" where the next key of the leading track begins one. */
	#announced: Required<UnitStart> | "key" | undefined;
	/** Units have named themselves: no other keys begin one. */
	#isNamed = false;
	#isOrphanTold = false;
	#faults = 0;

	constructor(sink: StreamSink) {
		this.#sink = sink;
		this.#scanner = new BoxScanner({
			box: (type, payload, offset) => this.#box(type, payload, offset),
			media: (bytes, offset, end) => this.#media(bytes, offset, end),
			broken: (offset, what) => this.#broken(offset, what),
		});
	}

	get heldBytes(): number {
		return this.#scanner.heldBytes + this.#tableBytes + (this.#sample?.data.length ?? 0);
	}

	get faults(): number {
		return this.#faults;
	}

	push(bytes: Uint8Array): void {
		this.#scanner.push(bytes);
	}

	end(): void {
		this.#scanner.end();
		this.#sample = undefined;
		this.#dropRuns();
	}

	#box(type: number, payload: Uint8Array, offset: number): void {
		const fault = (error: PenstockError): void => this.#fault(offset, error);
		try {
			if (type === MOOV) this.#setMovie(parseMovie(payload, fault));
			else if (type === MOOF) this.#fragment(payload, offset);
			else this.#name(parseUnitMessage(payload));
		} catch (thrown) {
			this.#fault(offset, thrown);
		}
	}

	#name(unit: Required<UnitStart> | undefined): void {
		if (unit === undefined) return;
		this.#announced = unit;
		this.#isNamed = true;
	}

	#setMovie(movie: Movie): void {
		for (const kind of ["video", "audio"] as const) {
			const [old, track] = [this.#movie?.[kind], movie[kind]];
			if (old?.id !== track?.id || old?.timescale !== track?.timescale) this.#clocks[kind] = newClock();
			this.#clocks[kind].ahead = 0;
		}
		this.#movie = movie;
		this.#isOrphanTold = false;
		this.#decode.setMovie(movie);
		if (!this.#isNamed) this.#announced = "key";
	}

	#fragment(payload: Uint8Array, offset: number): void {
		this.#tellMissing(offset);
		const movie = this.#movie;
		if (movie === undefined) {
			if (!this.#isOrphanTold) this.#broken(offset, "a moof before any moov has no tracks to belong to");
			this.#isOrphanTold = true;
			return;
		}
		this.#runs = parseFragment(payload, offset, movie, this.#clocks);
		this.#tableBytes = this.#runs.length > 0 ? payload.length : 0;
	}

	/** The samples of a `moof` whose data never came. */
	#tellMissing(offset: number): void {
		const run = this.#runs[this.#nextRun];
		if (run !== undefined) {
			this.#broken(offset, `${run.kind} of the moof before it, at byte ${run.offset}, has not come`);
		}
		this.#dropRuns();
	}

	#dropRuns(): void {
		this.#runs = [];
		this.#nextRun = 0;
		this.#tableBytes = 0;
	}

	/** As `BoxSink.media`. */
	#media(bytes: Uint8Array, offset: number, end: number): number {
		let at = 0;
		while (at < bytes.length) {
			const run = this.#runs[this.#nextRun];
			if (run === undefined) return at;
			if (this.#sample !== undefined) at += this.#fill(this.#sample, run, bytes.subarray(at));
			else if (run.offset < offset + at) this.#dropRun("its bytes are not where its moof says");
			else if (run.offset >= end) return at;
			else if (run.offset > offset + at) at = Math.min(bytes.length, run.offset - offset);
			else this.#beginSample(run, end);
		}
		return at;
	}

	/** Begins the run's next sample, or leaves it out. */
	#beginSample(run: Run, end: number): void {
		const size = sampleSize(run);
		if (size > end - run.offset) {
			this.#dropRun(`a sample of ${size} bytes runs over the end of its mdat at byte ${end}`);
			return;
		}
		if (size > 0 && size <= MOST_SAMPLE_BYTES) {
			this.#sample = { data: new Uint8Array(size), filled: 0 };
			return;
		}
		if (size > 0) {
			this.#broken(run.offset, `a sample has ${size} bytes; at most ${MOST_SAMPLE_BYTES} are taken`);
		}
		this.#advance(run);
	}

	/** @returns how many of the bytes belong to the sample */
	#fill(sample: Sample, run: Run, bytes: Uint8Array): number {
		const count = Math.min(sample.data.length - sample.filled, bytes.length);
		sample.data.set(bytes.subarray(0, count), sample.filled);
		sample.filled += count;
		if (sample.filled < sample.data.length) return count;
		this.#sample = undefined;
		const { timescale } = run.track;
		const offset = run.offset;
		const pts = ticksOf(run.base, run.elapsed + compositionOffset(run), timescale);
		// Nothing of audio is reordered, whatever offsets a table has for it.
		const dts = run.kind === "audio" ? pts : ticksOf(run.base, run.elapsed - run.ahead, timescale);
		if (Number.isSafeInteger(dts) && Number.isSafeInteger(pts)) {
			this.#advance(run);
			this.#give(run, { pts, dts, data: sample.data }, offset);
		} else this.#dropRun("its times are beyond all that a clock can say");
		return count;
	}

	#advance(run: Run): void {
		advance(run);
		if (run.left === 0) this.#nextRun++;
		if (this.#nextRun === this.#runs.length) this.#dropRuns();
	}

	#dropRun(why: string): void {
		this.#broken(this.#runs[this.#nextRun]!.offset, `a run of samples cannot be read, as ${why}`);
		this.#nextRun++;
		if (this.#nextRun === this.#runs.length) this.#dropRuns();
	}

	#give(run: Run, timed: Pick<AccessUnit, "pts" | "dts" | "data">, offset: number): void {
		const accessUnit = this.#accessUnit(run, timed, offset);
		if (accessUnit === undefined) return;
		const decode = this.#decode.untold();
		if (decode !== undefined) this.#sink.decodeInformation?.(decode);
		const unit = this.#unitStart(accessUnit);
		if (unit !== undefined) this.#sink.unitStart?.(unit);
		this.#sink.accessUnit(accessUnit);
	}

	#accessUnit(run: Run, timed: Pick<AccessUnit, "pts" | "dts" | "data">, offset: number): AccessUnit | undefined {
		try {
			const coded = this.#decode.take(run.kind, run.entry, timed.data);
			return coded && { track: run.kind, pts: timed.pts, dts: timed.dts, key: coded.key, data: coded.data };
		} catch (thrown) {
			this.#fault(offset, thrown);
			return undefined;
		}
	}

	/** Whether a unit begins with this access unit. */
	#unitStart({ track, key, pts }: AccessUnit): UnitStart | undefined {
		const announced = this.#announced;
		if (typeof announced === "object") {
			this.#announced = undefined;
			return announced;
		}
		const leading = this.#movie?.video === undefined ? "audio" : "video";
		if (track !== leading || !key) return undefined;
		if (announced === undefined && (this.#isNamed || leading === "audio")) return undefined;
		this.#announced = undefined;
		return { time: pts };
	}

	/** @param thrown what was thrown by a parser; rethrown where that was no error of the input */
	#fault(offset: number, thrown: unknown): void {
		if (!(thrown instanceof PenstockError)) throw thrown;
		this.#tell(thrown.code, offset, clauseOf(thrown));
	}

	#broken(offset: number, what: string): void {
		this.#tell("FMP4_SYNTAX", offset, what);
	}

	#tell(code: ErrorCode, offset: number, what: string): void {
		this.#faults++;
		this.#sink.fault?.(
			new PenstockError(code, `in the fragmented MP4 at byte ${offset}: ${what}; reading goes on behind it.`),
		);
	}
}

const newClock = (): TrackClock => {
	const unwrapper = new Unwrapper(SHORT_TIME_BITS);
	return { next: mediaTime(0, 1), ahead: 0, unwrap: (wrapped) => unwrapper.unwrap(wrapped) };
};
