/**
 * A run without FFmpeg: what a publisher sends is the one rendition as it is, and its audio the channel's. Costs nothing,
 * and delays nothing. Judged by the same rules as a copy that FFmpeg makes.
 */
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { AccessUnit, DecodeInformation } from "../media/access-unit.ts";
import { CopyInspector } from "./copy-inspector.ts";
import type { LadderPlan } from "./ffmpeg-arguments.ts";
import type { LadderConfig } from "./ladder-config.ts";
import type { Run, RunEnd, RunEvents } from "./ladder-run.ts";
import { startsHevcGop } from "./pipe-form.ts";
import type { PublishedFeed } from "./published-input.ts";
import { type Arrival, StartGate } from "./start-gate.ts";

/** Whether nothing has to be encoded to make this plan of what is published. */
export function canPassThrough(
	{ audio, codec = "h264" }: LadderConfig,
	{ renditions, withAudio }: LadderPlan,
	decode: DecodeInformation,
): boolean {
	const [only, ...more] = renditions;
	if (only?.kind !== "copy" || more.length > 0 || decode.video?.codec !== codec) return false;
	if (!withAudio || audio === undefined) return true;
	const { codec: wanted = "aac", sampleRateHz = decode.audio?.sampleRateHz } = audio;
	return decode.audio?.codec === wanted && decode.audio.sampleRateHz === sampleRateHz;
}

export class PassThrough implements Run {
	readonly pid = undefined;
	readonly speed = undefined;
	readonly #rendition: Name;
	readonly #isHevc: boolean;
	readonly #withAudio: boolean;
	readonly #feed: PublishedFeed;
	readonly #events: RunEvents;
	readonly #gate: StartGate;
	readonly #inspector: CopyInspector;
	#started = false;
	#over = false;

	constructor({ unitDuration }: LadderConfig, plan: LadderPlan, feed: PublishedFeed, events: RunEvents) {
		const { name } = plan.renditions[0]!;
		this.#rendition = name;
		this.#isHevc = feed.decode.video?.codec === "hevc";
		this.#withAudio = plan.withAudio;
		this.#feed = feed;
		this.#events = events;
		this.#gate = new StartGate([name], plan.withAudio);
		this.#inspector = new CopyInspector(name, unitDuration);
	}

	/** What has waited comes from within the call. */
	begin(): void {
		const { video, audio } = this.#feed.decode;
		this.#offer({ kind: "video-config", rendition: this.#rendition, config: video! });
		if (this.#withAudio && audio !== undefined) this.#offer({ kind: "audio-config", config: audio });
		this.#feed.start({
			accessUnit: (accessUnit) => this.#take(accessUnit),
			end: (error) => this.#end({ kind: "publisher-ended", error }),
		});
	}

	stop(): Promise<void> {
		this.#end({ kind: "stopped" });
		return Promise.resolve();
	}

	#take(accessUnit: AccessUnit): void {
		if (this.#over) return;
		if (accessUnit.track === "audio") {
			if (this.#withAudio) this.#offer({ kind: "audio", accessUnit });
			return;
		}
		const unfit = this.#inspector.inspect(accessUnit, this.#isHevc ? startsHevcGop(accessUnit) : accessUnit.key);
		const rendition = this.#rendition;
		if (unfit === undefined) this.#offer({ kind: "video", rendition, accessUnit });
		else this.#end({ kind: "copy-unfit", rendition, error: unfit });
	}

	#offer(arrival: Arrival): void {
		const arrivals = this.#gate.offer(arrival);
		if (arrivals.length === 0) return;
		try {
			if (!this.#started) this.#events.started(this.#gate.start!);
			this.#started = true;
			for (const one of arrivals) this.#events.arrival(one);
		} catch (thrown) {
			if (!(thrown instanceof PenstockError)) throw thrown;
			this.#end({ kind: "failed", error: thrown });
		}
	}

	#end(end: RunEnd): void {
		if (this.#over) return;
		this.#over = true;
		this.#feed.stop();
		this.#events.ended(end);
	}
}
