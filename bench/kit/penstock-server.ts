/**
 * Penstock's server for a benchmark, in a process of its own. Run by `fork` as `penstock-server.ts CONFIG`; sends the
 * port for viewers once every channel has a picture.
 */
import { loadConfig } from "../../dist/server/config.js";
import { createLog } from "../../dist/server/log.js";
import { startServer } from "../../dist/server/media-server.js";

const config = await loadConfig(process.argv[2]!, {});
const server = await startServer(config, { log: createLog(config.log) });
for (;;) {
	const answer = await fetch(`http://127.0.0.1:${server.api.port}/healthz`);
	if (answer.status === 200) break;
	await new Promise((resolve) => setTimeout(resolve, 50));
}
process.send!(server.http.port);
process.on("disconnect", () => void server.drain().then(() => process.exit(0)));
