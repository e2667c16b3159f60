/**
 * The reading side of a player: keeps one response open, reads it, and gives what is in it to a `MediaOutput`. Runs in
 * a worker as a rule. Connects again by itself as long as that can help, and tells why it waits.
 *
 * What an end means: a response that breaks off, or falls silent, is asked for again. One that the server has ended in
 * order is asked for again as well, since a server that restarts ends its responses so: if there is no such stream then
 * (404 or 410), it was the end of the programme. A response with a Content-Length was a recording, and its end is the
 * end. A refusal (4xx, but not 408 and 429) is final; 5xx, and what cannot be reached, is tried for ever.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { clauseOf } from "../base/errors.ts";
import { type Milliseconds, milliseconds, ticksToMs } from "../base/units.ts";
import { RateMeter } from "../playback/meters.ts";
import { type StreamFormat, streamFormat } from "../playback/stream-format.ts";
import { ThroughputMeter } from "../playback/throughput-meter.ts";
import type { ConnectionMessage } from "./connection-message.ts";
import type { MediaOutput } from "./media-output.ts";
import { type Loss, noAnswer, refusalOf, seconds, unreachable } from "./refusal.ts";
import { Retry, retryAfter } from "./retry.ts";
import { SilenceWatch } from "./silence-watch.ts";

export interface ConnectionOptions {
	/** Absolute. */
	readonly src: string;
	readonly clock: Clock;
	readonly output: MediaOutput;
	readonly tell: (message: ConnectionMessage) => void;
}

/** How one attempt came out. */
type Outcome = { readonly kind: "ended" } | ({ readonly kind: "lost" } & Loss);

type ReaderClass = Awaited<ReturnType<StreamFormat["loadReader"]>>;

/** Until the response's header is there: a server may start an encoder first, and gives it 10 s. */
const ANSWER_MS = milliseconds(12_000);
/** Without an access unit. */
const SILENCE_MS = milliseconds(10_000);
const COUNTS_MS = 250;
const BITRATE_WINDOW = milliseconds(3000);
/** How often a full output is asked whether it takes more. */
const BACKLOG_MS = 20;
/** "There is none", and "there is none any more". */
const GONE: readonly number[] = [404, 410];

export class Connection {
	readonly #options: ConnectionOptions;
	readonly #url: URL;
	readonly #retry = new Retry(Math.random);
	readonly #bits = new RateMeter(BITRATE_WINDOW);
	readonly #throughput = new ThroughputMeter();
	#abort = new AbortController();
	#waiting: { timer: Timer; over: () => void } | undefined;
	#countsTimer: Timer | undefined;
	#destroyed = false;
	#everOpened = false;
	/** The response before this one ended in order. */
	#endedInOrder = false;
	#receivedBytes = 0;
	#faults = 0;
	#lastFault: string | undefined;
	/** When the first and the last access unit of this connection came. */
	#media: { readonly from: Milliseconds; to: Milliseconds } | undefined;

	/** @throws TypeError when `src` is no absolute URL */
	constructor(options: ConnectionOptions) {
		this.#options = options;
		this.#url = new URL(options.src);
	}

	start(): void {
		void this.#run();
	}

	/** Leaves; nothing is told or given out any more. */
	destroy(): void {
		this.#destroyed = true;
		this.#abort.abort();
		this.#countsTimer?.cancel();
		this.#waiting?.timer.cancel();
		this.#waiting?.over();
	}

	get #mediaFor(): Milliseconds {
		return milliseconds(this.#media === undefined ? 0 : this.#media.to - this.#media.from);
	}

	async #run(): Promise<void> {
		while (!this.#destroyed) {
			this.#tell({ kind: "connecting" });
			this.#media = undefined;
			this.#abort = new AbortController();
			const outcome = await this.#attempt(this.#abort.signal);
			this.#countsTimer?.cancel();
			this.#abort.abort();
			if (this.#destroyed) return;
			if (outcome.kind === "ended") return this.#finish({ kind: "ended" });
			const { problem, final, askedDelay } = outcome;
			if (final) {
				const over = this.#endedInOrder && GONE.includes(problem.status ?? 0);
				return this.#finish(over ? { kind: "ended" } : { kind: "failed", problem });
			}
			const retryInMs = this.#retry.delay(this.#mediaFor, askedDelay);
			this.#tell({ kind: "waiting", problem: { ...problem, retryInMs } });
			await this.#sleep(retryInMs);
		}
	}

	#finish(message: ConnectionMessage): void {
		this.#options.output.end();
		this.#tell(message);
	}

	async #attempt(signal: AbortSignal): Promise<Outcome> {
		const { clock } = this.#options;
		const { host } = this.#url;
		let late = false;
		const answer = clock.after(ANSWER_MS, () => {
			late = true;
			this.#abort.abort();
		});
		// A request that may be answered from a cache waits there for the one before it, which never ends.
		const response = await fetch(this.#url, { signal, cache: "no-store" }).catch(() => undefined);
		answer.cancel();
		// It gives no reason, on purpose.
		if (response === undefined) {
			return { kind: "lost", ...(late ? noAnswer(host, ANSWER_MS) : unreachable(this.#url, pageOrigin())) };
		}
		if (response.status === 200) return await this.#read(response, signal);
		const asked = retryAfter(response.headers.get("Retry-After"), clock.wall());
		return { kind: "lost", ...(await refusalOf(response, this.#shown, asked)) };
	}

	async #read(response: Response, signal: AbortSignal): Promise<Outcome> {
		const { headers, body } = response;
		const contentType = headers.get("Content-Type") ?? "";
		let format: StreamFormat;
		try {
			format = streamFormat(contentType, this.#url.pathname);
		} catch (error) {
			const message = `This is not a stream: ${clauseOf(error)}.`;
			return { kind: "lost", problem: { code: "NOT_A_STREAM", message }, final: true };
		}
		const Reader = await format.loadReader().catch(() => undefined);
		if (Reader === undefined) {
			const message = `The player's part for .${format.packaging.extension} could not be loaded.`;
			return { kind: "lost", problem: { code: "NETWORK", message }, final: false };
		}
		if (signal.aborted) return { kind: "lost", problem: this.#silent(0), final: false };
		if (this.#everOpened) this.#options.output.reconnected();
		this.#throughput.interrupted();
		this.#everOpened = true;
		this.#endedInOrder = false;
		const session = headers.get("Penstock-Session") ?? undefined;
		const viewer = headers.get("Penstock-Viewer") ?? undefined;
		this.#tell({ kind: "connected", session, viewer, contentType });
		this.#tellCounts(this.#receivedBytes);
		const bytesBefore = this.#receivedBytes;
		const watch = new SilenceWatch(this.#options.clock, SILENCE_MS, () => this.#abort.abort());
		try {
			const complete = body === null || (await this.#readBody(body.getReader(), Reader, watch, signal));
			if (complete) return this.#completed(headers.has("Content-Length"));
			return { kind: "lost", problem: this.#silent(this.#receivedBytes - bytesBefore), final: false };
		} finally {
			watch.stop();
		}
	}

	/** @returns whether the response came to its end; false where it broke off or was given up */
	async #readBody(
		body: ReadableStreamDefaultReader<Uint8Array>,
		Reader: ReaderClass,
		watch: SilenceWatch,
		signal: AbortSignal,
	): Promise<boolean> {
		const { output, clock } = this.#options;
		const reader = new Reader({
			decodeInformation: (decode) => output.decodeInformation(decode),
			unitStart: (unit) => output.unitStart(unit),
			accessUnit: (accessUnit) => {
				const now = clock.now();
				watch.heard();
				if (this.#media === undefined) this.#media = { from: now, to: now };
				else this.#media.to = now;
				this.#throughput.arrived(ticksToMs(accessUnit.pts), now);
				output.accessUnit(accessUnit, now);
			},
			fault: (error) => {
				this.#faults++;
				this.#lastFault = error.message;
			},
		});
		for (;;) {
			const piece = await body.read().catch(() => undefined);
			if (piece === undefined || signal.aborted) return false;
			if (piece.done) {
				reader.end();
				return true;
			}
			this.#count(piece.value.length);
			reader.push(piece.value);
			while (output.backlogged && !signal.aborted) {
				await this.#sleep(BACKLOG_MS);
				watch.heard();
				this.#throughput.interrupted();
			}
		}
	}

	#count(byteLength: number): void {
		const now = this.#options.clock.now();
		this.#receivedBytes += byteLength;
		this.#bits.add(byteLength * 8, now);
		this.#throughput.add(byteLength, now);
	}

	/** The server has ended the response by its own account. */
	#completed(hadLength: boolean): Outcome {
		if (this.#media === undefined) {
			const why = this.#lastFault === undefined ? "" : ` (${this.#lastFault})`;
			const message = `${this.#shown} ended, and there was nothing in it that can be played${why}.`;
			return { kind: "lost", problem: { code: "NOT_A_STREAM", message }, final: hadLength };
		}
		if (hadLength) return { kind: "ended" };
		this.#endedInOrder = true;
		const message = `${this.#url.host} has ended the stream.`;
		return { kind: "lost", problem: { code: "NETWORK", message }, final: false };
	}

	/** Broken off, or given up for want of media. */
	#silent(receivedBytes: number): Loss["problem"] {
		const { host } = this.#url;
		const since = this.#media?.to;
		const isSilent = this.#abort.signal.aborted;
		if (!isSilent) return { code: "NETWORK", message: `The connection to ${host} broke off.` };
		const waited = seconds(SILENCE_MS);
		if (since === undefined && receivedBytes > 0) {
			const why = this.#lastFault === undefined ? "" : ` (${this.#lastFault})`;
			const message = `${receivedBytes} bytes came from ${host} in ${waited}, and nothing in them can be played${why}.`;
			return { code: "BROKEN_STREAM", message };
		}
		return { code: "NO_ANSWER", message: `Nothing came from ${host} for ${waited}; its source may be away.` };
	}

	/** The URL without its query, which may have a token in it. */
	get #shown(): string {
		return `${this.#url.origin}${this.#url.pathname}`;
	}

	#tellCounts(bytesBefore: number): void {
		const { clock } = this.#options;
		this.#countsTimer = clock.after(COUNTS_MS, () => {
			const now = clock.now();
			if (this.#receivedBytes > bytesBefore) {
				this.#tell({
					...{ kind: "counts", receivedBytes: this.#receivedBytes, faults: this.#faults },
					...(this.#lastFault !== undefined && { lastFault: this.#lastFault }),
					bitrateBps: Math.round(this.#bits.perSecond(now)),
					throughputBps: this.#throughput.throughput(now),
				});
			}
			this.#tellCounts(this.#receivedBytes);
		});
	}

	#tell(message: ConnectionMessage): void {
		if (!this.#destroyed) this.#options.tell(message);
	}

	async #sleep(ms: number): Promise<void> {
		if (this.#destroyed) return;
		await new Promise<void>((over) => {
			this.#waiting = { timer: this.#options.clock.after(ms, over), over };
		});
		this.#waiting = undefined;
	}
}

/** Of the page that the player is in; undefined where there is none. */
function pageOrigin(): string | undefined {
	return (globalThis as { origin?: string }).origin;
}
