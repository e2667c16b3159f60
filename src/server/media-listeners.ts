/** The listeners for viewers: one for each address of `http.listen`. All serve the same, each within the same limits. */
import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { HttpConfig } from "./config.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { LogLimiter } from "./log-limiter.ts";
import { createMediaListener, listen } from "./media-listener.ts";

export interface MediaListenersOptions {
	readonly config: HttpConfig;
	readonly clock: Clock;
	readonly limiter: LogLimiter;
}

/** @param listener that the request came to */
type Handle = (request: IncomingMessage, response: ServerResponse, listener: ListenAddress) => void;

interface OpenListener {
	readonly server: Server;
	readonly address: ListenAddress;
}

export class MediaListeners {
	/** How many requests were refused before they were one, by code. */
	readonly refused = new Map<string, number>();
	readonly #options: MediaListenersOptions;
	readonly #open: OpenListener[] = [];

	constructor(options: MediaListenersOptions) {
		this.#options = options;
	}

	/** Where they listen, in the order of the configuration; none before that. */
	get addresses(): readonly ListenAddress[] {
		return this.#open.map(({ address }) => address);
	}

	/** @throws PenstockError LISTEN_ADDRESS: some may listen then, and are closed by `close` */
	async listen(handle: Handle, isEndless: (request: IncomingMessage) => boolean): Promise<void> {
		const { config, clock } = this.#options;
		for (const wanted of config.listen) {
			const server = createMediaListener({
				...{ ...config, clock },
				handle: (request, response) => handle(request, response, address),
				isEndless,
				onRefused: (code) => this.#noteRefused(code),
			});
			const address = addressOf(await listen(server, wanted, "http.listen"));
			this.#open.push({ server, address });
		}
	}

	/** Takes no new connection; those with a stream stay. */
	stopAccepting(): void {
		for (const { server } of this.#open) server.close();
	}

	/** Ends all connections. */
	async close(): Promise<void> {
		await Promise.all(this.#open.map(({ server }) => closeListener(server, this.#options.clock)));
	}

	#noteRefused(code: ErrorCode): void {
		this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
		this.#options.limiter.note(code, {}, "a request was refused");
	}
}

async function closeListener(listener: Server, clock: Clock): Promise<void> {
	// What has just been answered is written first.
	await new Promise<void>((resolve) => void clock.after(0, resolve));
	listener.closeAllConnections();
	if (!listener.listening) return;
	const closed = once(listener, "close");
	listener.close();
	await closed;
}

export const addressOf = ({ address, port }: AddressInfo): ListenAddress => ({ host: address, port });
