/** Publishers at work: the protocols by which they come, and the channels that wait for them. */
import type { Hooks } from "../access/hooks.ts";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type PublicationInfo, type PublicationSink, Publications } from "../ingest/publications.ts";
import { RtmpListener } from "../ingest/rtmp/rtmp-listener.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import type { PublishConfig } from "./config-publish.ts";
import { type ListenAddress, listenError } from "./listen-address.ts";
import type { Log } from "./log.ts";
import type { LogLimiter } from "./log-limiter.ts";
import type { PublishedStream } from "./published-stream.ts";

export interface PublishingOptions {
	readonly config: PublishConfig;
	readonly gate: AccessGate;
	readonly hooks: Hooks | undefined;
	/** By `app/stream`. */
	readonly streams: ReadonlyMap<string, PublishedStream>;
	/** Of all channels, whatever their source: `app/stream`. */
	readonly channels: ReadonlySet<string>;
	readonly clock: Clock;
	readonly log: Log;
	readonly limiter: LogLimiter;
}

/** Where packets are all there is to a stream. */
const NOBODYS: PublicationSink = { accessUnit: () => undefined, end: () => undefined };

export class Publishing {
	readonly publications: Publications;
	readonly #options: PublishingOptions;
	readonly #rtmp: RtmpListener | undefined;

	constructor(options: PublishingOptions) {
		this.#options = options;
		const { config, gate, clock, limiter } = options;
		const { rtmp, second, setupTimeout, idleTimeout } = config;
		this.publications = new Publications({
			...{ gate, clock, second },
			open: (info, request) => this.#open(info, request),
		});
		this.#rtmp =
			rtmp &&
			new RtmpListener({
				...{ publications: this.publications, clock, setupTimeout, idleTimeout },
				maxConnections: rtmp.maxConnections,
				maxConnectionsPerAddress: rtmp.maxConnectionsPerAddress,
				onRefused: (error, address) => limiter.note(error.code, { address, code: error.code }, error.message),
			});
	}

	/**
	 * @returns where RTMP is listened for; undefined where it is not
	 * @throws PenstockError LISTEN_ADDRESS
	 */
	async start(): Promise<ListenAddress | undefined> {
		const listen = this.#options.config.rtmp?.listen;
		if (this.#rtmp === undefined || listen === undefined) return undefined;
		try {
			const { address, port } = await this.#rtmp.listen(listen.host, listen.port);
			return { host: address, port };
		} catch (thrown) {
			throw listenError(thrown, "publish.rtmp.listen", listen);
		}
	}

	/** Takes no publisher any more, and lets those go that are here. */
	async stop(): Promise<void> {
		this.publications.dismissAll(new PenstockError("CHANNEL_NOT_READY", "the server is shutting down; try another."));
		await this.#rtmp?.close();
	}

	/** A stream that is no channel's goes to RTSP's players alone. */
	#isRelayed({ protocol }: PublicationInfo, label: string): boolean {
		const { config, channels } = this.#options;
		return protocol === "rtsp" && config.rtsp?.relay === true && !channels.has(label);
	}

	#open(info: PublicationInfo, request: AccessRequest): PublicationSink | PenstockError {
		const { streams, log, hooks } = this.#options;
		const channel = `${info.app}/${info.stream}`;
		const stream = streams.get(channel);
		const { protocol, address, principal } = info;
		if (stream === undefined && !this.#isRelayed(info, channel)) {
			const text = `no channel ${JSON.stringify(channel)} takes a publisher; it needs one with "source: publish".`;
			return new PenstockError("CHANNEL_NOT_FOUND", text);
		}
		log.info({ channel, protocol, address, principal }, "publisher joined");
		const sink = stream?.open() ?? NOBODYS;
		return {
			...sink,
			end: (because) => {
				sink.end(because);
				hooks?.tell("on_unpublish", request);
				const why = because === undefined ? {} : { code: because.code, why: because.message };
				log.info({ channel, protocol, address, principal, ...why }, "publisher left");
			},
		};
	}
}
