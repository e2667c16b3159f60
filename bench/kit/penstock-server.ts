/**
 * Penstock's server for a benchmark, in a process of its own. Run by `fork` as `penstock-server.ts CONFIG`; sends the
 * port for viewers once every channel has a picture, and from then on, for each message that comes, the delays inside
 * the server since the last one.
 */
import { Channel } from "../../dist/channel/channel.js";
import { SocketTransport } from "../../dist/delivery/transport.js";
import { loadConfig } from "../../dist/server/config.js";
import { createLog } from "../../dist/server/log.js";
import { startServer } from "../../dist/server/media-server.js";

/**
 * Milliseconds from the call that hands a picture to the channel until the kernel has a viewer's bytes of it: one for
 * each write. All of that happens in one turn of the event loop.
 */
let insideMs: number[] = [];
let handedInAt: number | undefined;

type Method = (this: unknown, ...args: unknown[]) => void;

/** Has `before` and `after` called around each call of a method, of all objects of a class. */
function surround(prototype: object, method: string, before: () => void, after: () => void): void {
	const original = Reflect.get(prototype, method) as Method;
	const surrounded: Method = function (...args) {
		before();
		original.apply(this, args);
		after();
	};
	Reflect.set(prototype, method, surrounded);
}

const handIn = (): void => {
	handedInAt = performance.now();
};
const handedOn = (): void => {
	handedInAt = undefined;
};
const noteWrite = (): void => {
	if (handedInAt !== undefined) insideMs.push(performance.now() - handedInAt);
};
surround(Channel.prototype, "appendVideo", handIn, handedOn);
surround(SocketTransport.prototype, "send", () => {}, noteWrite);
surround(SocketTransport.prototype, "sendAll", () => {}, noteWrite);

const config = await loadConfig(process.argv[2]!, {});
const server = await startServer(config, { log: createLog(config.log) });
for (;;) {
	const answer = await fetch(`http://127.0.0.1:${server.api.port}/healthz`);
	if (answer.status === 200) break;
	await new Promise((resolve) => setTimeout(resolve, 50));
}
process.on("message", () => {
	process.send!(insideMs);
	insideMs = [];
});
process.send!(server.http.port);
process.on("disconnect", () => void server.drain().then(() => process.exit(0)));
