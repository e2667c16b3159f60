/**
 * A TCP relay on the loopback which can do what a network does to those behind it: stop passing bytes while connections
 * stay open, or end them all and let nobody in.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onCleanup } from "./cleanup.ts";

/** @param target `http://127.0.0.1:port` */
export async function startRelay(target: string): Promise<TcpRelay> {
	const server = createServer();
	const relay = new TcpRelay(Number(new URL(target).port), () => (server.address() as AddressInfo).port);
	server.on("connection", (socket) => relay.accept(socket));
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	onCleanup(() => {
		server.close();
		relay.cut();
	});
	return relay;
}

export class TcpRelay {
	readonly #targetPort: number;
	readonly #port: () => number;
	readonly #sockets = new Set<Socket>();
	#state: "passing" | "holding" | "cut" = "passing";

	/** Use `startRelay`. */
	constructor(targetPort: number, port: () => number) {
		this.#targetPort = targetPort;
		this.#port = port;
	}

	/** Where it takes connections, as the origin of a URL. */
	get origin(): string {
		return `http://127.0.0.1:${this.#port()}`;
	}

	/** No byte passes any more, either way; connections stay, and new ones are taken. */
	hold(): void {
		this.#state = "holding";
		for (const socket of this.#sockets) socket.pause();
	}

	/** Ends all connections, and each new one at once. */
	cut(): void {
		this.#state = "cut";
		for (const socket of this.#sockets) socket.resetAndDestroy();
	}

	/** All is well again. */
	pass(): void {
		this.#state = "passing";
		for (const socket of this.#sockets) socket.resume();
	}

	accept(client: Socket): void {
		if (this.#state === "cut") return void client.resetAndDestroy();
		const server = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
		client.setNoDelay(true);
		this.#join(client, server);
		this.#join(server, client);
	}

	#join(from: Socket, to: Socket): void {
		this.#sockets.add(from);
		from.on("data", (bytes) => {
			if (!to.write(bytes)) from.pause();
		});
		to.on("drain", () => {
			if (this.#state === "passing") from.resume();
		});
		from.on("end", () => to.end());
		// The other side hears of it as well: "close" follows.
		from.on("error", () => undefined);
		from.on("close", () => {
			this.#sockets.delete(from);
			to.destroy();
		});
		if (this.#state === "holding") from.pause();
	}
}
