/**
 * One configured channel at work: its ladder feeds its ring, its viewers claim it. Fulfils what `ladder/` wants of its
 * output and what `delivery/` wants of a programme; neither knows of the other.
 *
 * On demand, the ladder runs from the first claim until some time after the last; else it always runs.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type Name, parseName } from "../base/name.ts";
import { type BitsPerSecond, bitsPerSecond, type Milliseconds } from "../base/units.ts";
import type { AlignmentFault } from "../channel/alignment.ts";
import { Channel } from "../channel/channel.ts";
import { LaneSet } from "../delivery/lane-set.ts";
import type { Programme } from "../delivery/programme.ts";
import type { ReceivedMedium } from "../ingest/rtp/rtp-receiver.ts";
import { Ladder, type LadderStatus, type RuleLandings, type RunningLadder } from "../ladder/ladder.ts";
import type { LadderConfig } from "../ladder/ladder-config.ts";
import type { LadderSink } from "../ladder/ladder-sink.ts";
import type { PublishedInput } from "../ladder/published-input.ts";
import { type ReadyInputState, ReadyLadder } from "../ladder/ready/ready-ladder.ts";
import type { Log } from "./log.ts";
import type { LogLimiter } from "./log-limiter.ts";
import type { ServedInput } from "./ready-inputs.ts";
import type { Wanted } from "./wanted.ts";

export interface ChannelHostOptions {
	readonly app: Name;
	readonly stream: Name;
	readonly ladder: LadderConfig;
	/** Undefined where no packets are distributed. */
	readonly landings: RuleLandings | undefined;
	/** Undefined where the channel's source is neither what is published nor comes ready-made. */
	readonly published: PublishedPart | undefined;
	readonly ring: Milliseconds;
	/** Undefined: the ladder always runs. */
	readonly onDemand: { readonly idle: Milliseconds } | undefined;
	/** For faults that may come with every access unit. */
	readonly limiter: LogLimiter;
	/** How long a viewer waits for the first unit. */
	readonly startTimeout: Milliseconds;
	readonly clock: Clock;
	readonly log: Log;
}

export interface PublishedPart {
	/** Several are those of renditions that come ready-made, in their order. */
	readonly input: PublishedInput | readonly ServedInput[];
	/** For a publisher to come back, before those who watch are let go; undefined where there is none. */
	readonly returnWithin: Milliseconds | undefined;
	/** Kept by the channel: whether its ladder takes anything. */
	readonly wanted: Wanted;
}

export interface InputState extends ReadyInputState {
	readonly received: readonly ReceivedMedium[];
}

/** What the one rendition is called where there is audio alone. */
const AUDIO_RENDITION = parseName("audio", "the rendition's name");

interface Waiting {
	readonly resolve: () => void;
	readonly reject: (error: PenstockError) => void;
	readonly timer: Timer;
}

export class ChannelHost implements Programme {
	readonly app: Name;
	readonly stream: Name;
	readonly channel: Channel;
	readonly lanes: LaneSet;
	/** Renditions that the source's form does not allow, with the reason. */
	readonly refused = new Map<Name, PenstockError>();
	readonly #options: ChannelHostOptions;
	readonly #ladder: RunningLadder;
	readonly #waiting = new Set<Waiting>();
	/** Runs while a publisher is away. */
	#awayTimer: Timer | undefined;
	#claims = 0;
	#idleTimer: Timer | undefined;
	/** Told when the last claim has been given back; there while the channel is being wound up. */
	#onUnclaimed: (() => void) | undefined;
	/** Units made in an earlier run of an on-demand ladder are no picture to start from. */
	#live = false;

	constructor(options: ChannelHostOptions) {
		this.#options = options;
		this.app = options.app;
		this.stream = options.stream;
		const { ladder, landings, published, ring, clock, log, limiter } = options;
		this.channel = new Channel({
			...(ladder.renditions.length === 0
				? { lead: "audio", renditions: [AUDIO_RENDITION] }
				: { renditions: ladder.renditions.map(({ name }) => name) }),
			unitMs: ladder.unitDuration,
			ringMs: ring,
			clock,
			onFault: (fault) => log.warn({ fault }, faultText(fault)),
		});
		this.lanes = new LaneSet(this.channel, ({ code, message }) =>
			limiter.note(`${code} ${this.stream}`, { channel: `${this.app}/${this.stream}`, code }, message),
		);
		const parts = { sink: this.#sink(), clock };
		const input = published?.input;
		this.#ladder = isReady(input)
			? new ReadyLadder(ladder, { ...parts, inputs: input })
			: new Ladder(ladder, {
					...parts,
					random: Math.random,
					log: (line) => log.warn({ component: "ffmpeg" }, line),
					...(landings && { landings }),
					...(input && { published: input }),
				});
	}

	get ladderStatus(): LadderStatus {
		return this.#ladder.status;
	}

	/**
	 * Whether the encoder keeps up: 1 is real time. Undefined where it cannot be told, as with a source that comes at a
	 * pace of its own: that one's hiccups say nothing of this machine.
	 */
	get encoderSpeed(): number | undefined {
		const { state, speed } = this.#ladder.status;
		const { kind } = this.#options.ladder.source;
		const isPaced = kind === "file" || kind === "test-pattern";
		return isPaced && state === "running" ? speed : undefined;
	}

	/** Of a rendition that comes ready-made. */
	inputState(rendition: Name): InputState | undefined {
		const ladder = this.#ladder;
		if (!(ladder instanceof ReadyLadder)) return undefined;
		const { ladder: config, published } = this.#options;
		const index = config.renditions.findIndex(({ name }) => name === rendition);
		const input = isReady(published?.input) ? published.input[index] : undefined;
		return { ...ladder.stateOf(index), received: input?.received?.() ?? [] };
	}

	get onDemand(): boolean {
		return this.#options.onDemand !== undefined;
	}

	/** A picture is there and goes on. */
	get live(): boolean {
		return this.#live;
	}

	start(): void {
		if (!this.onDemand) this.#startLadder();
	}

	/** The server shuts down: whoever waits for a picture need not wait any longer. */
	turnAway(): void {
		this.#rejectAll(this.#notReady("the server is shutting down; try another"));
	}

	async stop(): Promise<void> {
		this.#idleTimer?.cancel();
		this.#awayTimer?.cancel();
		this.#live = false;
		this.turnAway();
		await this.#ladder.stop();
		this.lanes.dispose();
	}

	/**
	 * For good: those who watch get what there is and are let go in good order, those who wait are told why.
	 * @param why a clause
	 * @returns when nobody is left
	 */
	async windUp(why: string): Promise<void> {
		this.#idleTimer?.cancel();
		this.#awayTimer?.cancel();
		this.#live = false;
		this.#rejectAll(this.#notReady(why));
		await this.#ladder.stop();
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#onUnclaimed = resolve;
		this.channel.end();
		if (this.#claims > 0) await promise;
		this.lanes.dispose();
	}

	bitrateOf(rendition: Name): BitsPerSecond {
		const { renditions, audio } = this.#options.ladder;
		const spec = renditions.find(({ name }) => name === rendition);
		if (spec?.kind === "encode") return spec.bitsPerSecond;
		if (renditions.length === 0 && audio !== undefined) return audio.bitsPerSecond;
		return this.channel.rendition(rendition)?.measuredBitrate ?? bitsPerSecond(0);
	}

	claim(): () => void {
		this.#claims++;
		this.#idleTimer?.cancel();
		this.#idleTimer = undefined;
		if (this.onDemand) this.#startLadder();
		let open = true;
		return () => {
			if (!open) return;
			open = false;
			this.#claims--;
			if (this.#claims > 0) return;
			if (this.#onUnclaimed === undefined) this.#startIdleTimer();
			else this.#onUnclaimed();
		};
	}

	ready(): Promise<void> {
		if (this.#live) return Promise.resolve();
		const { startTimeout, clock } = this.#options;
		const { state, lastError } = this.#ladder.status;
		if (state === "failed" || state === "ended") return Promise.reject(this.#notReady(lastError ?? state));
		return new Promise((resolve, reject) => {
			const timer = clock.after(startTimeout, () => {
				this.#waiting.delete(waiting);
				const { state, lastError } = this.#ladder.status;
				const why = lastError === undefined ? `its ladder is ${state}` : `the last error was: ${lastError}`;
				const what = this.channel.lead === "audio" ? "sound" : "picture";
				reject(this.#notReady(`no ${what} within ${startTimeout} ms; ${why}`));
			});
			const waiting: Waiting = { resolve, reject, timer };
			this.#waiting.add(waiting);
		});
	}

	#sink(): LadderSink {
		const { log } = this.#options;
		const { channel } = this;
		return {
			videoConfig: (rendition, config) => {
				// A ladder that is started from anew may bring again what it refused before.
				channel.rendition(rendition)!.withdrawn = false;
				this.refused.delete(rendition);
				channel.setVideoConfig(rendition, config);
			},
			audioConfig: (config) => channel.setAudioConfig(config),
			videoUnit: (rendition, accessUnit) => {
				channel.appendVideo(rendition, accessUnit);
				if (!this.#live && this.#everyRenditionHasUnit()) this.#becomeLive();
			},
			audioUnit: (accessUnit) => {
				channel.appendAudio(accessUnit);
				if (channel.lead === "audio" && !this.#live && this.#everyRenditionHasUnit()) this.#becomeLive();
			},
			renditionRefused: (rendition, error) => {
				channel.rendition(rendition)!.withdrawn = true;
				this.refused.set(rendition, error);
				log.error({ rendition, code: error.code }, error.message);
			},
			interrupted: (error) => {
				// Who comes now waits for the next run, or is told why there is none; those who watch keep their responses.
				this.#live = false;
				// Whether the next run has audio is for it to say.
				channel.setAudioConfig(undefined);
				log.warn({ code: error.code, ladder: this.#ladder.status.state }, error.message);
				const { state } = this.#ladder.status;
				if (state === "failed" || state === "ended") this.#endForGood(error);
				else this.#waitForReturn();
			},
		};
	}

	/** Who watches a publisher that has left waits for it, for a while. */
	#waitForReturn(): void {
		const { published, clock, log } = this.#options;
		const { returnWithin } = published ?? {};
		if (returnWithin === undefined || this.#awayTimer !== undefined) return;
		this.#awayTimer = clock.after(returnWithin, () => {
			this.#awayTimer = undefined;
			log.info({ returnWithinMs: returnWithin }, "the publisher has not come back: those who watch are let go");
			this.channel.end();
		});
	}

	/** The unit that the newest IDR opened is there in the lowest rendition too: that is where viewers start. */
	#everyRenditionHasUnit(): boolean {
		const { newestUnit, lowestReady } = this.channel;
		return lowestReady?.units.newest?.head.number === newestUnit?.number;
	}

	/**
	 * The ladder tries no more: those who watch are let go in good order, those who wait are told why. On demand it is
	 * put back to where the next viewer starts it: who is told to come again must find it trying again.
	 */
	#endForGood(error: PenstockError): void {
		this.#live = false;
		this.#awayTimer?.cancel();
		this.#awayTimer = undefined;
		this.channel.end();
		this.#rejectAll(error);
		if (this.onDemand && this.#options.published === undefined) void this.#ladder.stop();
	}

	#becomeLive(): void {
		this.#live = true;
		this.#awayTimer?.cancel();
		this.#awayTimer = undefined;
		for (const { resolve, timer } of this.#waiting) {
			timer.cancel();
			resolve();
		}
		this.#waiting.clear();
	}

	#rejectAll(error: PenstockError): void {
		for (const { reject, timer } of this.#waiting) {
			timer.cancel();
			reject(error);
		}
		this.#waiting.clear();
	}

	#startIdleTimer(): void {
		const { onDemand, clock, log } = this.#options;
		if (onDemand === undefined) return;
		this.#idleTimer = clock.after(onDemand.idle, () => {
			log.info({ idleMs: onDemand.idle }, "nobody watches: the encoder stops");
			this.#live = false;
			if (this.#options.published !== undefined) this.#options.published.wanted.is = false;
			void this.#ladder.stop();
		});
	}

	#startLadder(): void {
		if (this.#options.published !== undefined) this.#options.published.wanted.is = true;
		this.#ladder.start();
	}

	#notReady(why: string): PenstockError {
		return new PenstockError("CHANNEL_NOT_READY", `${this.app}/${this.stream}: ${why.replace(/\.$/, "")}.`);
	}
}

const isReady = (input: PublishedPart["input"] | undefined): input is readonly ServedInput[] => Array.isArray(input);

/** For the log: what, where, by how much. */
function faultText(fault: AlignmentFault): string {
	switch (fault.kind) {
		case "misaligned":
			return `rendition ${fault.rendition}, unit ${fault.unit}: its IDR is ${signed(fault.offsetMs)} ms from the unit's time; nobody is switched there`;
		case "missing":
			return `rendition ${fault.rendition} has no unit ${fault.unit}${fault.count > 1 ? ` to ${fault.unit + fault.count - 1}` : ""}`;
		case "late":
			return `rendition ${fault.rendition}: an IDR ${signed(fault.offsetMs)} ms from the oldest unit kept was dropped`;
		case "overlong":
			return `rendition ${fault.rendition}, unit ${fault.unit} has no end; its further access units are dropped`;
		case "drift":
			return `media time fell ${signed(fault.offsetMs)} ms behind the clock by unit ${fault.unit}; the encoder or the source is too ${fault.offsetMs > 0 ? "slow" : "fast"}`;
	}
}

const signed = (ms: number): string => (ms > 0 ? `+${ms.toFixed(1)}` : ms.toFixed(1));
