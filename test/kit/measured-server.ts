/**
 * Penstock's server with a scale, run as `node --expose-gc measured-server.ts CONFIG`: beside its own two listeners
 * there is a third, which answers every request with the bytes that the process holds on its heap and beside it
 * (buffers), all garbage taken out. Says where the third is in a line of its own.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { loadConfig } from "../../dist/server/config.js";
import { createLog } from "../../dist/server/log.js";
import { startServer } from "../../dist/server/media-server.js";

/** Buffers go when the object that held them has gone: in the next turn. */
async function heldBytes(): Promise<number> {
	for (let round = 0; round < 3; round++) {
		globalThis.gc!();
		await turn();
	}
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

const config = await loadConfig(process.argv[2]!, {});
const server = await startServer(config, { log: createLog(config.log) });
const scale = createServer((_, response) => void heldBytes().then((bytes) => response.end(String(bytes))));
scale.listen(0, "127.0.0.1", () => {
	process.stdout.write(`scale http://127.0.0.1:${(scale.address() as AddressInfo).port}\n`);
});
process.on("SIGTERM", () => void server.drain().then(() => process.exit(0)));
