/** The channels that are pulled by RTSP. */
import { isIP } from "node:net";
import { type Network, parseNetwork } from "../../access/ip-address.ts";
import { UrlGuard } from "../../access/url-guard.ts";
import type { Clock } from "../../base/clock.ts";
import type { PenstockError } from "../../base/errors.ts";
import { parsePullUrl } from "../../rtsp/pull-url.ts";
import type { PullConfig } from "../config.ts";
import type { Log } from "../log.ts";
import type { PublishedStream } from "../published-stream.ts";
import type { Wanted } from "../wanted.ts";
import { PullKeeper, type PullKeeperParts } from "./pull-keeper.ts";
import type { StreamRules } from "./stream-rules.ts";

export interface PulledChannel {
	/** `app/stream` */
	readonly label: string;
	readonly pull: PullConfig;
	readonly stream: PublishedStream;
	readonly wanted: Wanted;
}

export interface PullsParts {
	readonly channels: readonly PulledChannel[];
	/** What may be dialled besides public addresses, and those that a source's URL has. */
	readonly networks: readonly string[];
	readonly rules: StreamRules;
	readonly clock: Clock;
	/** From 0 to below 1. */
	readonly random: () => number;
	readonly silenceMs: number;
	readonly bring: PullKeeperParts["bring"];
	readonly onFault: (error: PenstockError) => void;
	readonly log: Log;
}

export class Pulls {
	readonly #keepers: readonly PullKeeper[];

	constructor({ channels, networks, log, ...parts }: PullsParts) {
		this.#keepers = channels.map(({ label, pull, stream, wanted }) => {
			const guard = guardFor(pull, networks);
			return new PullKeeper({
				...parts,
				label,
				pull,
				guard,
				wanted,
				open: () => stream.open(),
				log: log.child({ channel: label }),
			});
		});
	}

	start(): void {
		for (const keeper of this.#keepers) keeper.start();
	}

	stop(): void {
		for (const keeper of this.#keepers) keeper.stop();
	}
}

const LOOPBACK = ["127.0.0.0/8", "::1"];

/** Only the URL's host, and of addresses that are not public only what it names, or the configuration does (SEC3). */
function guardFor({ url }: PullConfig, networks: readonly string[]): UrlGuard {
	const { host } = parsePullUrl(url.reveal());
	const named = host === "localhost" ? LOOPBACK : isIP(host) === 0 ? [] : [host];
	return new UrlGuard({
		...{ schemes: ["rtsp", "rtsps"], userInfo: true },
		hosts: [isIP(host) === 6 ? `[${host}]` : host.toLowerCase()],
		networks: [...networks, ...named].map(parseNetwork).filter((one): one is Network => one !== undefined),
	});
}
