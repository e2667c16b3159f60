/**
 * A ladder whose renditions come ready-made, each from an input of its own: no encoder of ours runs. Inputs come and go
 * by themselves; what they bring goes through the aligner to the channel's clock. Sound is that of one input: the one
 * named, else the first that joins and has any.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import { type EpochMs, type Milliseconds, type Ticks90k, ticks90k, ticksToMs } from "../../base/units.ts";
import type { AccessUnit, AudioConfig, DecodeInformation } from "../../media/access-unit.ts";
import type { LadderState, LadderStatus, RunningLadder } from "../ladder.ts";
import type { LadderConfig } from "../ladder-config.ts";
import type { LadderSink } from "../ladder-sink.ts";
import type { PublishedFeed, PublishedInput } from "../published-input.ts";
import { type RunTimeline, Timeline } from "../timeline.ts";
import type { InputPhase } from "./aligned-input.ts";
import { Aligner } from "./aligner.ts";
import { codecUnfit } from "./unfit.ts";

/** Where a ready-made rendition comes from; the server fulfils it. */
export interface ReadyInput {
	readonly feeds: PublishedInput;
	/** From now on it is wanted. Absent where it comes by itself. */
	readonly start?: () => void;
	readonly stop?: () => Promise<void>;
	/** Why there is nothing just now. */
	readonly trouble?: () => PenstockError | undefined;
}

export interface ReadyInputState {
	readonly phase: InputPhase;
	/** Nobody waits for it. */
	readonly isLate: boolean;
	/** What its time stamps are moved by, to those of the input that came first; undefined before it has joined. */
	readonly offset: Milliseconds | undefined;
}

export interface ReadyParts {
	readonly sink: LadderSink;
	readonly clock: Clock;
	/** In the order of the renditions. */
	readonly inputs: readonly ReadyInput[];
}

/** Whose sound it is. */
interface Sound {
	readonly input: number;
	readonly config: AudioConfig;
	/** Units up to this time do not know of it: it begins behind. */
	readonly behind: number;
	hasBegun: boolean;
}

/** How often it is looked whether an input is silent. */
const CHECK_MS = 250;

export class ReadyLadder implements RunningLadder {
	readonly #config: LadderConfig;
	readonly #parts: ReadyParts;
	readonly #timeline: Timeline;
	readonly #aligner: Aligner;
	readonly #feeds: (PublishedFeed | undefined)[];
	readonly #away: (string | undefined)[];
	readonly #refused = new Set<number>();
	#run: RunTimeline | undefined;
	#state: LadderState = "stopped";
	#lastError: string | undefined;
	#startedAt: EpochMs | undefined;
	/** The newest line, in the aligner's time. */
	#line = Number.NEGATIVE_INFINITY;
	#sound: Sound | undefined;
	/** One per start(): aborted by stop(). */
	#session: AbortController | undefined;
	#following: Promise<unknown> = Promise.resolve();
	#timer: { readonly timer: Timer; readonly at: number } | undefined;

	constructor(config: LadderConfig, parts: ReadyParts) {
		this.#config = config;
		this.#parts = parts;
		this.#timeline = new Timeline(config.unitDuration);
		this.#feeds = config.renditions.map(() => undefined);
		this.#away = config.renditions.map(() => undefined);
		this.#aligner = new Aligner({
			...{ channel: config.channel, unit: config.unitDuration },
			names: config.renditions.map(({ name }) => name),
			sink: {
				started: (start) => this.#started(start),
				joined: (input) => this.#joined(input),
				accessUnit: (input, accessUnit) => this.#accessUnit(input, accessUnit),
				left: (input, because) => this.#left(input, because),
				stopped: (because) => this.#stopped(because),
			},
		});
	}

	get status(): LadderStatus {
		const troubles = this.#parts.inputs.flatMap(({ trouble }) => trouble?.()?.message ?? []);
		const away = this.#state === "starting" ? this.#away.find((one) => one !== undefined) : undefined;
		const why = troubles[0] ?? this.#lastError ?? away;
		return {
			...{ state: this.#state, restarts: 0, dropped: 0 },
			refused: [...this.#refused].map((input) => this.#nameOf(input)),
			...(why !== undefined && { lastError: why }),
			...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
		};
	}

	/** @param input its place among the renditions */
	stateOf(input: number): ReadyInputState {
		const { phase, isLate, offset } = this.#aligner.stateOf(input);
		return { phase, isLate, offset: phase === "joined" ? ticksToMs(ticks90k(offset!)) : undefined };
	}

	start(): void {
		if (this.#session !== undefined) return;
		const session = new AbortController();
		this.#session = session;
		this.#state = "starting";
		this.#lastError = undefined;
		this.#refused.clear();
		for (const { start } of this.#parts.inputs) start?.();
		this.#following = Promise.all(
			this.#parts.inputs.map(({ feeds }, input) => this.#follow(input, feeds, session.signal)),
		);
		this.#arm();
	}

	async stop(): Promise<void> {
		this.#session?.abort();
		this.#session = undefined;
		this.#timer?.timer.cancel();
		this.#timer = undefined;
		for (const feed of this.#feeds) feed?.stop();
		this.#feeds.fill(undefined);
		this.#aligner.reset();
		this.#run = this.#sound = this.#startedAt = undefined;
		await Promise.all([this.#following, ...this.#parts.inputs.map(({ stop }) => stop?.())]);
		if (this.#session === undefined) this.#state = "stopped";
	}

	/** Takes one feed of an input after the other. */
	async #follow(input: number, feeds: PublishedInput, signal: AbortSignal): Promise<void> {
		const onWait = ({ message }: PenstockError): void => {
			this.#away[input] = message;
		};
		while (!signal.aborted) {
			const feed = await feeds.next(undefined, signal, onWait).catch((thrown: unknown) => {
				if (signal.aborted) return undefined;
				throw thrown;
			});
			if (feed === undefined) return;
			this.#away[input] = undefined;
			if (signal.aborted) feed.stop();
			else await this.#take(input, feed, signal);
		}
	}

	/** Resolves when the feed has ended. */
	#take(input: number, feed: PublishedFeed, signal: AbortSignal): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		const { clock } = this.#parts;
		signal.addEventListener("abort", () => resolve(), { once: true });
		this.#feeds[input] = feed;
		this.#aligner.begin(input);
		const unfit = this.#codecUnfit(input, feed.decode);
		if (unfit !== undefined) this.#aligner.refuse(input, unfit, clock.now());
		feed.start({
			accessUnit: (accessUnit) => {
				if (accessUnit.track === "audio" && !this.#mayHaveSound(input)) return;
				this.#aligner.push(input, accessUnit, clock.now());
				this.#arm();
			},
			end: (because) => {
				this.#feeds[input] = undefined;
				if (!signal.aborted) this.#aligner.end(input, because, clock.now());
				resolve();
			},
		});
		return promise;
	}

	#codecUnfit(input: number, { video }: DecodeInformation): PenstockError | undefined {
		return video && codecUnfit(this.#config, this.#nameOf(input), video.codec);
	}

	/** Not of those whose sound is never wanted; the others' goes the same way as their pictures. */
	#mayHaveSound(input: number): boolean {
		return this.#sound === undefined ? this.#isSoundWanted(input) : this.#sound.input === input;
	}

	#isSoundWanted(input: number): boolean {
		const { audio } = this.#config;
		return audio !== undefined && (audio.from === undefined || audio.from === this.#nameOf(input));
	}

	#started(start: Ticks90k): void {
		const { clock } = this.#parts;
		this.#run = this.#timeline.beginRun(start, clock.now());
		this.#startedAt = clock.wall();
		this.#line = Number.NEGATIVE_INFINITY;
		this.#state = "running";
		this.#lastError = undefined;
	}

	#joined(input: number): void {
		const { sink } = this.#parts;
		const name = this.#nameOf(input);
		const { video, audio } = this.#feeds[input]!.decode;
		this.#refused.delete(input);
		this.#run!.forget(trackOf(name));
		sink.videoConfig(name, video!);
		if (this.#sound?.input === input) this.#sound = undefined;
		if (this.#sound === undefined && audio !== undefined && this.#isSoundWanted(input)) this.#choose(input, audio);
	}

	/** From now on it is the sound of this input. */
	#choose(input: number, config: AudioConfig): void {
		this.#sound = { input, config, behind: this.#line, hasBegun: false };
		this.#aligner.prefer(input);
		this.#run!.forget("audio");
		this.#parts.sink.audioConfig(config);
	}

	#accessUnit(input: number, accessUnit: AccessUnit): void {
		const { sink, clock } = this.#parts;
		const run = this.#run!;
		if (accessUnit.track === "video") {
			const name = this.#nameOf(input);
			if (accessUnit.key) {
				if (this.#sound?.input === input && accessUnit.dts > this.#sound.behind) this.#sound.hasBegun = true;
				this.#line = Math.max(this.#line, accessUnit.dts);
			}
			sink.videoUnit(name, run.placeVideo(trackOf(name), accessUnit, clock.now()));
		} else if (this.#sound?.input === input && this.#sound.hasBegun) {
			sink.audioUnit(run.placeAudio("audio", accessUnit, this.#sound.config, clock.now()));
		}
	}

	#left(input: number, because: PenstockError): void {
		this.#refused.add(input);
		this.#lastError = because.message;
		this.#silence(input);
		this.#parts.sink.renditionRefused(this.#nameOf(input), because);
	}

	#stopped(because: PenstockError): void {
		this.#run = undefined;
		this.#silence(this.#sound?.input);
		this.#state = "starting";
		this.#lastError = because.message;
		this.#parts.sink.interrupted(because);
	}

	/** Where the sound's input has left, that of another follows. */
	#silence(input: number | undefined): void {
		if (this.#sound === undefined || this.#sound.input !== input) return;
		this.#sound = undefined;
		const next = this.#feeds.findIndex(
			(feed, other) => feed?.decode.audio && this.#isSoundWanted(other) && this.#isJoined(other),
		);
		if (next >= 0) this.#choose(next, this.#feeds[next]!.decode.audio!);
	}

	#isJoined(input: number): boolean {
		return this.#aligner.stateOf(input).phase === "joined";
	}

	/** An input that is there but says nothing for too long. */
	#checkSilence(now: Milliseconds): void {
		const { timeouts, channel } = this.#config;
		this.#feeds.forEach((feed, input) => {
			if (feed === undefined || !this.#isJoined(input)) return;
			const silent = Math.round(now - feed.lastAt);
			if (silent <= timeouts.hang) return;
			const what = `channel ${channel}, rendition "${this.#nameOf(input)}": nothing came for ${silent} ms; it joins again when it goes on.`;
			this.#aligner.end(input, new PenstockError("SOURCE_UNREACHABLE", what), now);
			this.#aligner.begin(input);
		});
	}

	#arm(): void {
		if (this.#session === undefined) return;
		const { clock } = this.#parts;
		const now = clock.now();
		const at = Math.min(now + CHECK_MS, this.#aligner.nextAt ?? Number.POSITIVE_INFINITY);
		if (this.#timer !== undefined && this.#timer.at <= at) return;
		this.#timer?.timer.cancel();
		const timer = clock.after(Math.max(0, at - now), () => {
			this.#timer = undefined;
			this.#aligner.tick(clock.now());
			this.#checkSilence(clock.now());
			this.#arm();
		});
		this.#timer = { timer, at };
	}

	#nameOf(input: number): LadderConfig["renditions"][number]["name"] {
		return this.#config.renditions[input]!.name;
	}
}

const trackOf = (name: string): string => `rendition ${name}`;
