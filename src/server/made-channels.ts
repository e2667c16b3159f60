/**
 * Channels that patterns make: each begins when a publisher of a stream has been let in that no channel has by name, and
 * ends when its publisher has been away for as long as viewers wait for it.
 * Invariant: there are never more of them than `most`, those counted that are being wound up.
 */
import { patternHas } from "../access/pattern.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { PublicationSink } from "../ingest/publications.ts";
import type { ChannelHost } from "./channel-host.ts";
import type { ChannelConfig, ChannelTemplate } from "./config.ts";
import type { Intake, OpenedChannel } from "./hosted-channel.ts";
import type { Log } from "./log.ts";
import { labelOf, type StreamName } from "./stream-name.ts";

export interface MadeChannelsOptions {
	readonly templates: readonly ChannelTemplate[];
	readonly most: number;
	/** How long viewers wait for a publisher that has left. */
	readonly returnWithin: Milliseconds;
	/** How long who watches may take for what there is, when the channel is gone. */
	readonly drain: Milliseconds;
	readonly open: (config: ChannelConfig) => OpenedChannel;
	/** The channel is in no list any more. */
	readonly onGone: (label: string) => void;
	/** Ends the connections of those who watch it still. */
	readonly expel: (host: ChannelHost) => void;
	readonly clock: Clock;
	readonly log: Log;
}

/** FFmpeg still brings the last pictures when their publisher has gone. */
const LEAST_STAY_MS = 1000;

interface Made {
	readonly opened: OpenedChannel;
	readonly intake: Intake;
	/** Runs while nobody publishes. */
	timer: Timer | undefined;
}

export class MadeChannels {
	readonly #options: MadeChannelsOptions;
	readonly #made = new Map<string, Made>();
	/** Gone, but not from the memory yet; each with the deadline of those who watch it. */
	readonly #windingUp = new Map<ChannelHost, Timer>();
	#closed = false;

	constructor(options: MadeChannelsOptions) {
		this.#options = options;
	}

	all(): OpenedChannel[] {
		return [...this.#made.values()].map(({ opened }) => opened);
	}

	find(label: string): OpenedChannel | undefined {
		return this.#made.get(label)?.opened;
	}

	/** Whether a pattern has the stream. */
	takes(name: StreamName): boolean {
		return this.#templateOf(name) !== undefined;
	}

	/**
	 * A publisher has been let in; one at a time: see Publications.
	 * @returns undefined where no pattern has the stream
	 * @throws PenstockError STREAMS_LIMIT, CHANNEL_NOT_READY; SOURCE_UNSUPPORTED, CONFIG_VALUE
	 */
	publish(name: StreamName): PublicationSink | undefined {
		const made = this.#made.get(labelOf(name)) ?? this.#make(name);
		if (made === undefined) return undefined;
		made.timer?.cancel();
		made.timer = undefined;
		const sink = made.intake.stream.open();
		return {
			...sink,
			end: (because) => {
				sink.end(because);
				this.#awaitReturn(made);
			},
		};
	}

	/** No further one is made. */
	close(): void {
		this.#closed = true;
	}

	/** Ends all of them, at once. */
	async stop(): Promise<void> {
		this.close();
		const hosts = [...this.all().map(({ host }) => host), ...this.#windingUp.keys()];
		for (const { timer } of this.#made.values()) timer?.cancel();
		for (const deadline of this.#windingUp.values()) deadline.cancel();
		this.#made.clear();
		this.#windingUp.clear();
		await Promise.all(hosts.map((host) => host.stop()));
	}

	#templateOf({ app, stream }: StreamName): ChannelTemplate | undefined {
		return this.#options.templates.find(({ pattern }) => patternHas(pattern, app, stream));
	}

	#make(name: StreamName): Made | undefined {
		const template = this.#templateOf(name);
		if (template === undefined) return undefined;
		const { open, log } = this.#options;
		const label = labelOf(name);
		this.#refuseMore(label);
		const opened = open(configOf(template, name));
		const intake = opened.intakes.get(label)!;
		const made: Made = { opened, intake, timer: undefined };
		this.#made.set(label, made);
		log.info({ channel: label, pattern: template.label }, "channel made");
		opened.host.start();
		return made;
	}

	/** @throws PenstockError STREAMS_LIMIT, CHANNEL_NOT_READY */
	#refuseMore(label: string): void {
		const { most } = this.#options;
		if (this.#closed) throw new PenstockError("CHANNEL_NOT_READY", "the server is shutting down; try another.");
		if (this.#made.size + this.#windingUp.size < most) return;
		const text = `no channel is made for ${JSON.stringify(label)}: there are ${most} that patterns have made, which is publish.maxStreams; try again when one has ended, or raise it.`;
		throw new PenstockError("STREAMS_LIMIT", text);
	}

	#awaitReturn(made: Made): void {
		const { clock, returnWithin } = this.#options;
		// The server has ended them.
		if (this.#closed) return;
		const stay = milliseconds(Math.max(returnWithin, LEAST_STAY_MS));
		made.timer = clock.after(stay, () => this.#windUp(made));
	}

	#windUp({ opened }: Made): void {
		const { clock, drain, expel, onGone, log } = this.#options;
		const { host, config } = opened;
		const { label } = config;
		this.#made.delete(label);
		onGone(label);
		log.info({ channel: label, pattern: config.pattern }, "channel gone: nobody publishes it any more");
		const deadline = clock.after(drain, () => expel(host));
		this.#windingUp.set(host, deadline);
		void host.windUp("nobody publishes it any more").then(() => {
			deadline.cancel();
			this.#windingUp.delete(host);
		});
	}
}

function configOf({ ring, onDemand, ladder, label: pattern }: ChannelTemplate, name: StreamName): ChannelConfig {
	const { app, stream } = name;
	const label = labelOf(name);
	return { app, stream, label, pattern, ring, ...(onDemand && { onDemand }), ladder: { ...ladder, channel: label } };
}
