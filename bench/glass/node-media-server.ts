/** node-media-server as a peer: the real one, in a process of its own, on free ports of the loopback. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../test/kit/ports.ts";
import { type RunningProcess, startProcess } from "../../test/kit/processes.ts";
import { makeTempDir } from "../../test/kit/temp-dir.ts";

const PROGRAM = join(fileURLToPath(import.meta.resolve("node-media-server")), "../../bin/app.js");

export interface NodeMediaServer {
	readonly process: RunningProcess;
	/** Where FFmpeg publishes, by RTMP. */
	readonly publish: string;
	/** Where players fetch it, as FLV over HTTP. */
	readonly play: string;
}

/** Its own defaults, but for addresses, and without TLS, console, notes of visitors and recording. */
function configOf(rtmpPort: number, httpPort: number): object {
	return {
		bind: "127.0.0.1",
		rtmp: { port: rtmpPort },
		http: { port: httpPort },
		auth: { play: false, publish: false, secret: "none is asked for" },
		store: { path: "./data", maxHistory: 100 },
		record: { auto: false, path: "./record" },
		webadmin: { enable: false },
	};
}

export async function startNodeMediaServer(): Promise<NodeMediaServer> {
	const [rtmpPort, httpPort] = [await freePort(), await freePort()];
	const directory = makeTempDir("node-media-server");
	const config = join(directory, "config.json");
	writeFileSync(config, JSON.stringify(configOf(rtmpPort, httpPort)));
	const running = startProcess(process.execPath, [PROGRAM, "--config", config], { cwd: directory });
	await running.waitForLine(new RegExp(`HTTP.*:${httpPort}`, "i"));
	await running.waitForLine(new RegExp(`RTMP.*:${rtmpPort}`, "i"));
	return {
		process: running,
		publish: `rtmp://127.0.0.1:${rtmpPort}/live/glass`,
		play: `http://127.0.0.1:${httpPort}/live/glass.flv`,
	};
}
