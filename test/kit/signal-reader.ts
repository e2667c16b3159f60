/**
 * Reads the test signal back from decoded pictures, whoever decoded them, and judges what was seen.
 * `src/media/test-signal.ts` says what is in the bar. `GrayFrames` takes pictures from any decoder; `readCounters` lets
 * FFmpeg decode a file, a URL or bytes; `expectEveryFrameOnce` is the sentence that every test of a stream ends with.
 */
import { AssertionError } from "node:assert";
import { ageMs, BAR_FILTERS, BAR_HEIGHT, BAR_WIDTH, type FrameReading, readBar } from "../../src/media/test-signal.ts";
import { type RunningProcess, runToEnd } from "./processes.ts";

export { ageMs, BAR_FILTERS, BAR_HEIGHT, BAR_WIDTH, type FrameReading, readBar };

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
