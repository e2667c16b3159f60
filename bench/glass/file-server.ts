/**
 * A plain file server on the loopback, in a process of its own: `file-server.ts /prefix=directory…`; says "port N".
 * It has the pages of the contenders, the built player, and the files of HLS.
 */
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".m3u8": "application/vnd.apple.mpegurl",
	".ts": "video/mp2t",
};

const roots = process.argv.slice(2).map((root) => root.split("=") as [prefix: string, directory: string]);

function fileOf(path: string): { readonly file: string; readonly size: number } | undefined {
	const [prefix, directory] = roots.find(([start]) => path.startsWith(start)) ?? [];
	if (prefix === undefined || directory === undefined) return undefined;
	const file = join(directory, normalize(`/${path.slice(prefix.length)}`));
	const stat = statSync(file, { throwIfNoEntry: false });
	return stat?.isFile() ? { file, size: stat.size } : undefined;
}

const server = createServer((request, response) => {
	const found = fileOf(new URL(request.url ?? "/", "http://file-server").pathname);
	if (found === undefined) {
		response.writeHead(404).end();
		return;
	}
	const type = TYPES[extname(found.file)] ?? "application/octet-stream";
	response.writeHead(200, { "Content-Type": type, "Content-Length": found.size, "Cache-Control": "no-cache" });
	createReadStream(found.file)
		.on("error", () => response.destroy())
		.pipe(response);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`));
