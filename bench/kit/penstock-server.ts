/**
 * Penstock's server for a benchmark, in a process of its own. Run by `fork` as `penstock-server.ts CONFIG`; sends the
 * port for viewers once every channel has a picture, and from then on, for each message that comes, what it has measured
 * since the last one (`ServerDelays`).
 */
import { Channel } from "../../dist/channel/channel.js";
import { SocketTransport } from "../../dist/delivery/transport.js";
import type { AccessUnit } from "../../dist/media/access-unit.js";
import { loadConfig } from "../../dist/server/config.js";
import { createLog } from "../../dist/server/log.js";
import { startServer } from "../../dist/server/media-server.js";
import { RENDITIONS } from "./recorded-ladder.ts";
import { findStamp, stampNow } from "./stamp.ts";

/** In milliseconds. */
export interface ServerDelays {
	/** From the write of a picture to its pipe until it is handed to the channel; of the rendition that is watched. */
	readonly pipe: number[];
	/**
	 * From there until the kernel has a viewer's bytes of it: one for each write. All of that happens in one turn of the
	 * event loop.
	 */
	readonly inside: number[];
}

let delays: ServerDelays = { pipe: [], inside: [] };
let handedInAt: number | undefined;

type Method = (this: unknown, ...args: unknown[]) => void;

/** Has `before` and `after` called around each call of a method, of all objects of a class. */
function surround(prototype: object, method: string, before: Method, after: () => void): void {
	const original = Reflect.get(prototype, method) as Method;
	const surrounded: Method = function (...args) {
		before.apply(this, args);
		original.apply(this, args);
		after();
	};
	Reflect.set(prototype, method, surrounded);
}

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
	Buffer.from(buffer, byteOffset, byteLength);
const watched = RENDITIONS.at(-1)!.name;
const handIn: Method = (rendition, accessUnit) => {
	const stamp = rendition === watched ? findStamp(bufferOf((accessUnit as AccessUnit).data)) : undefined;
	if (stamp !== undefined) delays.pipe.push((stampNow() - stamp) / 1e6);
	handedInAt = performance.now();
};
const handedOn = (): void => {
	handedInAt = undefined;
};
const noteWrite = (): void => {
	if (handedInAt !== undefined) delays.inside.push(performance.now() - handedInAt);
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
	process.send!(delays);
	delays = { pipe: [], inside: [] };
});
process.send!(server.http!.port);
process.on("disconnect", () => void server.drain().then(() => process.exit(0)));
