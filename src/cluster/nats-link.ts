/**
 * The line to NATS: connects, and goes on trying for ever, with back-off; tells when it comes and goes; asks and
 * answers. Nothing here waits for a connection, and nothing is queued: what to do while there is none is the business
 * of whoever asks.
 */
import { readFile } from "node:fs/promises";
import {
	type ConnectionOptions,
	connect,
	credsAuthenticator,
	type NatsConnection,
	RequestError,
	type Subscription,
} from "@nats-io/transport-node";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";

export interface NatsSettings {
	/** `nats://host:4222` or `tls://host:4222`, with a user's name and password perhaps. */
	readonly url: URL;
	readonly token?: string;
	/** A `.creds` file. */
	readonly credentialsFile?: string;
	/** PEM: who has signed the server's certificate, where that is nobody whom Node trusts by itself. */
	readonly caFile?: string;
}

export interface NatsLinkOptions {
	readonly settings: NatsSettings;
	readonly clock: Clock;
	/** Shown in the server's list of connections. */
	readonly name: string;
	readonly onConnected: () => void;
	readonly onLost: (why: string) => void;
}

export type NatsReply =
	| { readonly kind: "reply"; readonly payload: string }
	| { readonly kind: "nobody" }
	| { readonly kind: "silent" }
	| { readonly kind: "away" };

/** Answers a request; undefined leaves it unanswered. Never throws. */
export type NatsHandler = (subject: string, payload: string) => string | undefined;

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2000;
const CONNECT_TIMEOUT_MS = 2000;
/** A connection over which nothing comes back for twice as long is given up. */
const PING_INTERVAL_MS = 5000;
/** Requests that wait for an answer; more are taken for lost. */
const MOST_WAITING = 10_000;

/** What the settings name, read. */
interface NatsFiles {
	readonly credentials?: Uint8Array;
	readonly ca?: Uint8Array;
}

/** @throws PenstockError NATS_CREDENTIALS */
async function readNatsFile(file: string): Promise<Uint8Array> {
	try {
		return await readFile(file);
	} catch (thrown) {
		const text = `${file} cannot be read: ${messageOf(thrown)}; look at its path and its permissions.`;
		throw new PenstockError("NATS_CREDENTIALS", text, { cause: thrown });
	}
}

export class NatsLink {
	readonly #options: NatsLinkOptions;
	readonly #connectionOptions: ConnectionOptions;
	readonly #handlers = new Map<string, NatsHandler>();
	readonly #subscriptions = new Map<string, Subscription>();
	readonly #onConnect: (() => void)[] = [];
	#connection: NatsConnection | undefined;
	#connected = false;
	#timer: Timer | undefined;
	#wait = FIRST_WAIT_MS;
	#waiting = 0;
	#closed = false;
	#why: string | undefined;

	/**
	 * Does not connect yet.
	 * @throws PenstockError NATS_CREDENTIALS
	 */
	static async create(options: NatsLinkOptions): Promise<NatsLink> {
		const { credentialsFile, caFile } = options.settings;
		return new NatsLink(options, {
			...(credentialsFile !== undefined && { credentials: await readNatsFile(credentialsFile) }),
			...(caFile !== undefined && { ca: await readNatsFile(caFile) }),
		});
	}

	private constructor(options: NatsLinkOptions, { credentials, ca }: NatsFiles) {
		this.#options = options;
		const { url, token } = options.settings;
		this.#connectionOptions = {
			servers: url.host,
			name: options.name,
			timeout: CONNECT_TIMEOUT_MS,
			pingInterval: PING_INTERVAL_MS,
			maxPingOut: 2,
			maxReconnectAttempts: -1,
			reconnectDelayHandler: () => this.#nextWait(),
			ignoreAuthErrorAbort: true,
			...(url.protocol === "tls:" && { tls: ca === undefined ? {} : { ca: Buffer.from(ca).toString() } }),
			...(url.username !== "" && { user: decodeURIComponent(url.username) }),
			...(url.password !== "" && { pass: decodeURIComponent(url.password) }),
			...(token !== undefined && { token }),
			...(credentials && { authenticator: credsAuthenticator(credentials) }),
		};
	}

	get connected(): boolean {
		return this.#connected;
	}

	/** Why there is no connection; undefined where there is one. */
	get trouble(): string | undefined {
		return this.#connected ? undefined : (this.#why ?? "not connected yet");
	}

	/** Begins to connect. */
	start(): void {
		void this.#connect();
	}

	onConnect(callback: () => void): void {
		this.#onConnect.push(callback);
	}

	/** Answers requests to a subject from now on, over every connection. */
	serve(subject: string, handler: NatsHandler): void {
		this.#handlers.set(subject, handler);
		if (this.#connection !== undefined) this.#subscribe(this.#connection, subject, handler);
	}

	/** The opposite of `serve`. */
	leave(subject: string): void {
		this.#handlers.delete(subject);
		this.#subscriptions.get(subject)?.unsubscribe();
		this.#subscriptions.delete(subject);
	}

	async request(subject: string, payload: string, timeoutMs: number): Promise<NatsReply> {
		const connection = this.#connection;
		if (connection === undefined || !this.#connected || this.#waiting >= MOST_WAITING) return { kind: "away" };
		this.#waiting++;
		try {
			const reply = await connection.request(subject, payload, { timeout: timeoutMs });
			return { kind: "reply", payload: reply.string() };
		} catch (thrown) {
			if (thrown instanceof RequestError && thrown.isNoResponders()) return { kind: "nobody" };
			return { kind: this.#connected ? "silent" : "away" };
		} finally {
			this.#waiting--;
		}
	}

	async close(): Promise<void> {
		this.#closed = true;
		this.#connected = false;
		this.#timer?.cancel();
		await this.#connection?.close();
	}

	/** The first connection is made here, so that it can be given up; later ones the library makes. */
	async #connect(): Promise<void> {
		try {
			const connection = await connect(this.#connectionOptions);
			if (this.#closed) return await connection.close();
			this.#connection = connection;
			for (const [subject, handler] of this.#handlers) this.#subscribe(connection, subject, handler);
			this.#isUp();
			await this.#follow(connection);
		} catch (thrown) {
			this.#isDown(messageOf(thrown));
		}
		if (this.#closed) return;
		this.#connection = undefined;
		this.#timer = this.#options.clock.after(this.#nextWait(), () => void this.#connect());
	}

	/** Until the connection is closed for good. */
	async #follow(connection: NatsConnection): Promise<void> {
		for await (const status of connection.status()) {
			if (status.type === "reconnect") this.#isUp();
			else if (status.type === "disconnect") this.#isDown("the connection ended");
			else if (status.type === "staleConnection") this.#isDown("no answer to a ping");
			else if (status.type === "error") this.#why = messageOf(status.error);
		}
		this.#isDown("the connection was closed");
	}

	#subscribe(connection: NatsConnection, subject: string, handler: NatsHandler): void {
		const subscription = connection.subscribe(subject, {
			callback: (error, message) => {
				if (error !== null) return;
				const answer = handler(message.subject, message.string());
				if (answer !== undefined) message.respond(answer);
			},
		});
		this.#subscriptions.set(subject, subscription);
	}

	#isUp(): void {
		this.#wait = FIRST_WAIT_MS;
		this.#connected = true;
		this.#why = undefined;
		this.#options.onConnected();
		for (const callback of this.#onConnect) callback();
	}

	#isDown(why: string): void {
		const first = this.#why === undefined;
		this.#why = why;
		if (this.#closed || (!this.#connected && !first)) return;
		this.#connected = false;
		this.#options.onLost(why);
	}

	#nextWait(): number {
		const wait = this.#wait;
		this.#wait = Math.min(LONGEST_WAIT_MS, wait * 2);
		return wait;
	}
}
