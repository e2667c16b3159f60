/** RTSP at work: its listener, who may, and the relay behind it. */
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { Publications } from "../../ingest/publications.ts";
import { Authenticator } from "../../rtsp/authenticator.ts";
import { DEFAULT_RTSP_SETTINGS } from "../../rtsp/server-settings.ts";
import type { AccessHost } from "../access-host.ts";
import type { RtspFigures } from "../api-model.ts";
import type { PublishConfig, RtspConfig } from "../config-publish.ts";
import type { DistributionHost } from "../distribution-host.ts";
import type { Log } from "../log.ts";
import type { LogLimiter } from "../log-limiter.ts";
import { PacketPlanes } from "./packet-planes.ts";
import { Players, type PlayersParts } from "./players.ts";
import { type PulledChannel, Pulls } from "./pulls.ts";
import { Relay, type RelayedChannels } from "./relay.ts";
import { type RtspAddresses, RtspListeners } from "./rtsp-listeners.ts";
import { StreamRules } from "./stream-rules.ts";

export interface RtspServiceParts {
	readonly config: RtspConfig;
	readonly publish: Pick<PublishConfig, "setupTimeout" | "idleTimeout">;
	readonly access: AccessHost;
	readonly publications: Publications;
	readonly places: PlayersParts["places"];
	readonly channels: RelayedChannels;
	readonly pulled: readonly PulledChannel[];
	/** What may be dialled besides public addresses. */
	readonly networks: readonly string[];
	/** Undefined: none is configured. */
	readonly distribution: DistributionHost | undefined;
	readonly clock: Clock;
	readonly log: Log;
	readonly limiter: LogLimiter;
	/** Of Penstock. */
	readonly version: string;
}

const REALM = "penstock";

export class RtspService {
	readonly players: Players;
	readonly #planes: PacketPlanes;
	readonly #listeners: RtspListeners;
	readonly #pulls: Pulls;
	readonly #relay: Relay;

	constructor(parts: RtspServiceParts) {
		const { config, publish, access, publications, distribution, clock, log, limiter, version } = parts;
		const { channels } = parts;
		this.#planes = new PacketPlanes({ configured: distribution, clock, log, version });
		const rules = new StreamRules(this.#planes, config.udp, Math.random);
		const onFault = ({ code, message }: PenstockError): void => limiter.note(code, { code }, message);
		this.players = new Players({ places: parts.places, clock, log, onFault });
		this.#relay = new Relay({
			...{ publications, channels, clock, access, setupTimeout: publish.setupTimeout },
			...{ rules, players: this.players, onFault, random: Math.random },
		});
		this.#pulls = new Pulls({
			...{ channels: parts.pulled, networks: parts.networks, rules, clock, log, onFault, random: Math.random },
			silenceMs: publish.idleTimeout,
			bring: (stream) => this.#relay.bring(stream),
		});
		const { listen, tls, maxConnections, maxConnectionsPerAddress, sessionTimeout } = config;
		this.#listeners = new RtspListeners({
			...{ listen, tls, clock, maxConnections, maxConnectionsPerAddress },
			application: this.#relay,
			authenticator: new Authenticator({
				...{ gate: access, clock, realm: REALM, basic: false },
				secrets: { passwordOf: async (user) => access.digestSecretOf(user) },
			}),
			settings: {
				...DEFAULT_RTSP_SETTINGS,
				sessionTimeoutMs: sessionTimeout,
				publisherSilenceMs: publish.idleTimeout,
			},
			onRefused: (error, address) => limiter.note(error.code, { address, code: error.code }, error.message),
		});
	}

	get figures(): RtspFigures {
		return { connections: this.#listeners.connections, streams: this.#relay.streams, players: this.players.size };
	}

	/**
	 * @returns where it listens
	 * @throws PenstockError LISTEN_ADDRESS, TLS_CERTIFICATE
	 */
	async start(): Promise<RtspAddresses> {
		const addresses = await this.#listeners.start();
		this.#pulls.start();
		return addresses;
	}

	/**
	 * Reads the certificate of RTSPS again.
	 * @throws PenstockError TLS_CERTIFICATE
	 */
	async renew(): Promise<void> {
		await this.#listeners.renew();
	}

	/** Ends all sessions. */
	async stop(): Promise<void> {
		this.#pulls.stop();
		await this.#listeners.close(new PenstockError("CHANNEL_NOT_READY", "the server is shutting down; try another."));
		await this.#planes.stop();
	}
}
