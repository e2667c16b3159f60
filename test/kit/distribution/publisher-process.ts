/**
 * Sends media packets at an even pace, and says how many: the publisher of the distribution plane's tests, in a process
 * of its own, so that it can have a network of its own. SIGTERM ends it early.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mediaPacket } from "./media-packets.ts";
import type { PublisherJob } from "./publisher.ts";

const job = JSON.parse(process.argv[2] ?? "") as PublisherJob;
const { kind, to, bytes, packetsPerSecond, stream = 1, first = 0, count = Number.POSITIVE_INFINITY } = job;

const socket = createSocket(to.address.includes(":") ? "udp6" : "udp4");
socket.bind(job.fromPort ?? 0);
await once(socket, "listening");
socket.setSendBufferSize(1_000_000);

const started = performance.now();
let sent = 0;
let unsettled = 0;
let ended = false;

function settled(error: Error | null): void {
	if (error !== null) throw error;
	unsettled--;
	finish();
}

function finish(): void {
	if (!ended || unsettled > 0) return;
	process.stdout.write(`sent ${sent}\n`);
	socket.close();
}

function turn(): void {
	if (ended) return;
	const due = Math.min(count, Math.floor(((performance.now() - started) / 1000) * packetsPerSecond) + 1);
	while (sent < due) {
		const size = bytes[sent % bytes.length]!;
		unsettled++;
		socket.send(mediaPacket({ kind, stream, bytes: size }, first + sent), to.port, to.address, settled);
		sent++;
	}
	if (sent < count) setTimeout(turn, 1);
	else end();
}

function end(): void {
	ended = true;
	finish();
}

process.on("SIGTERM", end);
turn();
