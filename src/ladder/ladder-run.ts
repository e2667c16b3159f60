/**
 * One run of FFmpeg, from spawn to the last of its pipes: reads the pipes, holds the start until it is whole, watches
 * for silence, and says once how it ended. All pipes are read to their end whatever happens, for an FFmpeg that blocks
 * on one of them gives nothing on the others.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { type Milliseconds, milliseconds, type Ticks90k } from "../base/units.ts";
import { CopyInspector } from "./copy-inspector.ts";
import { endWithProcess } from "./end-with-process.ts";
import { FeedPipe } from "./feed-pipe.ts";
import { FIRST_PIPE, ffmpegArguments, type LadderPlan } from "./ffmpeg-arguments.ts";
import type { LadderConfig } from "./ladder-config.ts";
import { LineSplitter } from "./line-splitter.ts";
import { Pace } from "./pace.ts";
import { type PipedCodec, type PipeSink, pipeReader, soundPipe } from "./pipe-form.ts";
import type { PublishedFeed } from "./published-input.ts";
import { withoutSecrets } from "./source-arguments.ts";
import { type Arrival, StartGate } from "./start-gate.ts";
import { PipeTimes } from "./timeline.ts";
import { lastWords, missing, toolEnvironment } from "./tool-output.ts";

export type RunEnd =
	| { readonly kind: "stopped" }
	/** FFmpeg came to the end of its input and left with code 0. */
	| { readonly kind: "source-ended" }
	/** The publisher has left, or sends something else. */
	| { readonly kind: "publisher-ended"; readonly error: PenstockError }
	| { readonly kind: "copy-unfit"; readonly rendition: Name; readonly error: PenstockError }
	| { readonly kind: "failed"; readonly error: PenstockError };

/** A way from a source to access units, from its start to its end. */
export interface Run {
	/** Of FFmpeg's process. */
	readonly pid: number | undefined;
	/** 1 is real time; undefined until it can be told. */
	readonly speed: number | undefined;
	/** Resolves when nothing of it is left. */
	stop(): Promise<void>;
}

export interface RunEvents {
	/** The gate is open: what follows begins at this time of FFmpeg's clock. */
	started(start: Ticks90k): void;
	/** In order, from the start gate; FFmpeg's times. */
	arrival(arrival: Arrival): void;
	/** Access units of a publisher that FFmpeg was too slow for. */
	dropped(count: number): void;
	/** A line of FFmpeg's own. */
	log(line: string): void;
	/** Exactly once, when the process is gone and all pipes are read. */
	ended(end: RunEnd): void;
}

type PipeHandlers = Omit<PipeSink, "fault">;

const KEPT_LINES = 30;
const LONGEST_CHECK_MS = 250;
/** In place of a rendition's name, where there is audio alone; no rendition is called so. */
const AUDIO = "(audio)";
/** A check that is this late was held up by our own process; it says nothing about FFmpeg. */
const OWN_DELAY_MS = 1_000;
/** A publisher that is silent for so long is at fault, if FFmpeg is silent too. */
const STARVED_AFTER_MS = 500;
/** What FFmpeg's MPEG-TS muxer says of every Opus stream, and means nothing. */
const NO_NEWS = /\] frame size not set$/;

export class LadderRun implements Run {
	readonly #config: LadderConfig;
	readonly #plan: LadderPlan;
	readonly #clock: Clock;
	readonly #events: RunEvents;
	readonly #child: ChildProcess;
	readonly #gate: StartGate;
	readonly #times = new PipeTimes();
	readonly #inspectors = new Map<Name, CopyInspector>();
	/** By rendition; of AUDIO, where there is nothing else. */
	readonly #lastOutput = new Map<string, Milliseconds>();
	readonly #startedAt: Milliseconds;
	#firstOutputAt: Milliseconds | undefined;
	/** The gate has opened. */
	#passing = false;
	readonly #words: string[] = [];
	#check: Timer | undefined;
	#kill: Timer | undefined;
	/** Set when it has been decided why this run ends; from then on nothing is passed on. */
	#end: RunEnd | undefined;
	#closed = false;
	readonly #whenClosed = Promise.withResolvers<void>();
	readonly #pace = new Pace();
	readonly #feed: PublishedFeed | undefined;
	#feedPipe: FeedPipe | undefined;
	/** Set when the publisher has ended: then FFmpeg will. */
	#feedEnd: PenstockError | undefined;

	/**
	 * Starts FFmpeg.
	 * @param feed for a source that is published
	 */
	constructor(config: LadderConfig, plan: LadderPlan, clock: Clock, events: RunEvents, feed?: PublishedFeed) {
		this.#feed = feed;
		this.#config = config;
		this.#plan = plan;
		this.#clock = clock;
		this.#events = events;
		const names = plan.renditions.map((rendition) => rendition.name);
		this.#gate = new StartGate(names, plan.withAudio);
		for (const { name, kind } of plan.renditions) {
			if (kind === "copy") this.#inspectors.set(name, new CopyInspector(name, config.unitDuration));
		}
		this.#startedAt = clock.now();
		const pipes = names.length + (plan.withAudio ? 1 : 0) + 1;
		this.#child = spawn(config.tools.ffmpeg, ffmpegArguments(config, plan), {
			stdio: [feed === undefined ? "ignore" : "pipe", "ignore", "pipe", ...new Array<"pipe">(pipes).fill("pipe")],
			env: toolEnvironment(),
			// A group of its own: Ctrl-C at a terminal is for the server, which lets its viewers end first.
			detached: true,
		});
		endWithProcess(this.#child);
		this.#listen(names);
		if (feed !== undefined) this.#feedFrom(feed);
		this.#armCheck();
	}

	get pid(): number | undefined {
		return this.#child.pid;
	}

	get speed(): number | undefined {
		return this.#pace.speed;
	}

	/** SIGTERM, and SIGKILL if that does not help; resolves when the process is gone. */
	stop(): Promise<void> {
		this.#end ??= { kind: "stopped" };
		this.#feedPipe?.stop();
		this.#child.kill("SIGTERM");
		this.#kill ??= this.#clock.after(this.#config.timeouts.stop, () => this.#child.kill("SIGKILL"));
		return this.#whenClosed.promise;
	}

	#listen(names: readonly Name[]): void {
		const child = this.#child;
		child.on("error", (error) => {
			// Without a pid it never ran, and "close" may not come; otherwise a signal could not be sent.
			if (child.pid !== undefined) return;
			this.#decide({ kind: "failed", error: missing(this.#config.tools.ffmpeg, error) });
			this.#close();
		});
		child.on("close", (code, signal) => {
			this.#decide(this.#endOf(code, signal));
			this.#close();
		});
		const { codec = "h264", audio } = this.#config;
		names.forEach((name, i) => {
			this.#readMedia(FIRST_PIPE + i, codec, this.#videoSink(name));
		});
		const afterVideo = FIRST_PIPE + names.length;
		if (this.#plan.withAudio) this.#readMedia(afterVideo, soundPipe(audio ?? {}), this.#audioSink());
		this.#readLines(child.stderr, (line) => this.#stderrLine(line));
		this.#readLines(this.#pipe(afterVideo + (this.#plan.withAudio ? 1 : 0)), (line) => {
			const madeUs = /^out_time_us=(\d+)$/.exec(line)?.[1];
			if (madeUs !== undefined) this.#pace.note(this.#clock.now(), milliseconds(Number(madeUs) / 1000));
		});
	}

	#feedFrom(feed: PublishedFeed): void {
		const { stdin } = this.#child;
		// Null where FFmpeg could not be started, which "error" will say.
		if (stdin === null) {
			feed.stop();
			return;
		}
		this.#feedPipe = new FeedPipe(feed, stdin, {
			dropped: (count) => this.#events.dropped(count),
			ended: (because) => (this.#feedEnd = because),
			failed: (error) => this.#fail(error),
		});
	}

	/** The publisher sends nothing, so that FFmpeg cannot give anything. */
	#isStarved(now: Milliseconds): boolean {
		return this.#feed !== undefined && this.#feedEnd === undefined && now - this.#feed.lastAt > STARVED_AFTER_MS;
	}

	#pipe(fd: number): Readable | null {
		return (this.#child.stdio[fd] ?? null) as Readable | null;
	}

	/** What is broken in a pipe of FFmpeg's is no matter of the line: the run ends. */
	#readMedia(fd: number, codec: PipedCodec, { accessUnit, configuration }: PipeHandlers): void {
		let isOver = false;
		const reader = pipeReader(codec, {
			accessUnit: (...args) => this.#end === undefined && accessUnit(...args),
			configuration: (changed) => this.#end === undefined && configuration(changed),
			// How a pipe ends that ends amid a frame, the exit code says.
			fault: (error) => isOver || this.#fail(error),
		});
		const pipe = this.#pipe(fd);
		pipe?.on("data", (chunk: Uint8Array) => {
			if (this.#end !== undefined) return;
			this.#guard(() => reader.push(chunk));
		});
		pipe?.on("end", () => {
			isOver = true;
			if (this.#end === undefined) this.#guard(() => reader.end());
		});
		// A pipe that breaks ends like one that closes; why, the exit code says.
		pipe?.on("error", () => {});
	}

	#readLines(pipe: Readable | null, onLine: (line: string) => void): void {
		const lines = new LineSplitter(onLine);
		pipe?.setEncoding("utf8").on("data", (text: string) => lines.push(text));
		pipe?.on("error", () => {});
	}

	#videoSink(rendition: Name): PipeHandlers {
		return {
			configuration: ({ video }) => video && this.#offer({ kind: "video-config", rendition, config: video }),
			accessUnit: (coded, startsGop) => {
				if (coded.track !== "video") return;
				const now = this.#clock.now();
				this.#noteOutput(now);
				this.#lastOutput.set(rendition, now);
				const accessUnit = this.#times.place(`video ${rendition}`, coded);
				const unfit = this.#inspectors.get(rendition)?.inspect(accessUnit, startsGop);
				if (unfit === undefined) this.#offer({ kind: "video", rendition, accessUnit });
				else this.#killFor({ kind: "copy-unfit", rendition, error: unfit });
			},
		};
	}

	#audioSink(): PipeHandlers {
		return {
			configuration: ({ audio }) => audio && this.#offer({ kind: "audio-config", config: audio }),
			accessUnit: (coded) => {
				if (coded.track !== "audio") return;
				const now = this.#clock.now();
				this.#noteOutput(now);
				if (this.#lastOutput.has(AUDIO)) this.#lastOutput.set(AUDIO, now);
				this.#offer({ kind: "audio", accessUnit: this.#times.place("audio", coded) });
			},
		};
	}

	/** Silence counts from the first output on, for every rendition. */
	#noteOutput(now: Milliseconds): void {
		if (this.#firstOutputAt !== undefined) return;
		this.#firstOutputAt = now;
		for (const { name } of this.#plan.renditions) this.#lastOutput.set(name, now);
		if (this.#plan.renditions.length === 0) this.#lastOutput.set(AUDIO, now);
	}

	#offer(arrival: Arrival): void {
		this.#pass(this.#gate.offer(arrival));
		if (this.#gate.full) this.#forceGate();
	}

	#pass(arrivals: readonly Arrival[]): void {
		if (arrivals.length > 0 && !this.#passing) {
			this.#passing = true;
			this.#events.started(this.#gate.start!);
		}
		this.#guard(() => {
			for (const arrival of arrivals) this.#events.arrival(arrival);
		});
	}

	/** Broken bytes, or an arrival that cannot be taken (its time stamps jump), end this run and no more. */
	#guard(act: () => void): void {
		try {
			act();
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			this.#fail(thrown);
		}
	}

	#forceGate(): void {
		this.#pass(this.#gate.openWithoutAudio());
		const { lacking } = this.#gate;
		if (this.#passing || lacking.length === 0) return;
		const names = this.#plan.renditions;
		this.#fail(
			new PenstockError(
				"FFMPEG_HUNG",
				`channel ${this.#config.channel}: FFmpeg gives output, but ${this.#config.timeouts.gate} ms after the first there is no ${names.length === 0 ? "frame" : "key picture"} of ${lacking.join(", ")}: ${lastWords(this.#words)}; it is started again.`,
			),
		);
	}

	#armCheck(): void {
		const { hang, start, gate } = this.#config.timeouts;
		const every = Math.min(LONGEST_CHECK_MS, hang / 4, start / 4, gate / 4);
		const due = this.#clock.now() + every;
		this.#check = this.#clock.after(every, () => {
			const now = this.#clock.now();
			const isExcused = now - due > OWN_DELAY_MS || this.#isStarved(now);
			if (isExcused) for (const name of this.#lastOutput.keys()) this.#lastOutput.set(name, now);
			else this.#checkSilence(now);
			if (this.#end === undefined) this.#armCheck();
		});
	}

	#checkSilence(now: Milliseconds): void {
		const { hang, start, gate } = this.#config.timeouts;
		const silent = (what: string, ms: number): void =>
			this.#fail(
				new PenstockError(
					"FFMPEG_HUNG",
					`channel ${this.#config.channel}: FFmpeg (pid ${this.pid}) gave ${what} for ${Math.round(ms)} ms, it hangs or its source is silent: ${lastWords(this.#words)}; it is killed and started again.`,
				),
			);
		if (this.#firstOutputAt === undefined) {
			if (now - this.#startedAt > start) silent("no output", now - this.#startedAt);
			return;
		}
		for (const [name, at] of this.#lastOutput) {
			if (now - at > hang) silent(name === AUDIO ? "no audio" : `no picture of rendition ${name}`, now - at);
		}
		if (this.#end === undefined && !this.#passing && now - this.#firstOutputAt > gate) this.#forceGate();
	}

	#stderrLine(line: string): void {
		if (NO_NEWS.test(line)) return;
		const shown = withoutSecrets(line);
		this.#words.push(shown);
		if (this.#words.length > KEPT_LINES) this.#words.shift();
		// What it says of being ended by us is no news.
		if (this.#end === undefined) this.#events.log(shown);
	}

	#fail(error: PenstockError): void {
		this.#killFor({ kind: "failed", error });
	}

	#killFor(end: RunEnd): void {
		this.#decide(end);
		this.#child.kill("SIGKILL");
	}

	#decide(end: RunEnd): void {
		this.#end ??= end;
		this.#feedPipe?.stop();
		this.#check?.cancel();
	}

	#endOf(code: number | null, signal: string | null): RunEnd {
		if (this.#feedEnd !== undefined) return { kind: "publisher-ended", error: this.#feedEnd };
		if (code === 0) return { kind: "source-ended" };
		const how = code === null ? `was ended by ${signal}` : `left with code ${code}`;
		const error = new PenstockError(
			"FFMPEG_EXITED",
			`channel ${this.#config.channel}: FFmpeg (pid ${this.pid}) ${how}: ${lastWords(this.#words)}; it is started again.`,
		);
		return { kind: "failed", error };
	}

	#close(): void {
		if (this.#closed) return;
		this.#closed = true;
		this.#check?.cancel();
		this.#kill?.cancel();
		this.#feedPipe?.stop();
		this.#whenClosed.resolve();
		this.#events.ended(this.#end!);
	}
}
