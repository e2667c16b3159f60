/**
 * Notes when each picture of a stream arrives, where a viewer is: reads the stream itself, or stands between a player
 * and the server and passes everything on, no faster than the player takes it.
 *
 * Run as `arrivals-process.ts read URL` or `arrivals-process.ts pass URL`; the latter says "port N" and takes the
 * player's connections on the loopback. Tells, a line each: `asked AT`, `head ID`, `unit AT TIME NUMBER RENDITION` and `picture AT
 * PTS BYTES`, with times in milliseconds, AT by the machine's monotonic clock and when the last byte was there.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream";
import { ticksToMs } from "../../src/base/units.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { ResponseReader } from "./http-response.ts";
import { monotonicOffset } from "./monotonic.ts";

const offset = monotonicOffset();
const ms = (value: number): string => value.toFixed(2);

/** Follows the bytes of one response; of any that is no transport stream it says nothing. */
function follow(): (bytes: Buffer) => void {
	let at = 0;
	const stream = new MpegTsReader({
		accessUnit: ({ track, pts, data }) => {
			if (track === "video") console.log(`picture ${ms(at)} ${ms(ticksToMs(pts))} ${data.length}`);
		},
		decodeInformation: () => {},
		unitStart: ({ time, number, rendition }) =>
			console.log(`unit ${ms(at)} ${ms(ticksToMs(time))} ${number} ${rendition}`),
	});
	let isStream = false;
	const response = new ResponseReader("GET", {
		onHead: ({ headers }) => {
			isStream = headers["content-type"] === "video/mp2t";
			if (isStream) console.log(`head ${headers["penstock-viewer"]}`);
		},
		onBody: (bytes) => {
			if (isStream) stream.push(bytes);
		},
		onComplete: () => {},
	});
	let isBroken = false;
	return (bytes) => {
		at = performance.now() + offset;
		try {
			if (!isBroken) response.push(bytes);
		} catch {
			// More than one response on a connection: those are not streams.
			isBroken = true;
		}
	};
}

const [mode, text] = process.argv.slice(2);
const url = new URL(text!);

function open(onData: (bytes: Buffer) => void): Socket {
	return connect({ host: url.hostname, port: Number(url.port), noDelay: true }).on("data", onData);
}

function pass(player: Socket): void {
	console.log(`asked ${ms(performance.now() + offset)}`);
	const server = open(follow());
	// `pipeline` pauses the server's side where the player's does not take it, in spite of the other listener.
	pipeline(player, server, () => {});
	pipeline(server, player, () => {});
}

if (mode === "read") {
	const server = open(follow());
	await once(server, "connect");
	console.log(`asked ${ms(performance.now() + offset)}`);
	server.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n\r\n`);
	await once(server, "close");
} else {
	const listener = createServer({ noDelay: true }, pass).listen(0, "127.0.0.1");
	await once(listener, "listening");
	console.log(`port ${(listener.address() as AddressInfo).port}`);
}
