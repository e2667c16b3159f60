/**
 * Reads the test signal back from decoded pictures, whoever decoded them, and judges what was seen.
 * `test-signal.ts` says what is in the bar. `GrayFrames` takes pictures from any decoder; `readCounters` lets FFmpeg
 * decode a file, a URL or bytes; `expectEveryFrameOnce` is the sentence that every test of a stream ends with.
 */
import { AssertionError } from "node:assert";
import { type RunningProcess, runToEnd } from "./processes.ts";
import { BAR_SHARE, CELLS_PER_ROW, COUNTER_BITS, checksumOf } from "./test-signal.ts";

export interface FrameReading {
	readonly counter: number;
	/** False where the cells do not hold together: the picture is damaged, or there was no bar in it. */
	readonly checksumOk: boolean;
	/** When the frame was made: milliseconds since 1970, mod 2²⁴. */
	readonly clockMs: number;
}

/** What an independent player saw. */
export interface Verdict {
	/** One for each picture that it gave out, in the order in which it did. */
	readonly counters: readonly FrameReading[];
	/** Its complaints about the stream; those about the machine are left out. */
	readonly warnings: readonly string[];
	/** All that it said. */
	readonly log: string;
}

/** What a decoder reads: a path, a URL, or the bytes themselves. */
export type WitnessInput = string | Uint8Array | AsyncIterable<Uint8Array>;

/** The small gray picture into which decoders put the bar: 8 × 8 samples a cell. */
export const BAR_WIDTH = CELLS_PER_ROW * 8;
export const BAR_HEIGHT = 16;

/** FFmpeg filters that cut the bar out and shrink it. Written with `ih`, so that they hold when the size changes. */
export const BAR_FILTERS = `crop=iw:ih/${BAR_SHARE}:0:0,scale=${BAR_WIDTH}:${BAR_HEIGHT}:flags=area,setsar=1,format=gray`;

/**
 * Reads the bar.
 * @param gray luma samples, rows of `width`, that start with the bar; a whole picture will do
 * @param barHeight rows of the bar: an eighth of the picture's height
 */
export function readBar(gray: Uint8Array, width: number, barHeight: number): FrameReading {
	let counter = 0;
	let checksum = 0;
	let clockMs = 0;
	for (let cell = 0; cell < CELLS_PER_ROW; cell++) {
		const bit = cellIsWhite(gray, width, barHeight, cell, 0) ? 1 : 0;
		if (cell < COUNTER_BITS) counter |= bit << cell;
		else checksum |= bit << (cell - COUNTER_BITS);
		if (cellIsWhite(gray, width, barHeight, cell, 1)) clockMs |= 1 << cell;
	}
	return { counter, checksumOk: checksum === checksumOf(counter), clockMs };
}

/** Takes raw gray pictures of one size in pieces of any size, and reads each as it is complete. */
export class GrayFrames {
	readonly readings: FrameReading[] = [];
	readonly #width: number;
	readonly #barHeight: number;
	readonly #frame: Uint8Array;
	#filled = 0;

	/** @param share the bar is 1 in this many of `height`: 1 for the bar alone, `BAR_SHARE` for the whole picture */
	constructor(width: number, height: number, share: number) {
		this.#width = width;
		this.#barHeight = Math.floor(height / share);
		this.#frame = new Uint8Array(width * height);
	}

	push(bytes: Uint8Array): void {
		for (let at = 0; at < bytes.length; ) {
			const piece = bytes.subarray(at, at + this.#frame.length - this.#filled);
			this.#frame.set(piece, this.#filled);
			this.#filled += piece.length;
			at += piece.length;
			if (this.#filled < this.#frame.length) return;
			this.#filled = 0;
			this.readings.push(readBar(this.#frame, this.#width, this.#barHeight));
		}
	}
}

/** Milliseconds from a frame's making until `nowMs` (since 1970), right as long as it is less than two hours. */
export function ageMs(reading: FrameReading, nowMs: number): number {
	const modulus = 2 ** 24;
	const age = (((nowMs - reading.clockMs) % modulus) + modulus) % modulus;
	return age < modulus / 2 ? age : age - modulus;
}

/**
 * Decodes the first video stream with FFmpeg and reads every picture, none dropped, none repeated.
 * @param options.inputOptions FFmpeg options before `-i`, for example `["-f", "mpegts"]`
 */
export async function readCounters(
	input: WitnessInput,
	options: { readonly inputOptions?: readonly string[]; readonly timeoutMs?: number } = {},
): Promise<Verdict> {
	const frames = new GrayFrames(BAR_WIDTH, BAR_HEIGHT, 1);
	const piped = typeof input !== "string";
	const args = ["-hide_banner", "-v", "warning", ...(piped ? [] : ["-nostdin"]), ...(options.inputOptions ?? [])];
	args.push("-i", piped ? "pipe:0" : input, "-map", "0:v:0", "-fps_mode", "passthrough", "-vf", BAR_FILTERS);
	const ended = await runToEnd("ffmpeg", [...args, "-f", "rawvideo", "pipe:1"], {
		onStdout: (bytes) => frames.push(bytes),
		keepBytes: 2 ** 24,
		timeoutMs: options.timeoutMs ?? 120_000,
		...(piped ? { input } : {}),
	});
	return verdictOf(ended, frames.readings, ended.stderr.split("\n"));
}

/**
 * Puts a verdict together. An exit code other than 0 is a complaint as well.
 * @throws Error when the player ended with an error and without one picture: then it has not seen the stream
 */
export function verdictOf(
	ended: RunningProcess & { readonly code: number | null; readonly signal: string | null },
	counters: readonly FrameReading[],
	complaints: readonly string[],
): Verdict {
	const warnings = complaints.map((line) => line.trim()).filter((line) => line !== "");
	if (ended.code !== 0) {
		const how = `${ended.command} ended with ${ended.signal ?? `exit code ${ended.code}`}`;
		if (counters.length === 0) throw new Error(`${how} and gave no picture; its last words:\n${ended.lastWords()}`);
		warnings.push(how);
	}
	return { counters, warnings, log: ended.stderr };
}

/**
 * Throws unless the counters are `from`, `from` + 1, … `to`, each once, in order, each read without a doubt.
 * Without `from` the first one read is the first expected; without `to` the last one is the last.
 */
export function expectEveryFrameOnce(
	counters: readonly FrameReading[],
	range: { readonly from?: number; readonly to?: number } = {},
): void {
	const from = range.from ?? counters[0]?.counter ?? 0;
	const to = range.to ?? counters.at(-1)?.counter ?? 0;
	const account = {
		bad: [] as string[],
		gaps: [] as string[],
		missing: 0,
		repeats: [] as string[],
		extra: [] as string[],
	};
	let expected = from;
	for (const [index, { counter, checksumOk }] of counters.entries()) {
		if (!checksumOk) {
			account.bad.push(`picture ${index}`);
		} else if (counter < expected) {
			account.repeats.push(`${counter} at picture ${index}`);
		} else if (counter > to) {
			account.extra.push(`${counter} at picture ${index}`);
		} else {
			if (counter > expected) addGap(account, expected, counter - 1, `before picture ${index}`);
			expected = counter + 1;
		}
	}
	if (counters.length === 0 || expected <= to) addGap(account, expected, to, "at the end");
	const faults = [
		describe("frame(s) missing in", account.gaps, account.missing),
		describe("repeated or late", account.repeats),
		describe("unreadable", account.bad),
		describe(`beyond ${to}`, account.extra),
	].filter((fault) => fault !== "");
	if (faults.length === 0) return;
	const message = `frames ${from} to ${to} are to come once each, in order (${to - from + 1}); of ${counters.length} pictures: ${faults.join("; ")}.`;
	throw new AssertionError({ message, actual: counters.length, expected: to - from + 1, operator: "everyFrameOnce" });
}

function addGap(account: { gaps: string[]; missing: number }, first: number, last: number, where: string): void {
	account.missing += last - first + 1;
	account.gaps.push(`${first === last ? first : `${first} to ${last}`} ${where}`);
}

/** "3 frame(s) missing in 2 place(s): …", the first three places; empty where there is none. */
function describe(what: string, places: readonly string[], count = places.length): string {
	if (places.length === 0) return "";
	const shown = places.slice(0, 3).join(", ") + (places.length > 3 ? ", …" : "");
	return `${count} ${what}${what.endsWith(" in") ? ` ${places.length} place(s)` : ""}: ${shown}`;
}

/** The mean of up to 5 × 5 samples around a cell's centre, against the middle between black and white. */
function cellIsWhite(gray: Uint8Array, width: number, barHeight: number, cell: number, row: number): boolean {
	const x = Math.floor(((cell + 0.5) * width) / CELLS_PER_ROW);
	const y = Math.floor(((row + 0.5) * barHeight) / 2);
	const reachX = Math.min(2, Math.floor(width / CELLS_PER_ROW / 4));
	const reachY = Math.min(2, Math.floor(barHeight / 8));
	let sum = 0;
	for (let dy = -reachY; dy <= reachY; dy++) {
		for (let dx = -reachX; dx <= reachX; dx++) sum += gray[(y + dy) * width + x + dx]!;
	}
	return sum / ((2 * reachX + 1) * (2 * reachY + 1)) > 125;
}
