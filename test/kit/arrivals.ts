/**
 * When what arrived at one viewer, as `arrivals-process.ts` tells it; and what that would have been to watch.
 */
import { StringDecoder } from "node:string_decoder";
import { monotonicOffset } from "./monotonic.ts";
import type { ProcessOptions, RunningProcess } from "./processes.ts";

export interface Arrival {
	/** When its last byte was there, as `performance.now()` has it. */
	readonly at: number;
	/** In milliseconds. */
	readonly pts: number;
	readonly bytes: number;
	readonly rendition: string;
}

export interface ArrivedUnit {
	/** When its beginning was there. */
	readonly at: number;
	readonly timeMs: number;
	readonly number: number;
	readonly rendition: string;
}

interface Waiting {
	readonly isMet: (unit: ArrivedUnit) => boolean;
	readonly resolve: (unit: ArrivedUnit) => void;
}

export class Arrivals {
	readonly process: RunningProcess;
	/** For a player that is to stand behind it. */
	readonly port: Promise<number>;
	/** When it asked for the stream, as `performance.now()` has it. */
	readonly asked: Promise<number>;
	/** The viewer's id, as the server calls it. */
	readonly id: Promise<string>;
	readonly units: ArrivedUnit[] = [];
	/** In decoding order. */
	readonly pictures: Arrival[] = [];
	readonly #port = Promise.withResolvers<number>();
	readonly #asked = Promise.withResolvers<number>();
	readonly #id = Promise.withResolvers<string>();
	readonly #waiting = new Set<Waiting>();
	readonly #offset = monotonicOffset();
	readonly #decoder = new StringDecoder();
	#line = "";

	/** @param start starts the process with these options */
	constructor(start: (options: ProcessOptions) => RunningProcess) {
		this.port = this.#port.promise;
		this.asked = this.#asked.promise;
		this.id = this.#id.promise;
		this.process = start({ onStdout: (bytes) => this.#push(bytes) });
		const ended = (): void => {
			const error = new Error(`${this.process.command} ended; its last words:\n${this.process.lastWords()}`);
			this.#port.reject(error);
			this.#asked.reject(error);
			this.#id.reject(error);
		};
		for (const promise of [this.port, this.asked, this.id]) promise.catch(() => undefined);
		void this.process.exited.then(ended, ended);
	}

	#push(bytes: Uint8Array): void {
		const lines = (this.#line + this.#decoder.write(Buffer.from(bytes))).split("\n");
		this.#line = lines.pop()!;
		for (const line of lines) this.#take(line.split(" "));
	}

	#take([kind, first, second, third, rendition]: readonly (string | undefined)[]): void {
		const at = Number(first) - this.#offset;
		if (kind === "port") this.#port.resolve(Number(first));
		else if (kind === "asked") this.#asked.resolve(at);
		else if (kind === "head") this.#id.resolve(first!);
		else if (kind === "unit") {
			const unit = { at, timeMs: Number(second), number: Number(third), rendition: rendition! };
			this.units.push(unit);
			for (const waiting of this.#waiting) if (waiting.isMet(unit)) waiting.resolve(unit);
		} else if (kind === "picture") {
			const inUnit = this.units.at(-1)?.rendition ?? "";
			this.pictures.push({ at, pts: Number(second), bytes: Number(third), rendition: inUnit });
		}
	}

	/**
	 * The first unit of which `isMet` says so, arrived already or to come.
	 * @throws Error when `timeoutMs` pass without it
	 */
	async untilUnit(isMet: (unit: ArrivedUnit) => boolean, timeoutMs: number): Promise<ArrivedUnit> {
		const known = this.units.find(isMet);
		if (known !== undefined) return known;
		const { promise, resolve, reject } = Promise.withResolvers<ArrivedUnit>();
		const waiting = { isMet, resolve };
		this.#waiting.add(waiting);
		const last = (): string => JSON.stringify(this.units.at(-1));
		const timer = setTimeout(
			() => reject(new Error(`no such unit within ${timeoutMs} ms; the last was ${last()}`)),
			timeoutMs,
		);
		try {
			return await promise;
		} finally {
			clearTimeout(timer);
			this.#waiting.delete(waiting);
		}
	}

	/** The first unit of a rendition that arrives after a time. */
	untilRendition(rendition: string, after: number, timeoutMs: number): Promise<ArrivedUnit> {
		return this.untilUnit((unit) => unit.rendition === rendition && unit.at >= after, timeoutMs);
	}

	/** Lets it watch until that time, and a unit more. */
	async watchUntil(at: number): Promise<void> {
		await this.untilUnit((unit) => unit.at >= at, at - performance.now() + 20_000);
	}

	/** How often the rendition changed between two times. */
	switches(from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY): number {
		return this.units.filter(
			(unit, index) =>
				index > 0 && unit.at >= from && unit.at < to && unit.rendition !== this.units[index - 1]!.rendition,
		).length;
	}
}

/**
 * How late each picture was against the fastest of all: the delay of a stream without the constant part of it, which is
 * a frame or two of the encoder and half a round trip.
 */
export function lateness(pictures: readonly Arrival[]): { readonly at: number; readonly lateMs: number }[] {
	const fastest = Math.min(...pictures.map(({ at, pts }) => at - pts));
	return pictures.map(({ at, pts }) => ({ at, lateMs: at - pts - fastest }));
}

/**
 * Stalls of a player that starts when it has `bufferMs` of media, plays at the media's own pace and, having run dry, goes on
 * with the next picture that comes.
 */
export function stallsOf(
	pictures: readonly Arrival[],
	bufferMs: number,
): { readonly at: number; readonly ms: number }[] {
	const first = pictures[0];
	const ready = pictures.find(({ pts }) => first !== undefined && pts - first.pts >= bufferMs);
	if (first === undefined || ready === undefined) return [];
	const stalls: { at: number; ms: number }[] = [];
	/** Of a picture's showing, less its PTS. */
	let shift = ready.at - first.pts;
	for (const { at, pts } of pictures) {
		const lateMs = at - pts - shift;
		// A scheduler's hiccup is no stall.
		if (lateMs > 5) stalls.push({ at: pts + shift, ms: lateMs });
		shift += Math.max(0, lateMs);
	}
	return stalls;
}
