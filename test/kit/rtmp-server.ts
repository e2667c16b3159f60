/** A small server for publishers: the listener, a gate of the test's, and everything that was published, kept. */
import type { PenstockError } from "../../src/base/errors.ts";
import { milliseconds } from "../../src/base/units.ts";
import { type PublicationInfo, type PublicationSink, Publications } from "../../src/ingest/publications.ts";
import { type Certificate, RtmpListener } from "../../src/ingest/rtmp/rtmp-listener.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import type { AccessAnswer, AccessRequest } from "../../src/wire/access.ts";
import { onCleanup } from "./cleanup.ts";

export interface Published {
	readonly info: PublicationInfo;
	readonly accessUnits: AccessUnit[];
	readonly decodes: DecodeInformation[];
	readonly faults: PenstockError[];
	/** Resolves at the publication's end, with why. */
	readonly ended: Promise<PenstockError | undefined>;
}

export interface RtmpServerOptions {
	readonly tls?: Certificate;
	readonly second?: "refuse" | "take-over";
	readonly answer?: (request: AccessRequest) => AccessAnswer | Promise<AccessAnswer>;
	readonly maxConnections?: number;
	readonly maxConnectionsPerAddress?: number;
	readonly setupTimeoutMs?: number;
	readonly idleTimeoutMs?: number;
}

export class RtmpServer {
	readonly published: Published[] = [];
	readonly refused: PenstockError[] = [];
	readonly requests: AccessRequest[] = [];
	readonly listener: RtmpListener;
	port = 0;
	#wake: () => void = () => undefined;

	constructor(options: RtmpServerOptions = {}) {
		const { second = "refuse", answer = () => ({ kind: "granted", principal: "test" }) as const } = options;
		const clock = nodeClock();
		const publications = new Publications({
			...{ clock, second },
			gate: {
				ask: async (request) => {
					this.requests.push(request);
					return await answer(request);
				},
			},
			open: (info) => this.#open(info),
		});
		this.listener = new RtmpListener({
			...{ publications, clock },
			maxConnections: options.maxConnections ?? 100,
			maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 100,
			setupTimeout: milliseconds(options.setupTimeoutMs ?? 10_000),
			idleTimeout: milliseconds(options.idleTimeoutMs ?? 10_000),
			...(options.tls && { tls: options.tls }),
			onRefused: (error) => this.refused.push(error),
		});
	}

	async start(): Promise<this> {
		this.port = (await this.listener.listen("127.0.0.1", 0)).port;
		onCleanup(() => void this.listener.close());
		return this;
	}

	url(path: string): string {
		return `rtmp://127.0.0.1:${this.port}/${path}`;
	}

	/** The n-th publication, when it has begun. */
	async publication(index = 0): Promise<Published> {
		while (this.published[index] === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
		return this.published[index];
	}

	#open(info: PublicationInfo): PublicationSink {
		const ended = Promise.withResolvers<PenstockError | undefined>();
		const mine: Published = { info, accessUnits: [], decodes: [], faults: [], ended: ended.promise };
		this.published.push(mine);
		this.#wake();
		return {
			accessUnit: (accessUnit) => mine.accessUnits.push(accessUnit),
			decodeInformation: (decode) => mine.decodes.push(decode),
			fault: (error) => mine.faults.push(error),
			end: (because) => ended.resolve(because),
		};
	}
}
