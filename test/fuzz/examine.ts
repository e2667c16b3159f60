/**
 * One input put to a reader: pushed in pieces by chance, with an intact stream behind it. Says what is wrong, if
 * anything is.
 */
import type { AccessUnit } from "../../src/media/access-unit.ts";
import { Judge, sameUnits } from "./judge.ts";
import type { Specimen } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Target } from "./targets.ts";

/** CPU time: an input takes a fraction of a millisecond, and one that takes this three times running is a finding. */
const MOST_MS = 40;
/** One input in so many is also read uncut, and must give the same. */
const COMPARED = 8;
/** Of the inputs after which a reader waits for something long, one in so many is followed up to the end. */
const FOLLOWED = 64;
const TAIL_PIECE_BYTES = 64 * 1024;
/** A few bytes at a time only now and then: it costs most and tells little more. */
const PIECE_BYTES = [188, 400, 1500, 1500, 6000, 6000, 64 * 1024, 64 * 1024];
const TINY_PIECE_BYTES = 12;
const TINY_PIECES = 24;

/** Quicker to read than a stream is. Without zeros, so that it says no short length. */
const NOISE = ((): Uint8Array => {
	const random = new Random(0);
	return Uint8Array.from({ length: 256 * 1024 }, () => random.between(1, 255));
})();

export interface Verdict {
	readonly complaint: string | undefined;
	readonly accessUnits: number;
	readonly faults: number;
	/** The intact stream behind the input did not come out at once: the reader waits for the end of something. */
	readonly waits: boolean;
}

/** What an intact stream gives when it is read alone. */
export interface Reference {
	readonly specimen: Specimen;
	readonly lastUnit: readonly AccessUnit[];
	/** The stream again and again. */
	readonly flood: Uint8Array;
}

/** @throws Error when the stream does not come out whole: then nothing could be said about inputs */
export function referenceOf(target: Target, specimen: Specimen): Reference {
	const judge = new Judge(target, new ArrayBuffer(0), false);
	const reader = target.open(judge);
	judge.push(reader, specimen.bytes);
	judge.end(reader);
	const { complaint, faults, lastUnit } = judge;
	if (complaint !== undefined || faults > 0 || lastUnit.length === 0) {
		throw new Error(`the intact stream "${specimen.label}" is not read: ${faults} faults; ${complaint}`);
	}
	const times = Math.ceil(TAIL_PIECE_BYTES / specimen.bytes.length);
	const flood = new Uint8Array(times * specimen.bytes.length);
	for (let at = 0; at < flood.length; at += specimen.bytes.length) flood.set(specimen.bytes, at);
	return { specimen, lastUnit, flood };
}

export class Examiner {
	readonly #target: Target;
	/** What the reader is handed; overwritten after each push, so that nobody can keep a view of it. */
	readonly #piece = new Uint8Array(TAIL_PIECE_BYTES);

	constructor(target: Target) {
		this.#target = target;
	}

	examine(input: Uint8Array, reference: Reference, random: Random): Verdict {
		const digesting = random.oneIn(COMPARED);
		const most = random.oneIn(TINY_PIECES) ? TINY_PIECE_BYTES : random.pick(PIECE_BYTES);
		const state = random.next();
		let verdict = this.#timed(input, reference, most, state, digesting);
		for (let i = 0; i < 2 && verdict.tookMs > MOST_MS; i++)
			verdict = this.#timed(input, reference, most, state, digesting);
		if (verdict.tookMs > MOST_MS)
			return { ...verdict, complaint: `takes ${Math.round(verdict.tookMs)} ms of CPU time` };
		if (verdict.complaint !== undefined) return verdict;
		if (digesting) {
			const uncut = this.#timed(input, reference, Number.POSITIVE_INFINITY, state, true);
			if (uncut.digest !== verdict.digest) return { ...verdict, complaint: "cut into pieces it gives something else" };
		}
		if (!verdict.waits || !random.oneIn(FOLLOWED)) return verdict;
		return { ...verdict, complaint: this.#follow(input, reference) };
	}

	/** @param most bytes in a piece; what a piece has, `state` says */
	#timed(
		input: Uint8Array,
		{ specimen, lastUnit }: Reference,
		most: number,
		state: number,
		digesting: boolean,
	): Verdict & { readonly tookMs: number; readonly digest: number } {
		const judge = new Judge(this.#target, this.#piece.buffer, digesting);
		const reader = this.#target.open(judge);
		let waits = true;
		const start = performance.now();
		const cpu = process.threadCpuUsage();
		try {
			this.#pushAll(judge, reader, input, most, state);
			this.#pushAll(judge, reader, specimen.bytes, most, state);
			// A live stream never ends: what an end would bring out does not count.
			waits = !sameUnits(judge.lastUnit, lastUnit, this.#target.timeModulus);
			judge.end(reader);
		} catch (error) {
			judge.complaint ??= `throws ${error instanceof Error ? error.stack : String(error)}`;
		}
		// The clock is cheaper to ask, and says no less.
		const tookMs = performance.now() - start < MOST_MS ? 0 : cpuMs(process.threadCpuUsage(cpu));
		const { complaint, accessUnits, faults, digest } = judge;
		return { complaint, accessUnits, faults, waits, tookMs, digest };
	}

	/** Pushes noise until no reader may wait any longer, and then the intact stream, which must come out. */
	#follow(input: Uint8Array, { specimen, lastUnit, flood }: Reference): string | undefined {
		const judge = new Judge(this.#target, this.#piece.buffer, false);
		const reader = this.#target.open(judge);
		this.#pushAll(judge, reader, input, Number.POSITIVE_INFINITY, 0);
		for (let pushed = 0; pushed < this.#target.patience; pushed += NOISE.length) judge.push(reader, NOISE);
		judge.push(reader, flood);
		judge.push(reader, specimen.bytes);
		judge.end(reader);
		if (judge.complaint !== undefined) return judge.complaint;
		if (sameUnits(judge.lastUnit, lastUnit, this.#target.timeModulus)) return undefined;
		return `the stream "${specimen.label}" is not read again behind it, ${this.#target.patience} bytes later`;
	}

	#pushAll(judge: Judge, reader: Parameters<Judge["push"]>[0], bytes: Uint8Array, most: number, state: number): void {
		let chance = state | 1;
		for (let at = 0; at < bytes.length; ) {
			chance = Math.imul(chance, 1_664_525) + 1_013_904_223;
			const size = most === Number.POSITIVE_INFINITY ? TAIL_PIECE_BYTES : 1 + ((chance >>> 8) % most);
			const count = Math.min(size, bytes.length - at, this.#piece.length);
			this.#piece.set(bytes.subarray(at, at + count));
			judge.push(reader, this.#piece.subarray(0, count));
			this.#piece.fill(0xa5, 0, count);
			at += count;
		}
	}
}

const cpuMs = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;
