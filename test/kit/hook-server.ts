/** A hook of a test: a real HTTP server that answers as it is told to, and remembers what it was asked. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onCleanup } from "./cleanup.ts";

export interface HookCall {
	readonly url: string;
	readonly headers: IncomingMessage["headers"];
	readonly body: Readonly<Record<string, unknown>>;
}

export type HookReply = (call: HookCall, response: ServerResponse) => void;

export class HookServer {
	readonly calls: HookCall[] = [];
	/** Connections, whether anything was asked over them or not. */
	connections = 0;
	/** Calls that are not answered yet, now and at most. */
	open = 0;
	mostOpen = 0;
	readonly port: number;
	readonly #scheme: string;
	#reply: HookReply = (_call, response) => response.end("0");

	/** @param tls with it the server speaks HTTPS */
	static async start(tls?: { readonly key: string; readonly cert: string }): Promise<HookServer> {
		let made: HookServer | undefined;
		const listener: RequestListener = (request, response) => void made?.take(request, response);
		const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
		server.on("connection", () => {
			if (made !== undefined) made.connections++;
		});
		server.listen(0, "127.0.0.1");
		await once(server, "listening");
		onCleanup(() => {
			server.closeAllConnections();
			server.close();
		});
		made = new HookServer((server.address() as AddressInfo).port, tls === undefined ? "http" : "https");
		return made;
	}

	/** Use `HookServer.start`. */
	constructor(port: number, scheme: string) {
		this.port = port;
		this.#scheme = scheme;
	}

	url(path = "/hook", host = "127.0.0.1"): string {
		return `${this.#scheme}://${host}:${this.port}${path}`;
	}

	/** From now on. */
	reply(reply: HookReply): void {
		this.#reply = reply;
	}

	/** What was asked, by action. */
	get actions(): readonly unknown[] {
		return this.calls.map(({ body }) => body["action"]);
	}

	async take(request: IncomingMessage, response: ServerResponse): Promise<void> {
		this.mostOpen = Math.max(this.mostOpen, ++this.open);
		response.once("close", () => this.open--);
		const pieces: Buffer[] = [];
		for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
		const text = Buffer.concat(pieces).toString();
		const body = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
		const call = { url: request.url ?? "", headers: request.headers, body };
		this.calls.push(call);
		this.#reply(call, response);
	}
}
