/** A pull on `node:net`: one connection to a camera or a server, and the client's machine on it. */
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import { type PullApplication, PullClient } from "./pull-client.ts";
import type { PullUrl } from "./pull-url.ts";

export interface PullSourceOptions {
	readonly clock: Clock;
	readonly url: PullUrl;
	/** The address to dial: names are resolved, and judged, by who opens the pull (SEC3). */
	readonly address: string;
	readonly transport: "udp-first" | "udp" | "interleaved";
	readonly application: PullApplication;
	readonly silenceMs: number;
	/** The connection stands. @param localAddress this side's: where packets by UDP come */
	readonly onConnected?: (localAddress: string) => void;
}

const LINGER_MS = 1000;

/** Dials, and pulls. What becomes of it the application hears. */
export function openPull(options: PullSourceOptions): PullClient {
	const { clock, url, address, transport, application, silenceMs } = options;
	const { tls, host, port } = url;
	const socket: Socket = tls
		? connectTls({ host: address, port, servername: host })
		: connectPlain({ host: address, port });
	const client = new PullClient({
		...{ clock, url, transport, application, silenceMs },
		output: {
			write: (bytes) => void (socket.writable && socket.write(bytes)),
			get queuedBytes() {
				return socket.writableLength;
			},
			close: (abort) => {
				if (abort) return void socket.destroy();
				socket.end();
				const timer = clock.after(LINGER_MS, () => socket.destroy());
				socket.once("close", () => timer.cancel());
			},
		},
	});
	socket.setNoDelay(true);
	socket.once(tls ? "secureConnect" : "connect", () => {
		options.onConnected?.(socket.localAddress ?? "");
		client.start();
	});
	socket.on("data", (bytes: Buffer) => client.push(bytes));
	socket.on("error", (thrown) => client.failed(unreachable(url, thrown)));
	socket.once("close", () => client.closed());
	return client;
}

const unreachable = ({ host, port }: PullUrl, thrown: unknown): PenstockError =>
	new PenstockError("SOURCE_UNREACHABLE", `rtsp://${host}:${port} cannot be reached: ${messageOf(thrown)}.`, {
		cause: thrown,
	});
