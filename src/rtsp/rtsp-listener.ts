/**
 * The RTSP server on `node:net`: connections in, each with its machine; limits before anything is read, a handshake of
 * TLS among it. With `tls` it is RTSPS.
 */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { RtspApplication } from "./application.ts";
import type { Authenticator } from "./authenticator.ts";
import { RtspServerConnection } from "./server-connection.ts";
import type { RtspServerSettings } from "./server-settings.ts";

export interface RtspListenerOptions {
	readonly host: string;
	/** 0: the system chooses a free one. */
	readonly port: number;
	readonly clock: Clock;
	readonly application: RtspApplication;
	readonly authenticator: Authenticator;
	readonly settings: RtspServerSettings;
	readonly maxConnections: number;
	readonly maxConnectionsPerAddress: number;
	readonly tls?: TlsOptions | undefined;
	/** Something was refused: a connection, a request, or what a client has become. */
	readonly onRefused: (error: PenstockError, address: string) => void;
}

/** What is written last has so long to arrive. */
const LINGER_MS = 1000;
const TLS_HANDSHAKE_MS = 10_000;

export class RtspListener {
	readonly #options: RtspListenerOptions;
	readonly #server: Server;
	readonly #secure: TlsServer | undefined;
	readonly #connections = new Map<Socket, RtspServerConnection>();
	/** As they were accepted, before TLS. */
	readonly #raw = new Set<Socket>();
	/** How many of them an address has. */
	readonly #ofAddress = new Map<string, number>();
	#lastId = 0;

	constructor(options: RtspListenerOptions) {
		this.#options = options;
		const { tls, maxConnections } = options;
		this.#secure = tls && createTlsServer({ ...tls, handshakeTimeout: TLS_HANDSHAKE_MS });
		this.#server = this.#secure ?? createServer();
		this.#server.maxConnections = maxConnections;
		// Before TLS, if there is any: who only shakes hands counts, too.
		this.#server.prependListener("connection", (socket: Socket) => this.#accept(socket));
		this.#secure?.on("secureConnection", (socket) => this.#serve(socket));
		// There is nothing to answer on: Node has closed the connection.
		this.#server.on("drop", (data) => this.#refuse(`has ${maxConnections} connections`, data?.remoteAddress ?? ""));
		this.#server.on("tlsClientError", (_, socket: Socket) => socket.destroy());
	}

	/** @throws Error of Node's, where the address cannot be had */
	async listen(): Promise<AddressInfo> {
		const { host, port } = this.#options;
		this.#server.listen({ host, port });
		await once(this.#server, "listening");
		return this.#server.address() as AddressInfo;
	}

	get connections(): number {
		return this.#connections.size;
	}

	/** From now on, with RTSPS, connections begin with this certificate. */
	renew(tls: TlsOptions): void {
		this.#secure?.setSecureContext(tls);
	}

	/** Takes no new connection; sessions stay. */
	stopAccepting(): void {
		if (this.#server.listening) this.#server.close();
	}

	/** Ends all connections. @param error why, for those who have sessions */
	async close(error: PenstockError): Promise<void> {
		const closed = this.#server.listening ? once(this.#server, "close") : undefined;
		this.stopAccepting();
		for (const connection of this.#connections.values()) connection.end(error);
		// Who is shaking hands with TLS has no session that could be told.
		const timer = this.#options.clock.after(LINGER_MS, () => {
			for (const socket of this.#raw) socket.destroy();
		});
		await closed;
		timer.cancel();
	}

	#accept(socket: Socket): void {
		socket.on("error", () => socket.destroy());
		const address = plainAddress(socket.remoteAddress);
		const count = this.#ofAddress.get(address) ?? 0;
		if (address === "" || count >= this.#options.maxConnectionsPerAddress) {
			this.#refuse(`has ${count} connections of ${address}`, address);
			return void socket.destroy();
		}
		this.#ofAddress.set(address, count + 1);
		this.#raw.add(socket);
		socket.on("close", () => {
			this.#raw.delete(socket);
			const left = (this.#ofAddress.get(address) ?? 1) - 1;
			if (left > 0) this.#ofAddress.set(address, left);
			else this.#ofAddress.delete(address);
		});
		socket.setNoDelay(true);
		if (this.#secure === undefined) this.#serve(socket);
	}

	/** What is said on it is RTSP. */
	#serve(socket: Socket): void {
		socket.on("error", () => socket.destroy());
		const connection = this.#connectionOf(socket, plainAddress(socket.remoteAddress));
		this.#connections.set(socket, connection);
		socket.on("data", (bytes: Buffer) => connection.push(bytes));
		socket.on("close", () => {
			this.#connections.delete(socket);
			connection.closed();
		});
	}

	#connectionOf(socket: Socket, address: string): RtspServerConnection {
		const { clock, application, authenticator, settings, onRefused } = this.#options;
		return new RtspServerConnection({
			...{ clock, application, authenticator, settings, address, isSecure: this.#secure !== undefined },
			localAddress: plainAddress(socket.localAddress),
			clientId: `rtsp-${++this.#lastId}`,
			output: {
				write: (bytes) => void (socket.writable && socket.write(bytes)),
				get queuedBytes() {
					return socket.writableLength;
				},
				close: (abort) => this.#end(socket, abort),
			},
			onRefused: (error) => onRefused(error, address),
		});
	}

	#end(socket: Socket, abort: boolean): void {
		if (abort) return void socket.destroy();
		socket.end();
		const timer = this.#options.clock.after(LINGER_MS, () => socket.destroy());
		socket.once("close", () => timer.cancel());
	}

	#refuse(what: string, address: string): void {
		this.#options.onRefused(
			new PenstockError("RTSP_CONNECTIONS", `the RTSP listener ${what}, which is its limit.`),
			address,
		);
	}
}

/** An IPv4 address as such where the system maps it into IPv6. */
const plainAddress = (address = ""): string => address.replace(/^::ffff:(?=\d+\.)/i, "");
