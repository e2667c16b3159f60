/**
 * RTMP on `node:net`, and RTMPS on `node:tls`: connections, how many there may be, and bytes between each and its
 * machine. All else is in `connection.ts`.
 */
import { randomBytes } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type Server as TlsServer } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import type { Milliseconds } from "../../base/units.ts";
import type { PublicationInfo, Publications } from "../publications.ts";
import { RtmpConnection, type RtmpCounts } from "./connection.ts";

export interface RtmpListenerOptions {
	readonly publications: Publications;
	readonly clock: Clock;
	readonly maxConnections: number;
	readonly maxConnectionsPerAddress: number;
	/** For `RtmpConnection`, and for the handshake of TLS. */
	readonly setupTimeout: Milliseconds;
	readonly idleTimeout: Milliseconds;
	/** RTMPS where it is given. */
	readonly tls?: Certificate;
	/** A connection was not taken, or ended for a reason; for the log and the counters. */
	readonly onRefused?: (error: PenstockError, address: string) => void;
}

/** PEM. */
export interface Certificate {
	readonly cert: string | Buffer;
	readonly key: string | Buffer;
}

export interface RtmpConnectionInfo {
	readonly address: string;
	readonly publication: PublicationInfo | undefined;
	readonly counts: Readonly<RtmpCounts>;
}

/** What a client that does not read may leave unread: we say little, and some of it is asked for in a circle. */
const MOST_UNSENT_BYTES = 65_536;
/** What is kept of a client for which leave is being asked. */
const MOST_WAITING_BYTES = 65_536;
/** What a client is given to read why it is sent away. */
const LINGER_MS = 1000;

export class RtmpListener {
	readonly #options: RtmpListenerOptions;
	readonly #server: Server;
	readonly #secure: TlsServer | undefined;
	readonly #connections = new Map<Socket, RtmpConnection>();
	readonly #raw = new Set<Socket>();
	readonly #perAddress = new Map<string, number>();

	constructor(options: RtmpListenerOptions) {
		this.#options = options;
		const { tls, setupTimeout, maxConnections } = options;
		if (tls === undefined) this.#server = createServer((socket) => this.#serve(socket));
		else {
			this.#secure = createTlsServer({ ...tls, handshakeTimeout: setupTimeout }, (socket) => this.#serve(socket));
			this.#server = this.#secure;
			// Who fails at TLS has been cut off by Node; it is no news.
			this.#server.on("tlsClientError", (_: Error, socket: Socket) => socket.destroy());
		}
		this.#server.maxConnections = maxConnections;
		// Before TLS, if there is any: who only shakes hands counts, too.
		this.#server.prependListener("connection", (socket: Socket) => this.#count(socket));
		this.#server.on("drop", (dropped) => this.#refused(dropped?.remoteAddress, `${maxConnections} in all`));
	}

	/** Rejects with the system's error where the address cannot be had. */
	async listen(host: string, port: number): Promise<AddressInfo> {
		await new Promise<void>((resolve, reject) => {
			this.#server.once("error", reject);
			this.#server.listen({ host, port }, () => {
				this.#server.off("error", reject);
				resolve();
			});
		});
		return this.#server.address() as AddressInfo;
	}

	/** From now on, with RTMPS, connections begin with this certificate. */
	renew(certificate: Certificate): void {
		this.#secure?.setSecureContext(certificate);
	}

	/** For the API: connections that have not been told to go. */
	list(): RtmpConnectionInfo[] {
		const open = [...this.#connections].filter(([, { isOpen }]) => isOpen);
		return open.map(([socket, { publication, counts }]) => {
			return { address: addressOf(socket), publication: publication?.info, counts };
		});
	}

	/** Takes no more connections and ends those that there are. */
	async close(): Promise<void> {
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		for (const connection of this.#connections.values()) connection.gone();
		for (const socket of this.#raw) socket.destroy();
		await closed;
	}

	/** A connection as it is accepted. */
	#count(socket: Socket): void {
		const address = addressOf(socket);
		const count = (this.#perAddress.get(address) ?? 0) + 1;
		const most = this.#options.maxConnectionsPerAddress;
		if (count > most) {
			this.#refused(address, `${most} of one address`);
			socket.destroy();
			return;
		}
		this.#raw.add(socket);
		this.#perAddress.set(address, count);
		socket.once("close", () => {
			this.#raw.delete(socket);
			const left = this.#perAddress.get(address)! - 1;
			if (left === 0) this.#perAddress.delete(address);
			else this.#perAddress.set(address, left);
		});
	}

	#refused(address: string | undefined, most: string): void {
		const error = new PenstockError(
			"RTMP_CONNECTIONS",
			`there are as many connections as the RTMP port takes, ${most}.`,
		);
		this.#options.onRefused?.(error, plain(address));
	}

	/** A connection on which RTMP may be spoken. */
	#serve(socket: Socket): void {
		if (socket.destroyed) return;
		const { clock, setupTimeout, idleTimeout, publications, onRefused } = this.#options;
		const address = addressOf(socket);
		const connection = new RtmpConnection(
			{ clock, random: randomBytes, address, setupTimeout, idleTimeout },
			{
				send: (bytes) => {
					socket.write(bytes);
				},
				ask: (request) => {
					void publications.ask(request, connection).then((admission) => connection.answer(admission));
				},
				goOn: () => void socket.resume(),
				close: (because) => {
					if (because !== undefined) onRefused?.(because, address);
					this.#leave(socket);
				},
			},
		);
		this.#connections.set(socket, connection);
		socket.setNoDelay(true);
		socket.setKeepAlive(true);
		socket.on("data", (bytes: Buffer) => this.#receive(socket, connection, bytes));
		// "close" follows, and says all that matters.
		socket.on("error", () => undefined);
		// A client that has ended its side publishes nothing more.
		socket.once("end", () => connection.gone());
		socket.once("close", () => {
			this.#connections.delete(socket);
			connection.gone();
		});
	}

	#receive(socket: Socket, connection: RtmpConnection, bytes: Buffer): void {
		if (!connection.isOpen) return; // it is being told why
		socket.cork();
		connection.push(bytes);
		socket.uncork();
		// A little is read while leave is asked for: who stops reading does not notice that a client has gone.
		if (connection.isWaiting && connection.heldBytes > MOST_WAITING_BYTES) socket.pause();
		if (socket.writableLength <= MOST_UNSENT_BYTES) return;
		const detail = `the client leaves ${socket.writableLength} bytes unread; it is cut off.`;
		const error = new PenstockError("RTMP_LIMIT", detail);
		connection.gone(error);
		this.#options.onRefused?.(error, addressOf(socket));
		socket.destroy();
	}

	/** Ends our side. What the client still sends is read and dropped, so that our last words are not lost with it. */
	#leave(socket: Socket): void {
		socket.end();
		socket.resume();
		const timer = this.#options.clock.after(LINGER_MS, () => socket.destroy());
		socket.once("close", () => timer.cancel());
	}
}

const addressOf = (socket: Socket): string => plain(socket.remoteAddress);

/** IPv4 as people write it, also where it came over a socket of IPv6. */
const plain = (address = "unknown"): string => address.replace(/^::ffff:(?=[\d.]+$)/i, "");
