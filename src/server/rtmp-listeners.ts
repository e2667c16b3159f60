/** Where publishers come by RTMP and RTMPS: a listener each, and the certificate of the latter, which may be renewed. */
import type { Clock } from "../base/clock.ts";
import type { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { Publications } from "../ingest/publications.ts";
import { RtmpListener } from "../ingest/rtmp/rtmp-listener.ts";
import { type Certificate, readCertificate } from "./certificate.ts";
import type { RtmpConfig, RtmpsConfig } from "./config-publish.ts";
import { type ListenAddress, listenError } from "./listen-address.ts";

export interface RtmpListenersOptions {
	/** Undefined: without TLS there is none. */
	readonly rtmp: RtmpConfig | undefined;
	/** Undefined: with TLS there is none. */
	readonly rtmps: RtmpsConfig | undefined;
	readonly publications: Publications;
	readonly clock: Clock;
	readonly setupTimeout: Milliseconds;
	readonly idleTimeout: Milliseconds;
	readonly onRefused: (error: PenstockError, address: string) => void;
}

/** Where is listened. */
export interface RtmpAddresses {
	readonly rtmp?: ListenAddress;
	readonly rtmps?: ListenAddress;
}

export class RtmpListeners {
	readonly #options: RtmpListenersOptions;
	#plain: RtmpListener | undefined;
	#secure: RtmpListener | undefined;

	constructor(options: RtmpListenersOptions) {
		this.#options = options;
	}

	/** @throws PenstockError LISTEN_ADDRESS, TLS_CERTIFICATE: one may listen then, and is closed by `close` */
	async start(): Promise<RtmpAddresses> {
		const { rtmp, rtmps } = this.#options;
		const addresses: { rtmp?: ListenAddress; rtmps?: ListenAddress } = {};
		if (rtmp !== undefined) {
			this.#plain = this.#create(rtmp);
			addresses.rtmp = await listen(this.#plain, rtmp.listen, "publish.rtmp.listen");
		}
		if (rtmps !== undefined) {
			this.#secure = this.#create(rtmps, await readCertificate(rtmps, "publish.rtmp.tls"));
			addresses.rtmps = await listen(this.#secure, rtmps.listen, "publish.rtmp.tls.listen");
		}
		return addresses;
	}

	/**
	 * Reads the certificate and its key again, for connections to come.
	 * @throws PenstockError TLS_CERTIFICATE; then the one before stays
	 */
	async renew(): Promise<void> {
		const { rtmps } = this.#options;
		if (rtmps !== undefined) this.#secure?.renew(await readCertificate(rtmps, "publish.rtmp.tls"));
	}

	/** Ends all connections. */
	async close(): Promise<void> {
		await Promise.all([this.#plain?.close(), this.#secure?.close()]);
	}

	#create({ maxConnections, maxConnectionsPerAddress }: RtmpConfig, tls?: Certificate): RtmpListener {
		const { publications, clock, setupTimeout, idleTimeout, onRefused } = this.#options;
		const limits = { maxConnections, maxConnectionsPerAddress };
		return new RtmpListener({
			...{ publications, clock, setupTimeout, idleTimeout, onRefused, ...limits },
			...(tls && { tls }),
		});
	}
}

async function listen(listener: RtmpListener, wanted: ListenAddress, key: string): Promise<ListenAddress> {
	try {
		const { address, port } = await listener.listen(wanted.host, wanted.port);
		return { host: address, port };
	} catch (thrown) {
		throw listenError(thrown, key, wanted);
	}
}
