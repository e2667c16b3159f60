/** A port of the loopback at which a rule's packets come into this process. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const LOOPBACK = "127.0.0.1";
/** Asked for; the kernel gives at most net.core.rmem_max. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

export class Landing {
	readonly port: number;
	readonly #socket: Socket;

	/**
	 * @param from the port that packets come from; others are nobody's
	 * @throws the system's error
	 */
	static async open(from: number, onPacket: (bytes: Buffer) => void): Promise<Landing> {
		const socket = createSocket("udp4");
		socket.bind({ address: LOOPBACK, port: 0, exclusive: true });
		await once(socket, "listening");
		socket.on("error", () => undefined);
		try {
			socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
		} catch {
			// The kernel's own size stays.
		}
		socket.on("message", (bytes, { port }) => {
			if (port === from) onPacket(bytes);
		});
		return new Landing(socket);
	}

	private constructor(socket: Socket) {
		this.#socket = socket;
		this.port = socket.address().port;
	}

	close(): void {
		this.#socket.close();
	}
}
