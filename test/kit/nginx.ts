/**
 * A plain nginx in front of a server: `proxy_pass` and nothing else, as an operator would write it first. It speaks
 * HTTP/1.0 to the server, as it does unless told otherwise.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "./eventually.ts";
import { freePort } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

/** Starts nginx and resolves with its URL when it answers. */
export async function startNginx(upstream: string): Promise<string> {
	const directory = makeTempDir("nginx", 0o777);
	const port = await freePort();
	const file = join(directory, "nginx.conf");
	const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
	writeFileSync(
		file,
		`daemon off; master_process off; pid ${directory}/pid; error_log stderr warn;
events {}
http {
	access_log off;
	${temporary.map((kind) => `${kind}_temp_path ${directory}/${kind};`).join(" ")}
	server { listen 127.0.0.1:${port}; location / { proxy_pass ${upstream}; } }
}
`,
	);
	chmodSync(file, 0o644);
	startProcess("nginx", ["-c", file, "-e", "stderr"], { env: { PATH: `${process.env["PATH"]}:/usr/sbin` } });
	const url = `http://127.0.0.1:${port}`;
	await eventually(async () => void (await fetch(`${url}/healthz`)));
	return url;
}
