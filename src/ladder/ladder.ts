/**
 * A channel's ladder: keeps one FFmpeg running, and makes one programme of all its runs.
 * What goes wrong with a run (exit, silence, broken bytes, a source whose clock jumps) ends that run only; the next one
 * follows with back-off, on the same channel clock. Only two things end a ladder for good: no rendition is left, and a
 * file that is not looped came to its end. What is published may leave and come back: it is waited for without a limit.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { type EpochMs, type Milliseconds, milliseconds, type Ticks90k } from "../base/units.ts";
import type { AudioConfig } from "../media/access-unit.ts";
import { Backoff } from "./backoff.ts";
import { copyUnfit } from "./copy-inspector.ts";
import { feedFormOf } from "./feed-form.ts";
import { ffmpegArguments, type LadderPlan } from "./ffmpeg-arguments.ts";
import type { LadderConfig, Landing, RenditionSpec, RuleSource, SourceSpec } from "./ladder-config.ts";
import { LadderRun, type Run, type RunEnd, type RunEvents } from "./ladder-run.ts";
import type { LadderSink } from "./ladder-sink.ts";
import { canPassThrough, PassThrough } from "./pass-through.ts";
import { factsOfDecode, probeSource, type SourceFacts } from "./probe.ts";
import type { PublishedFeed, PublishedInput } from "./published-input.ts";
import { sourceLabel } from "./source-arguments.ts";
import type { Arrival } from "./start-gate.ts";
import { type RunTimeline, Timeline } from "./timeline.ts";

/**
 * `failing`: the restart budget is used up, and it tries every 30 s. `failed`: no rendition can be made; it tries no
 * more. `ended`: a file that is not looped was played to its end.
 */
export type LadderState = "stopped" | "starting" | "running" | "backing-off" | "failing" | "failed" | "ended";

export interface LadderStatus {
	readonly state: LadderState;
	readonly pid?: number;
	/** How often FFmpeg was started again since `start()`. */
	readonly restarts: number;
	/** With its code. */
	readonly lastError?: string;
	/** Over the last seconds: 1 is real time, less is too slow. Absent for the first seconds of a run. */
	readonly speed?: number;
	/** When the run that is going on was started. */
	readonly startedAt?: EpochMs;
	readonly refused: readonly Name[];
	/** Access units of publishers that FFmpeg was too slow for. */
	readonly dropped: number;
}

/** What makes a channel's renditions. */
export interface RunningLadder {
	readonly status: LadderStatus;
	/** Does nothing while it is going. */
	start(): void;
	/** Resolves when nothing of it is left. It may be started again afterwards. */
	stop(): Promise<void>;
}

export interface LadderParts {
	readonly sink: LadderSink;
	readonly clock: Clock;
	/** As Math.random; for jitter only. */
	readonly random: () => number;
	/** Gets FFmpeg's own lines, secrets taken out. */
	readonly log: (line: string) => void;
	/** For a source that is a rule of the distribution plane. */
	readonly landings?: RuleLandings;
	/** For a source that is published. */
	readonly published?: PublishedInput;
}

/** Brings a rule's packets to this machine; the server fulfils it. */
export interface RuleLandings {
	/**
	 * From now on they come to a port; to another one than before, perhaps.
	 * @param onWait there is no such rule yet: says so, and waits for it
	 * @throws PenstockError SOURCE_UNREACHABLE, SOURCE_UNSUPPORTED; whatever it likes when `signal` is aborted
	 */
	land(source: RuleSource, signal: AbortSignal, onWait: (why: PenstockError) => void): Promise<Landing>;
	/** They need not come any more. Idempotent. */
	leave(): void;
}

export class Ladder implements RunningLadder {
	readonly #config: LadderConfig;
	readonly #parts: LadderParts;
	/** Outlives stop and start, so that viewers of an on-demand channel see one programme too. */
	readonly #timeline: Timeline;
	#backoff: Backoff;
	#state: LadderState = "stopped";
	#restarts = 0;
	#lastError: string | undefined;
	#startedAt: EpochMs | undefined;
	#facts: SourceFacts | undefined;
	readonly #refused = new Set<Name>();
	#run: Run | undefined;
	/** Of what was published last. */
	#feedSerial: number | undefined;
	#dropped = 0;
	#runTimeline: RunTimeline | undefined;
	#runningSince: Milliseconds | undefined;
	#audioConfig: AudioConfig | undefined;
	#retry: Timer | undefined;
	/** One per start(): aborted by stop(), and so the mark of everything that is out of date. */
	#session: AbortController | undefined;
	#attempting: Promise<void> = Promise.resolve();

	/** @throws PenstockError SOURCE_UNSUPPORTED, CONFIG_VALUE for what no start could mend */
	constructor(config: LadderConfig, parts: LadderParts) {
		ffmpegArguments(config, { renditions: config.renditions, withAudio: true });
		this.#config = config;
		this.#parts = parts;
		this.#timeline = new Timeline(config.unitDuration);
		this.#backoff = new Backoff(parts.random);
	}

	get status(): LadderStatus {
		const { pid, speed } = this.#run ?? {};
		return {
			state: this.#state,
			restarts: this.#restarts,
			refused: [...this.#refused],
			dropped: this.#dropped,
			...(pid === undefined ? {} : { pid }),
			...(speed === undefined ? {} : { speed }),
			...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
			...(this.#startedAt === undefined ? {} : { startedAt: this.#startedAt }),
		};
	}

	/** Starts from anew: budget, refusals and what is known of the source. Does nothing while it is going. */
	start(): void {
		if (this.#session !== undefined) return;
		this.#session = new AbortController();
		this.#backoff = new Backoff(this.#parts.random);
		this.#refused.clear();
		this.#facts = undefined;
		this.#lastError = undefined;
		this.#restarts = 0;
		this.#attempt("starting");
	}

	/** Resolves when no process of it is left. It may be started again afterwards. */
	async stop(): Promise<void> {
		this.#session?.abort();
		this.#session = undefined;
		this.#retry?.cancel();
		await Promise.all([this.#run?.stop(), this.#attempting]);
		if (this.#session !== undefined) return;
		this.#parts.landings?.leave();
		this.#state = "stopped";
	}

	#attempt(state: LadderState): void {
		const session = this.#session!;
		this.#state = state;
		this.#startedAt = this.#parts.clock.wall();
		this.#attempting = this.#begin(session.signal).catch((thrown: unknown) => {
			if (session.signal.aborted) return;
			const error =
				thrown instanceof PenstockError
					? thrown
					: new PenstockError("FFMPEG_EXITED", messageOf(thrown), { cause: thrown });
			this.#failed(error);
		});
	}

	async #begin(signal: AbortSignal): Promise<void> {
		const { tools, timeouts } = this.#config;
		if (this.#config.source.kind === "published") return await this.#beginPublished(signal);
		const source = await this.#landed(signal);
		if (signal.aborted) return;
		const limits = { clock: this.#parts.clock, timeout: timeouts.probe, signal };
		this.#facts ??= await probeSource(source, this.#audioOnly ? "audio" : "video", tools, limits);
		if (signal.aborted) return;
		const facts = this.#facts;
		this.#refuseCopiesOf(facts);
		const plan = this.#plan(facts);
		if (plan === undefined) return;
		const config = { ...this.#config, source };
		const run: LadderRun = new LadderRun(
			config,
			plan,
			this.#parts.clock,
			this.#runEvents(signal, () => run),
		);
		this.#run = run;
	}

	/** As soon as somebody publishes. */
	async #beginPublished(signal: AbortSignal): Promise<void> {
		const { clock, published } = this.#parts;
		if (published === undefined) throw new Error("a ladder of what is published needs it from its parts");
		const unwanted = this.#state === "failed" ? this.#feedSerial : undefined;
		const feed = await published.next(unwanted, signal, (why) => {
			this.#lastError = why.message;
		});
		if (signal.aborted) return feed.stop();
		// What one publisher sent that could not be copied, the next may send otherwise.
		if (feed.serial !== this.#feedSerial) this.#refused.clear();
		this.#feedSerial = feed.serial;
		try {
			this.#state = "starting";
			const facts = factsOfDecode(this.#config.source, this.#audioOnly ? "audio" : "video", feed.decode);
			this.#refuseCopiesOf(facts);
			const plan = this.#plan(facts);
			if (plan === undefined) feed.stop();
			else this.#run = this.#runOf(feed, plan, signal, clock);
		} catch (thrown) {
			feed.stop();
			throw thrown;
		}
	}

	#runOf(feed: PublishedFeed, plan: LadderPlan, signal: AbortSignal, clock: Clock): Run | undefined {
		const { decode } = feed;
		if (canPassThrough(this.#config, plan, decode)) {
			const run: PassThrough = new PassThrough(
				this.#config,
				plan,
				feed,
				this.#runEvents(signal, () => run),
			);
			this.#run = run;
			run.begin();
			// It may have ended in the meantime.
			return this.#run;
		}
		const config: LadderConfig = { ...this.#config, source: { kind: "published", form: feedFormOf(decode) } };
		const run: LadderRun = new LadderRun(
			config,
			plan,
			clock,
			this.#runEvents(signal, () => run),
			feed,
		);
		return run;
	}

	/** What is left to be made; undefined where that is nothing. */
	#plan(facts: SourceFacts): LadderPlan | undefined {
		const renditions = this.#renditions();
		if (renditions.length === 0 && !this.#audioOnly) return undefined;
		this.#runTimeline = undefined;
		this.#runningSince = undefined;
		return { renditions, withAudio: this.#config.audio !== undefined && facts.audio !== undefined };
	}

	#runEvents(signal: AbortSignal, run: () => Run): RunEvents {
		return {
			started: (start) => this.#started(start),
			arrival: (arrival) => this.#arrival(arrival),
			dropped: (count) => {
				this.#dropped += count;
			},
			log: this.#parts.log,
			ended: (end) => this.#ended(run(), signal, end),
		};
	}

	/** The source, and where its packets come to if they are brought. */
	async #landed(signal: AbortSignal): Promise<SourceSpec> {
		const { source } = this.#config;
		const { landings } = this.#parts;
		if (source.kind !== "rule" || landings === undefined) return source;
		const onWait = (why: PenstockError): void => {
			this.#lastError = why.message;
		};
		return { ...source, landing: await landings.land(source, signal, onWait) };
	}

	/** There is nothing to be scaled, encoded as pictures or refused. */
	get #audioOnly(): boolean {
		return this.#config.renditions.length === 0;
	}

	#renditions(): readonly RenditionSpec[] {
		return this.#config.renditions.filter(({ name }) => !this.#refused.has(name));
	}

	/** What ffprobe can tell already needs no start of FFmpeg. */
	#refuseCopiesOf({ video }: SourceFacts): void {
		const { codec = "h264" } = this.#config;
		for (const { name, kind } of this.#renditions()) {
			if (kind !== "copy" || video === undefined) continue;
			if (video.codec !== codec) {
				const carried = ["h264", "hevc", "av1"].includes(video.codec);
				const remedy = carried ? `set the channel's codec to ${video.codec}, send ${codec}` : `send ${codec}`;
				this.#refuse(name, copyUnfit(name, `is ${video.codec} while the channel's codec is ${codec}`, remedy));
			} else if (video.hasBFrames) {
				this.#refuse(name, copyUnfit(name, "reorders pictures (B-frames)", "switch B-frames off at the source"));
			}
		}
	}

	#refuse(rendition: Name, error: PenstockError): void {
		this.#refused.add(rendition);
		this.#lastError = error.message;
		this.#parts.sink.renditionRefused(rendition, error);
		if (this.#renditions().length > 0) return;
		this.#parts.landings?.leave();
		this.#state = "failed";
		this.#parts.sink.interrupted(error);
		// Nothing can be made of this publisher; the next one may do better.
		if (this.#config.source.kind === "published" && this.#session !== undefined) this.#attempt("failed");
	}

	#started(start: Ticks90k): void {
		const now = this.#parts.clock.now();
		this.#runTimeline = this.#timeline.beginRun(start, now);
		this.#runningSince = now;
		this.#audioConfig = undefined;
		this.#state = "running";
	}

	#arrival(arrival: Arrival): void {
		const { sink, clock } = this.#parts;
		const timeline = this.#runTimeline!;
		switch (arrival.kind) {
			case "video-config":
				sink.videoConfig(arrival.rendition, arrival.config);
				break;
			case "audio-config":
				this.#audioConfig = arrival.config;
				sink.audioConfig(arrival.config);
				break;
			case "video": {
				const { rendition, accessUnit } = arrival;
				sink.videoUnit(rendition, timeline.placeVideo(`rendition ${rendition}`, accessUnit, clock.now()));
				break;
			}
			case "audio": {
				sink.audioUnit(timeline.placeAudio("audio", arrival.accessUnit, this.#audioConfig!, clock.now()));
				break;
			}
		}
	}

	#ended(run: Run, signal: AbortSignal, end: RunEnd): void {
		if (this.#run === run) this.#run = undefined;
		if (signal.aborted) return;
		switch (end.kind) {
			case "stopped":
				return;
			case "copy-unfit":
				this.#refuse(end.rendition, end.error);
				if (this.#renditions().length > 0) this.#again("starting");
				return;
			case "source-ended":
				this.#sourceEnded();
				return;
			case "publisher-ended":
				this.#lastError = end.error.message;
				this.#attempt("starting");
				this.#parts.sink.interrupted(end.error);
				return;
			case "failed":
				this.#failed(end.error);
				return;
		}
	}

	#sourceEnded(): void {
		const { source, channel } = this.#config;
		const isFile = source.kind === "file" && this.#runningSince !== undefined;
		const remedy = isFile ? "set loop to play it again" : "it is opened again";
		const error = new PenstockError(
			"FFMPEG_EXITED",
			`channel ${channel}: the source ${sourceLabel(source)} came to its end; ${remedy}.`,
		);
		if (!isFile) {
			this.#failed(error);
			return;
		}
		this.#lastError = error.message;
		this.#state = "ended";
		this.#parts.sink.interrupted(error);
	}

	#failed(error: PenstockError): void {
		const { clock, sink } = this.#parts;
		const now = clock.now();
		// A run that never came to output may have met another source than the one that was probed.
		if (this.#runningSince === undefined) this.#facts = undefined;
		const healthyFor = milliseconds(this.#runningSince === undefined ? 0 : now - this.#runningSince);
		this.#runningSince = undefined;
		this.#lastError = error.message;
		const { delay, failing } = this.#backoff.failed(now, healthyFor);
		this.#state = failing ? "failing" : "backing-off";
		this.#retry = clock.after(delay, () => this.#again(failing ? "failing" : "starting"));
		sink.interrupted(error);
	}

	#again(state: LadderState): void {
		this.#restarts++;
		this.#attempt(state);
	}
}
