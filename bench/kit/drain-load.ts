/**
 * Viewers that only receive, in a process of their own: `count` connections that GET one of the paths, in turns, and
 * throw away what comes.
 *
 * Run by `fork` with port, count and paths as its arguments; sends "watching" when the last one has had bytes.
 */
import { connect } from "node:net";

const [port, count, paths] = [Number(process.argv[2]), Number(process.argv[3]), process.argv.slice(4)];
const SINK = Buffer.alloc(256 * 1024);
/** Connections that wait for their first bytes at a time: a listener's queue is not endless. */
const AT_ONCE = 100;
let opened = 0;
let watching = 0;

function open(): void {
	if (opened === count) return;
	const path = paths[opened++ % paths.length];
	let isNew = true;
	const callback = (): boolean => {
		if (!isNew) return true;
		isNew = false;
		if (++watching === count) process.send!("watching");
		open();
		return true;
	};
	const socket = connect({ port, host: "127.0.0.1", onread: { buffer: SINK, callback } });
	socket.on("error", (error) => {
		process.send!(`a connection failed: ${error.message}`);
	});
	socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
}

for (let i = 0; i < AT_ONCE; i++) open();
process.on("disconnect", () => process.exit(0));
