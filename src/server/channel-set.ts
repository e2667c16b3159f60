/**
 * All channels at work: those of the configuration, and those that patterns make while somebody publishes them. A name
 * that the configuration has, for a channel or for one of its renditions, is never a pattern's.
 */
import type { PublicationSink } from "../ingest/publications.ts";
import type { ChannelConfig } from "./config.ts";
import type { HostedChannel, Intake, OpenedChannel } from "./hosted-channel.ts";
import type { MadeChannels } from "./made-channels.ts";
import type { PulledChannel } from "./relay/pulls.ts";
import { labelOf, type StreamName } from "./stream-name.ts";

export interface ChannelSetOptions {
	readonly channels: readonly ChannelConfig[];
	readonly open: (config: ChannelConfig) => OpenedChannel;
	readonly made: MadeChannels;
}

export class ChannelSet {
	readonly #configured = new Map<string, OpenedChannel>();
	/** Of those of the configuration. */
	readonly #intakes = new Map<string, Intake>();
	readonly #made: MadeChannels;

	/** @throws PenstockError as `openChannel` */
	constructor({ channels, open, made }: ChannelSetOptions) {
		this.#made = made;
		for (const config of channels) {
			const opened = open(config);
			this.#configured.set(config.label, opened);
			for (const [label, intake] of opened.intakes) this.#intakes.set(label, intake);
		}
	}

	all(): readonly HostedChannel[] {
		return [...this.#configured.values(), ...this.#made.all()];
	}

	/** @param label `app/stream` */
	find(label: string): HostedChannel | undefined {
		return this.#configured.get(label) ?? this.#made.find(label);
	}

	get pulled(): readonly PulledChannel[] {
		return [...this.#configured.values()].flatMap(({ pulled }) => pulled ?? []);
	}

	/** Whether the stream goes to a channel, which may have to be made, when somebody publishes it. */
	takes(name: StreamName): boolean {
		const label = labelOf(name);
		if (this.#intakes.has(label)) return true;
		return !this.#configured.has(label) && this.#made.takes(name);
	}

	/** What takes the stream now. @param label `app/stream` */
	intake(label: string): Intake | undefined {
		return this.#intakes.get(label) ?? this.#made.find(label)?.intakes.get(label);
	}

	/**
	 * For a publisher that has been let in.
	 * @returns undefined where no channel takes the stream
	 * @throws PenstockError as `MadeChannels.publish`
	 */
	publish(name: StreamName): PublicationSink | undefined {
		const label = labelOf(name);
		const intake = this.#intakes.get(label);
		if (intake !== undefined) return intake.stream.open();
		return this.#configured.has(label) ? undefined : this.#made.publish(name);
	}

	start(): void {
		for (const { host } of this.all()) host.start();
	}

	/** The server shuts down: no channel is made any more, and nobody need wait for a picture. */
	turnAway(): void {
		this.#made.close();
		for (const { host } of this.all()) host.turnAway();
	}

	/** Ends all of them, at once. */
	async stop(): Promise<void> {
		await Promise.all([...[...this.#configured.values()].map(({ host }) => host.stop()), this.#made.stop()]);
	}
}
