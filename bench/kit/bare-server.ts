/**
 * The limit to compare with: a bare `net` server that passes on whatever FFmpeg's pipes of the lowest rendition and
 * the audio give to every connection, in the tick in which it comes. No units, no packaging, no switching. (A tag is
 * written to its pipe at once and read at once, so that tags of the two do not come to lie inside each other.)
 *
 * Run by `fork` as `bare-server.ts FFMPEG PIPES`; sends its port. The first connection starts FFmpeg.
 */
import { spawn } from "node:child_process";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Readable } from "node:stream";

const [ffmpeg, pipes] = process.argv.slice(2);
const sockets = new Set<Socket>();
const child = spawn(ffmpeg!, ["-i", "bench"], {
	stdio: ["ignore", "ignore", "inherit", ...Array.from({ length: Number(pipes) }, () => "pipe" as const)],
});
child.stdio.slice(3).forEach((pipe, index, all) => {
	const readable = pipe as Readable;
	// The lowest rendition and the audio, which stand last: what the other side's viewers get, in as many writes.
	if (index < all.length - 2) readable.resume();
	else {
		readable.on("data", (bytes: Buffer) => {
			for (const socket of sockets) socket.write(bytes);
		});
	}
});
const server = createServer({ noDelay: true }, (socket) => {
	sockets.add(socket);
	socket.on("error", () => {});
	socket.on("close", () => sockets.delete(socket));
});
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process.on("disconnect", () => {
	child.kill();
	process.exit(0);
});
