/**
 * Reads a URL by an FFmpeg that copies what comes: it neither decodes nor encodes pictures. Sound that is AAC or Opus is
 * copied, too; cameras' G.711 is made AAC. Behaves as a publisher does: each run is one, which comes and leaves.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { messageOf, PenstockError } from "../../base/errors.ts";
import { bitsPerSecond, type Milliseconds, milliseconds } from "../../base/units.ts";
import type { DecodeInformation } from "../../media/access-unit.ts";
import type { StreamSink } from "../../media/stream-reader.ts";
import { Backoff } from "../backoff.ts";
import type { LadderPlan } from "../ffmpeg-arguments.ts";
import type { AudioSpec, LadderConfig, ReadyRendition, UrlSource } from "../ladder-config.ts";
import { LadderRun, type RunEnd } from "../ladder-run.ts";
import { probeSource, type SourceFacts } from "../probe.ts";
import { sourceLabel } from "../source-arguments.ts";
import type { Arrival } from "../start-gate.ts";
import { codecUnfit } from "./unfit.ts";

export interface CopyReaderOptions {
	/** The channel's; its source is not looked at. */
	readonly ladder: LadderConfig;
	readonly rendition: ReadyRendition;
	readonly source: UrlSource;
	/** Whether anybody wants its sound. */
	readonly withAudio: boolean;
	readonly clock: Clock;
	/** As Math.random; for jitter only. */
	readonly random: () => number;
	/** Gets FFmpeg's own lines, secrets taken out. */
	readonly log: (line: string) => void;
	/** A run begins: where it goes. */
	readonly open: () => StreamSink & { end(because: PenstockError): void };
	/** Why there is none just now. */
	readonly onTrouble: (error: PenstockError) => void;
}

const COPIED_SOUND = ["aac", "opus"] as const;
/** Of sound that cannot be copied. */
const SOUND_RATE = bitsPerSecond(64_000);

export class CopyReader {
	readonly #options: CopyReaderOptions;
	readonly #backoff: Backoff;
	#run: LadderRun | undefined;
	#retry: Timer | undefined;
	#session: AbortController | undefined;
	#attempting: Promise<void> = Promise.resolve();
	#trouble: PenstockError | undefined;

	constructor(options: CopyReaderOptions) {
		this.#options = options;
		this.#backoff = new Backoff(options.random);
	}

	/** Why nothing is read now. */
	get trouble(): PenstockError | undefined {
		return this.#trouble;
	}

	start(): void {
		if (this.#session !== undefined) return;
		this.#session = new AbortController();
		this.#attempt(this.#session.signal);
	}

	/** Resolves when no process of it is left. */
	async stop(): Promise<void> {
		this.#session?.abort();
		this.#session = undefined;
		this.#retry?.cancel();
		this.#trouble = undefined;
		await Promise.all([this.#run?.stop(), this.#attempting]);
	}

	#attempt(signal: AbortSignal): void {
		this.#attempting = this.#begin(signal).catch((thrown: unknown) => {
			const isOurs = thrown instanceof PenstockError;
			this.#again(isOurs ? thrown : new PenstockError("FFMPEG_EXITED", messageOf(thrown)), signal, milliseconds(0));
		});
	}

	async #begin(signal: AbortSignal): Promise<void> {
		const { ladder, rendition, source, withAudio, clock, log } = this.#options;
		const limits = { clock, timeout: ladder.timeouts.probe, signal };
		const facts = await probeSource(source, "video", ladder.tools, limits);
		if (signal.aborted) return;
		this.#checkCodec(facts);
		const { audio, ...more } = ladder;
		const sound = withAudio && audio !== undefined ? soundOf(facts) : undefined;
		const config: LadderConfig = { ...more, source, ...(sound && { audio: sound }) };
		const plan: LadderPlan = { renditions: [rendition], withAudio: sound !== undefined };
		const output = new Output(this.#options.open);
		let startedAt: Milliseconds | undefined;
		this.#run = new LadderRun(config, plan, clock, {
			started: () => {
				startedAt = clock.now();
				this.#trouble = undefined;
			},
			arrival: (arrival) => output.take(arrival),
			dropped: () => undefined,
			log,
			ended: (end) => {
				this.#run = undefined;
				const error = this.#errorOf(end);
				output.end(error);
				this.#again(error, signal, milliseconds(startedAt === undefined ? 0 : clock.now() - startedAt));
			},
		});
	}

	/** @throws PenstockError LADDER_INPUT_UNFIT */
	#checkCodec({ video }: SourceFacts): void {
		const { ladder, rendition } = this.#options;
		const unfit = video && codecUnfit(ladder, rendition.name, video.codec);
		if (unfit !== undefined) throw unfit;
	}

	#errorOf(end: RunEnd): PenstockError {
		if ("error" in end) return end.error;
		const { ladder, rendition, source } = this.#options;
		const text = `channel ${ladder.channel}, rendition "${rendition.name}": the source ${sourceLabel(source)} came to its end; it is opened again.`;
		return new PenstockError("SOURCE_UNREACHABLE", text);
	}

	#again(error: PenstockError, signal: AbortSignal, healthyFor: Milliseconds): void {
		if (signal.aborted) return;
		const { clock, onTrouble } = this.#options;
		this.#trouble = error;
		onTrouble(error);
		const { delay } = this.#backoff.failed(clock.now(), healthyFor);
		this.#retry = clock.after(delay, () => this.#attempt(signal));
	}
}

/** One run as one publisher. */
class Output {
	readonly #open: CopyReaderOptions["open"];
	#sink: ReturnType<CopyReaderOptions["open"]> | undefined;
	#decode: DecodeInformation = {};

	constructor(open: CopyReaderOptions["open"]) {
		this.#open = open;
	}

	take(arrival: Arrival): void {
		this.#sink ??= this.#open();
		if (arrival.kind === "video" || arrival.kind === "audio") {
			this.#sink.accessUnit(arrival.accessUnit);
			return;
		}
		const { kind, config } = arrival;
		this.#decode = { ...this.#decode, ...(kind === "video-config" ? { video: config } : { audio: config }) };
		this.#sink.decodeInformation?.(this.#decode);
	}

	end(because: PenstockError): void {
		this.#sink?.end(because);
	}
}

function soundOf({ audio }: SourceFacts): AudioSpec | undefined {
	if (audio === undefined) return undefined;
	const codec = COPIED_SOUND.find((one) => one === audio.codec);
	return { codec: codec ?? "aac", bitsPerSecond: SOUND_RATE, copy: codec !== undefined };
}
