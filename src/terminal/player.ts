/**
 * A viewer on the command line (S12): one GET, a reader, decoders that are reset at each switch, and what there is to
 * tell about it. Ends with the response, or when it is told to, and then lets the decoders give out what they have.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { ticksToMs } from "../base/units.ts";
import { fmp4 } from "../media/fmp4/fmp4.ts";
import type { StreamReader } from "../media/stream-reader.ts";
import { RateMeter } from "../playback/meters.ts";
import { type StreamFormat, streamFormat } from "../playback/stream-format.ts";
import { ThroughputMeter } from "../playback/throughput-meter.ts";
import { FaultNotes } from "./fault-notes.ts";
import type { EndReason, FiguresSink, PlayerFigures, PlayView, SwitchTold } from "./figures.ts";
import { everyFrameOnce, type FrameCount, FrameTally } from "./frame-tally.ts";
import { type HttpStream, openStream, type StreamEnd, shownUrl } from "./http-stream.ts";
import { BodyFile, PictureFolder } from "./picture-files.ts";
import { type OpenedUnit, Playback } from "./playback.ts";
import { toldStart, toldSwitch } from "./told-unit.ts";

export interface PlayOptions {
	readonly url: URL;
	readonly headers: Readonly<Record<string, string[]>>;
	/** The program that decodes. */
	readonly ffmpeg: string;
	/** A file for the body as it came. */
	readonly save?: string;
	/** A folder for the decoded frames. */
	readonly frames?: string;
	/** Read the test signal's frame numbers. */
	readonly countFrames: boolean;
	/** Leave after so long. */
	readonly forMs?: number;
	/** Leave when the unit behind so many switches is whole. */
	readonly untilSwitches?: number;
}

export interface PlayParts {
	readonly clock: Clock;
	readonly view: PlayView;
	/** Gets the figures for a server that wants to know them. */
	readonly figuresSink?: FiguresSink;
}

export interface PlayResult {
	readonly reason: EndReason;
	readonly figures: PlayerFigures;
	/** With `countFrames`. */
	readonly frameCount?: FrameCount;
	/** Why it did not go well; undefined where it did. */
	readonly failure?: PenstockError;
	/** Each frame of the test signal came once; true where they were not counted. */
	readonly framesWhole: boolean;
}

const STATS_MS = 1000;
const REFRESH_MS = 250;

export class Player {
	readonly #options: PlayOptions;
	readonly #parts: PlayParts;
	readonly #playback: Playback;
	readonly #bodyFile: BodyFile | undefined;
	readonly #pictures: PictureFolder | undefined;
	readonly #tally: FrameTally | undefined;
	readonly #bits = new RateMeter();
	readonly #throughput = new ThroughputMeter();
	readonly #streamFaults: FaultNotes;
	readonly #decoderFaults: FaultNotes;
	readonly #stop = Promise.withResolvers<EndReason>();
	#timers: Timer[] = [];
	#stream: HttpStream | undefined;
	#format: StreamFormat | undefined;
	#startedAt = 0;
	#bytes = 0;
	#paused = false;
	#over = false;
	#failure: PenstockError | undefined;

	/** @throws PenstockError COMMAND_LINE when a file or folder to write to cannot be made */
	constructor(options: PlayOptions, parts: PlayParts) {
		this.#options = options;
		this.#parts = parts;
		const { clock } = parts;
		if (options.save !== undefined) this.#bodyFile = new BodyFile(options.save);
		if (options.frames !== undefined) this.#pictures = new PictureFolder(options.frames);
		if (options.countFrames) this.#tally = new FrameTally();
		this.#streamFaults = new FaultNotes(clock, (message, count) => this.#tellFault("stream", message, count));
		this.#decoderFaults = new FaultNotes(clock, (message, count) => this.#tellFault("decoder", message, count));
		const pictures = options.frames === undefined ? "bar" : "ppm";
		this.#playback = new Playback(
			{ ffmpeg: options.ffmpeg, pictures, clock, feed: { packaging: fmp4, format: "mp4" } },
			{
				started: (unit) => this.#tellStart(unit),
				switched: (unit, from) => this.#tellSwitch(unit, from),
				unit: () => this.#endAfterSwitches(),
				picture: (frame, { rendition }, reading) =>
					this.#guard(() => {
						this.#pictures?.write(frame.picture, frame.pts, rendition);
						this.#tally?.add(reading ?? { counter: 0, checksumOk: false, clockMs: 0 });
					}),
				streamFault: (message) => this.#streamFaults.note(message),
				decoderFault: (message) => this.#decoderFaults.note(message),
				failed: (error) => this.#fail(error),
				relieved: () => this.#throttle(),
			},
		);
	}

	get figures(): PlayerFigures {
		const now = this.#parts.clock.now();
		const throughputBps = this.#throughput.throughput(now);
		return {
			timeMs: this.#timeMs,
			...this.#playback.figures,
			bytesReceived: this.#bytes,
			bitrateBps: Math.round(this.#bits.perSecond(now)),
			...(throughputBps !== undefined && { throughputBps }),
			faults: this.#streamFaults.count,
			decoderWarnings: this.#decoderFaults.count,
		};
	}

	/** Leaves; what has been received is still decoded. */
	stop(reason: EndReason): void {
		this.#stop.resolve(reason);
	}

	/**
	 * Plays to the end.
	 * @throws PenstockError STREAM_UNREACHABLE, PACKAGING_UNKNOWN when there is nothing to be played
	 */
	async run(): Promise<PlayResult> {
		const { url, headers } = this.#options;
		const { clock } = this.#parts;
		try {
			const aborting = new AbortController();
			const opening = openStream({ url, headers, clock, signal: aborting.signal });
			const stream = await Promise.race([opening, this.#stop.promise]);
			if (typeof stream === "string") {
				aborting.abort();
				await opening.then((late) => late.close()).catch(() => {});
				return await this.#finish(stream);
			}
			this.#stream = stream;
			return await this.#play(stream);
		} finally {
			this.#over = true;
			for (const timer of this.#timers) timer.cancel();
			this.#stream?.close();
			this.#playback.kill();
			await this.#playback.finish();
			this.#bodyFile?.close();
		}
	}

	async #play(stream: HttpStream): Promise<PlayResult> {
		const { url, forMs } = this.#options;
		this.#startedAt = this.#parts.clock.now();
		this.#format = streamFormat(stream.contentType, url.pathname);
		const Reader = await this.#format.loadReader();
		const playback = this.#playback;
		const reader = new Reader({
			decodeInformation: (decode) => playback.decodeInformation(decode),
			unitStart: (unit) => playback.unitStart(unit),
			accessUnit: (accessUnit) => {
				this.#throughput.arrived(ticksToMs(accessUnit.pts), this.#parts.clock.now());
				playback.accessUnit(accessUnit);
			},
			fault: (error) => playback.fault(error),
		});
		stream.onBytes((bytes) => this.#take(reader, bytes));
		this.#every(STATS_MS, () => this.#tellStats());
		if (this.#parts.view.refresh !== undefined) {
			this.#every(REFRESH_MS, () => this.#parts.view.refresh?.(this.figures));
		}
		if (forMs !== undefined) this.#timers.push(this.#parts.clock.after(forMs, () => this.stop("time")));
		const end: StreamEnd | EndReason = await Promise.race([this.#stop.promise, stream.ended]);
		if (typeof end === "string") return await this.#finish(end);
		// What is whole comes out; what was cut does not become whole by that.
		if (end.kind === "complete") reader.end();
		if (end.kind === "broken") this.#failure ??= this.#brokenOff(end.because);
		return await this.#finish(end.kind === "broken" ? "broken" : "complete");
	}

	#take(reader: StreamReader, bytes: Uint8Array): void {
		if (this.#over) return;
		this.#guard(() => this.#bodyFile?.write(bytes));
		this.#bytes += bytes.length;
		const now = this.#parts.clock.now();
		this.#bits.add(bytes.length * 8, now);
		this.#throughput.add(bytes.length, now);
		reader.push(bytes);
		this.#throttle();
	}

	/** Reads the socket only as fast as the decoders take what comes. */
	#throttle(): void {
		const { backlogged } = this.#playback;
		if (backlogged === this.#paused || this.#stream === undefined) return;
		this.#paused = backlogged;
		this.#throughput.interrupted();
		if (backlogged) this.#stream.pause();
		else this.#stream.resume();
	}

	/** Decodes what has been received, then tells the end. */
	async #finish(reason: EndReason): Promise<PlayResult> {
		this.#over = true;
		for (const timer of this.#timers) timer.cancel();
		this.#stream?.close();
		await this.#playback.finish();
		this.#streamFaults.flush();
		this.#decoderFaults.flush();
		const { figures } = this;
		const failure = this.#failure ?? this.#unplayed(reason, figures);
		const frameCount = this.#tally?.count;
		const error = failure === undefined ? {} : { error: failure.message };
		const end = failure !== undefined && reason !== "broken" ? "failed" : reason;
		this.#parts.view.event({ event: "end", reason: end, ...error, ...figures, ...frameCount });
		return {
			...{ reason: end, figures, framesWhole: frameCount === undefined || everyFrameOnce(frameCount) },
			...(frameCount && { frameCount }),
			...(failure && { failure }),
		};
	}

	/** A response in which nothing could be played, or that ended too early, has not gone well. */
	#unplayed(
		reason: EndReason,
		{ framesDecoded, audioFramesDecoded, switches }: PlayerFigures,
	): PenstockError | undefined {
		const shown = shownUrl(this.#options.url);
		const { untilSwitches } = this.#options;
		if (reason === "interrupted") return undefined;
		if (framesDecoded + audioFramesDecoded === 0) {
			const why = this.#streamFaults.first ?? this.#decoderFaults.first ?? "it has no picture and no sound";
			const text = `nothing of ${shown} could be played, in ${this.#bytes} bytes: ${why}`;
			return new PenstockError("STREAM_UNREACHABLE", text);
		}
		if (untilSwitches !== undefined && reason !== "switches") {
			const text = `${shown} came to its end after ${switches} of ${untilSwitches} switches.`;
			return new PenstockError("STREAM_UNREACHABLE", text);
		}
		return undefined;
	}

	#brokenOff(because: string): PenstockError {
		const text = `the response of ${shownUrl(this.#options.url)} broke off after ${this.#bytes} bytes (${because}); look at the server.`;
		return new PenstockError("STREAM_UNREACHABLE", text);
	}

	#endAfterSwitches(): void {
		const { untilSwitches } = this.#options;
		// A unit follows the one that was switched to: that one is whole.
		if (untilSwitches !== undefined && this.#switchesTold >= untilSwitches) this.stop("switches");
		this.#switchesTold = this.#playback.switches;
	}

	/** Switches, as of the unit before. */
	#switchesTold = 0;

	#tellStart(unit: OpenedUnit): void {
		const { viewer, contentType } = this.#stream!;
		this.#parts.view.event({
			event: "start",
			timeMs: this.#timeMs,
			url: shownUrl(this.#options.url),
			...(viewer !== undefined && { viewer }),
			...(contentType !== undefined && { contentType }),
			packaging: this.#format!.packaging.extension,
			...toldStart(unit),
		});
	}

	#tellSwitch(unit: OpenedUnit, from: string | undefined): void {
		const told: SwitchTold = { timeMs: this.#timeMs, ...toldSwitch(unit, from) };
		this.#parts.view.event({ event: "switch", ...told });
		this.#parts.figuresSink?.switched(this.#stream?.session, told, this.figures);
	}

	#tellStats(): void {
		const { figures } = this;
		this.#parts.view.event({ event: "stats", ...figures });
		this.#parts.figuresSink?.figures(this.#stream?.session, figures);
	}

	#tellFault(of: "stream" | "decoder", message: string, count: number): void {
		this.#parts.view.event({ event: "fault", timeMs: this.#timeMs, of, message, count });
	}

	get #timeMs(): number {
		return this.#startedAt === 0 ? 0 : Math.round(this.#parts.clock.now() - this.#startedAt);
	}

	#every(ms: number, act: () => void): void {
		const { clock } = this.#parts;
		const slot = this.#timers.length;
		const arm = (at: number): void => {
			this.#timers[slot] = clock.after(at - clock.now(), () => {
				act();
				// Not behind schedule by what the callbacks took, and not catching up either.
				if (!this.#over) arm(Math.max(at + ms, clock.now()));
			});
		};
		arm(clock.now() + ms);
	}

	/** A disk that takes no more ends it. */
	#guard(act: () => void): void {
		try {
			act();
		} catch (error) {
			if (!(error instanceof PenstockError)) throw error;
			this.#fail(error);
		}
	}

	#fail(error: PenstockError): void {
		this.#failure ??= error;
		this.stop("failed");
	}
}
