/** Where clients come by RTSP and RTSPS: a listener each, and the certificate of the latter, which may be renewed. */
import type { PenstockError } from "../../base/errors.ts";
import { RtspListener, type RtspListenerOptions } from "../../rtsp/rtsp-listener.ts";
import { type Certificate, readCertificate } from "../certificate.ts";
import type { RtspConfig } from "../config-publish.ts";
import { type ListenAddress, listenError } from "../listen-address.ts";

export type RtspListenersOptions = Omit<RtspListenerOptions, "host" | "port" | "tls"> &
	Pick<RtspConfig, "listen" | "tls">;

/** Where is listened. */
export interface RtspAddresses {
	readonly rtsp?: ListenAddress;
	readonly rtsps?: ListenAddress;
}

export class RtspListeners {
	readonly #options: RtspListenersOptions;
	#plain: RtspListener | undefined;
	#secure: RtspListener | undefined;

	constructor(options: RtspListenersOptions) {
		this.#options = options;
	}

	get connections(): number {
		return (this.#plain?.connections ?? 0) + (this.#secure?.connections ?? 0);
	}

	/** @throws PenstockError LISTEN_ADDRESS, TLS_CERTIFICATE: one may listen then, and is closed by `close` */
	async start(): Promise<RtspAddresses> {
		const { listen, tls } = this.#options;
		const addresses: { rtsp?: ListenAddress; rtsps?: ListenAddress } = {};
		if (listen !== undefined) {
			this.#plain = this.#create(listen, undefined);
			addresses.rtsp = await opened(this.#plain, listen, "publish.rtsp.listen");
		}
		if (tls !== undefined) {
			this.#secure = this.#create(tls.listen, await readCertificate(tls, "publish.rtsp.tls"));
			addresses.rtsps = await opened(this.#secure, tls.listen, "publish.rtsp.tls.listen");
		}
		return addresses;
	}

	/**
	 * Reads the certificate and its key again, for connections to come.
	 * @throws PenstockError TLS_CERTIFICATE; then the one before stays
	 */
	async renew(): Promise<void> {
		const { tls } = this.#options;
		if (tls !== undefined) this.#secure?.renew(await readCertificate(tls, "publish.rtsp.tls"));
	}

	/** Ends all connections. @param error why, for those who have sessions */
	async close(error: PenstockError): Promise<void> {
		await Promise.all([this.#plain?.close(error), this.#secure?.close(error)]);
	}

	#create({ host, port }: ListenAddress, tls: Certificate | undefined): RtspListener {
		return new RtspListener({ ...this.#options, host, port, tls });
	}
}

async function opened(listener: RtspListener, wanted: ListenAddress, key: string): Promise<ListenAddress> {
	try {
		const { address, port } = await listener.listen();
		return { host: address, port };
	} catch (thrown) {
		throw listenError(thrown, key, wanted);
	}
}
