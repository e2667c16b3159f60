/** Publishers at work: the protocols by which they come, and the channels that wait for them. */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type PublicationInfo, type PublicationSink, Publications, type RefusalCount } from "../ingest/publications.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import type { AccessNotices } from "./access-host.ts";
import type { PublisherSnapshot, PublishingModel } from "./api-publishing-model.ts";
import type { PublishConfig } from "./config-publish.ts";
import type { Log } from "./log.ts";
import type { LogLimiter } from "./log-limiter.ts";
import { publisherSnapshot } from "./publishing-model.ts";
import { type RtmpAddresses, RtmpListeners } from "./rtmp-listeners.ts";
import type { StreamName } from "./stream-name.ts";

/** Where streams go. */
export interface PublishedChannels {
	/** Undefined where there is no such channel, whatever its source. @param label `app/stream` */
	find(label: string): unknown;
	/**
	 * A publisher has been let in.
	 * @returns undefined where no channel takes its stream
	 * @throws PenstockError where it should, but cannot
	 */
	publish(name: StreamName): PublicationSink | undefined;
}

export interface PublishingOptions {
	readonly config: PublishConfig;
	readonly access: AccessGate & AccessNotices;
	readonly channels: PublishedChannels;
	/** Access units that a channel's FFmpeg was too slow for, since the start. */
	readonly droppedOf: (channel: string) => number;
	readonly clock: Clock;
	readonly log: Log;
	readonly limiter: LogLimiter;
}

/** Where packets are all there is to a stream. */
const NOBODYS: PublicationSink = { accessUnit: () => undefined, end: () => undefined };

export class Publishing implements PublishingModel {
	readonly publications: Publications;
	/** Media bytes since the start, by `app/stream`. */
	readonly #received = new Map<string, number>();
	/** By the publication's id: what its channel had dropped when it began. */
	readonly #droppedBefore = new Map<number, number>();
	readonly #rtmpFaults = new Map<string, number>();
	readonly #options: PublishingOptions;
	readonly #rtmp: RtmpListeners;

	constructor(options: PublishingOptions) {
		this.#options = options;
		const { config, access, clock } = options;
		const { rtmp, rtmps, second, setupTimeout, idleTimeout } = config;
		this.publications = new Publications({
			...{ gate: access, clock, second },
			open: (info, request) => this.#open(info, request),
			turnedAway: (request) => access.tell("on_unpublish", request),
		});
		this.#rtmp = new RtmpListeners({
			...{ rtmp, rtmps, publications: this.publications, clock, setupTimeout, idleTimeout },
			onRefused: (error, address) => this.#noteRtmpFault(error, address),
		});
	}

	/**
	 * @returns where RTMP and RTMPS are listened for
	 * @throws PenstockError LISTEN_ADDRESS, TLS_CERTIFICATE
	 */
	async start(): Promise<RtmpAddresses> {
		return await this.#rtmp.start();
	}

	/**
	 * Reads the certificate of RTMPS again.
	 * @throws PenstockError TLS_CERTIFICATE
	 */
	async renew(): Promise<void> {
		await this.#rtmp.renew();
	}

	/** Takes no publisher any more, and lets those go that are here. */
	async stop(): Promise<void> {
		this.publications.dismissAll(new PenstockError("CHANNEL_NOT_READY", "the server is shutting down; try another."));
		await this.#rtmp.close();
	}

	publishers(): readonly PublisherSnapshot[] {
		return this.publications.all().map((publication) => {
			const { id, app, stream } = publication.info;
			const dropped = this.#options.droppedOf(`${app}/${stream}`) - (this.#droppedBefore.get(id) ?? 0);
			return publisherSnapshot(publication, dropped);
		});
	}

	kick(id: string): boolean {
		const found = this.publications.list().find((info) => String(info.id) === id);
		if (found === undefined) return false;
		const error = new PenstockError("PUBLISHER_KICKED", "the publication was ended by the operator.");
		return this.publications.dismiss(found.id, error);
	}

	received(): { readonly channel: string; readonly bytes: number }[] {
		return [...this.#received].map(([channel, bytes]) => ({ channel, bytes }));
	}

	refusals(): readonly RefusalCount[] {
		return this.publications.refusals();
	}

	rtmpFaults(): { readonly code: string; readonly count: number }[] {
		return [...this.#rtmpFaults].map(([code, count]) => ({ code, count }));
	}

	/** There is no such channel any more. @param channel `app/stream` */
	forget(channel: string): void {
		this.#received.delete(channel);
	}

	#noteRtmpFault({ code, message }: PenstockError, address: string): void {
		this.#rtmpFaults.set(code, (this.#rtmpFaults.get(code) ?? 0) + 1);
		this.#options.limiter.note(code, { address, code }, message);
	}

	/** A stream that is no channel's, nor to become one, goes to RTSP's players alone. */
	#isRelayed({ protocol }: PublicationInfo, label: string): boolean {
		const { config, channels } = this.#options;
		return protocol === "rtsp" && config.rtsp?.relay === true && channels.find(label) === undefined;
	}

	#open(info: PublicationInfo, request: AccessRequest): PublicationSink | PenstockError {
		const { channels, log, access, droppedOf } = this.#options;
		const channel = `${info.app}/${info.stream}`;
		const { id, protocol, address, principal } = info;
		const sink = channels.publish(info) ?? (this.#isRelayed(info, channel) ? NOBODYS : undefined);
		if (sink === undefined) {
			const text = `no channel ${JSON.stringify(channel)} takes a publisher; it needs one with "source: publish", or a rendition with "from: publish", or a pattern that has it.`;
			return new PenstockError("CHANNEL_NOT_FOUND", text);
		}
		this.#droppedBefore.set(id, droppedOf(channel));
		log.info({ channel, protocol, address, principal }, "publisher joined");
		return {
			...sink,
			accessUnit: (accessUnit) => {
				this.#received.set(channel, (this.#received.get(channel) ?? 0) + accessUnit.data.length);
				sink.accessUnit(accessUnit);
			},
			end: (because) => {
				sink.end(because);
				this.#droppedBefore.delete(id);
				access.tell("on_unpublish", request);
				const why = because === undefined ? {} : { code: because.code, why: because.message };
				log.info({ channel, protocol, address, principal, ...why }, "publisher left");
			},
		};
	}
}
