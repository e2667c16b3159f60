/** Free TCP ports on the loopback, as the kernel gives them. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

const given = new Set<number>();

/**
 * A port that was free a moment ago and that this process has not been given before. Where a server can listen on
 * port 0 and tell its port, prefer that: nobody can come between.
 */
export async function freePort(): Promise<number> {
	for (;;) {
		const server = createServer().listen(0, "127.0.0.1");
		await once(server, "listening");
		const { port } = server.address() as AddressInfo;
		server.close();
		await once(server, "close");
		if (given.has(port)) continue;
		given.add(port);
		return port;
	}
}
