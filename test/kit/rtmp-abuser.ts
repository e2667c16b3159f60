/**
 * A process of RTMP clients that mean no good, so that the server's own memory and time can be told from theirs:
 * `node rtmp-abuser.ts PORT COUNT stall|flood`. Says "ready" when all stall, "closed" when the server has closed all.
 *
 * stall: each publishes, begins a picture of 4 MiB on each of 16 chunk streams, sends a chunk of each and then nothing.
 * flood: each publishes, and sends messages of one byte, a header of one byte before each, as fast as it can.
 */
import { connect } from "node:net";
import { RtmpScript } from "./rtmp-script.ts";

const CHUNK_STREAMS = 16;
const PICTURE_BYTES = 4 * 1024 * 1024;

/** Whole headers, each with one chunk of 128 bytes; chunk stream 3 is the commands'. */
const BEGINNINGS = Buffer.concat(
	Array.from({ length: CHUNK_STREAMS - 1 }, (_, index) => {
		const length = [PICTURE_BYTES >> 16, (PICTURE_BYTES >> 8) & 0xff, PICTURE_BYTES & 0xff];
		return Uint8Array.from([4 + index, 0, 0, 0, ...length, 9, 1, 0, 0, 0, ...new Array<number>(128).fill(0)]);
	}),
);

/** Format 3: the same again, with its one byte. */
const FLOOD = Uint8Array.from({ length: 64 * 1024 }, (_, at) => (at % 2 === 0 ? (3 << 6) | 4 : 0));

const [port, count, kind] = process.argv.slice(2);
let ready = 0;
let closed = 0;
for (let index = 0; index < Number(count); index++) {
	const socket = connect({ host: "127.0.0.1", port: Number(port) });
	const script = new RtmpScript();
	socket.on("error", () => undefined);
	socket.on("close", () => {
		if (++closed === Number(count)) console.log("closed");
	});
	socket.write(script.beginning(`cam${index}`));
	let begun = false;
	socket.on("data", (bytes) => {
		if (begun || !bytes.includes("NetStream.Publish.Start")) return;
		begun = true;
		if (kind === "stall") {
			socket.write(BEGINNINGS, () => {
				if (++ready === Number(count)) console.log("ready");
			});
			return;
		}
		socket.write(script.message(9, Uint8Array.of(0), { streamId: 1 }));
		const go = (): void => {
			while (!socket.destroyed && socket.write(FLOOD)) {}
		};
		socket.on("drain", go);
		go();
	});
}
