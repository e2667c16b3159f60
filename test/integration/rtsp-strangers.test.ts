/**
 * What strangers can do to the RTSP server, and cannot: be sent what somebody else asked for, take over a session, keep
 * connections, publish in somebody's place, flood. On real sockets.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { PenstockError } from "../../src/base/errors.ts";
import { eventually } from "../kit/eventually.ts";
import { HOSTILE_PATHS } from "../kit/hostile-names.ts";
import { RawConnection } from "../kit/raw-connection.ts";
import { type RtspRelay, type RtspRelayOptions, startRtspRelay } from "../kit/rtsp-relay.ts";

const PATH = "/live/cam";
const SDP = "v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\n";
const PACKET = Uint8Array.from([0x80, 96, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 0x65]);

let relay: RtspRelay;
let connections: RawConnection[];
beforeEach(async () => {
	connections = [];
	await start({});
});
afterEach(async () => {
	for (const connection of connections) connection.destroy();
	await relay.stop();
});

async function start(options: RtspRelayOptions): Promise<void> {
	await relay?.stop();
	relay = await startRtspRelay(options);
}

function connect(): RawConnection {
	const connection = new RawConnection(`http://127.0.0.1:${relay.port}`);
	connections.push(connection);
	return connection;
}

/** Asks, and gives the answer's header. */
async function ask(
	connection: RawConnection,
	method: string,
	target: string,
	fields: string,
	body = "",
): Promise<string> {
	connection.text = "";
	const length = body === "" ? "" : `Content-Length: ${body.length}\r\n`;
	connection.write(`${method} ${target} RTSP/1.0\r\nCSeq: 1\r\n${fields}${length}\r\n${body}`);
	return (await connection.until(/^RTSP\/1\.0 .*?\r\n\r\n/s))[0];
}

const sessionOf = (answer: string): string => /\r\nSession: ([0-9a-f]{32});/.exec(answer)![1]!;
const statusOf = (answer: string): number => Number(answer.slice(9, 12));

/** A publisher by UDP; its packets come from `socket`. */
async function publish(
	clientPort: number,
): Promise<{ connection: RawConnection; session: string; serverPort: number }> {
	const connection = connect();
	const url = relay.url(PATH);
	const session = sessionOf(await ask(connection, "ANNOUNCE", url, "Content-Type: application/sdp\r\n", SDP));
	const transport = `Transport: RTP/AVP;unicast;client_port=${clientPort}-${clientPort + 1};mode=record\r\nSession: ${session}\r\n`;
	const answer = await ask(connection, "SETUP", `${url}/streamid=0`, transport);
	await ask(connection, "RECORD", url, `Session: ${session}\r\n`);
	return { connection, session, serverPort: Number(/server_port=(\d+)/.exec(answer)![1]) };
}

async function udpSocket() {
	const socket = createSocket("udp4");
	socket.bind(0, "127.0.0.1");
	await once(socket, "listening");
	return socket;
}

describe("SEC9: packets go to whoever asked on the connection, and to nobody else:", () => {
	test("a destination in SETUP changes nothing", async () => {
		const publisher = await udpSocket();
		const { serverPort } = await publish(publisher.address().port);
		const player = await udpSocket();
		const other = connect();
		const transport = `Transport: RTP/AVP;unicast;destination=127.0.0.2;client_port=${player.address().port}\r\n`;
		const answer = await ask(other, "SETUP", `${relay.url(PATH)}/trackID=0`, transport);
		expect(answer).not.toContain("127.0.0.2");
		await ask(other, "PLAY", relay.url(PATH), `Session: ${sessionOf(answer)}\r\n`);
		publisher.send(PACKET, serverPort, "127.0.0.1");
		const [bytes] = await once(player, "message");
		expect(Buffer.compare(bytes, PACKET)).toBe(0);
		expect([...relay.destinations]).toEqual([`127.0.0.1:${player.address().port}`]);
		publisher.close();
		player.close();
	});

	test("they end with TEARDOWN, and with the connection", async () => {
		const publisher = await udpSocket();
		const { serverPort } = await publish(publisher.address().port);
		for (const leave of [
			(one: RawConnection, session: string) => ask(one, "TEARDOWN", relay.url(PATH), `Session: ${session}\r\n`),
			async (one: RawConnection) => one.destroy(),
		]) {
			const player = connect();
			const transport = "Transport: RTP/AVP;unicast;client_port=40000-40001\r\n";
			const session = sessionOf(await ask(player, "SETUP", `${relay.url(PATH)}/trackID=0`, transport));
			await ask(player, "PLAY", relay.url(PATH), `Session: ${session}\r\n`);
			expect(relay.stream(PATH)!.players.size).toBe(1);
			await leave(player, session);
			await eventually(async () => expect(relay.stream(PATH)!.players.size).toBe(0));
			relay.destinations.clear();
			const before = relay.stream(PATH)!.counts.rtp;
			publisher.send(PACKET, serverPort, "127.0.0.1");
			await eventually(async () => expect(relay.stream(PATH)!.counts.rtp).toBeGreaterThan(before));
			expect([...relay.destinations]).toEqual([]);
		}
		publisher.close();
	});

	test("nobody else's packets are a publisher's", async () => {
		const publisher = await udpSocket();
		const stranger = await udpSocket();
		const { serverPort } = await publish(publisher.address().port);
		stranger.send(PACKET, serverPort, "127.0.0.1");
		await eventually(async () => expect(relay.stream(PATH)!.strangers).toBe(1));
		publisher.send(PACKET, serverPort, "127.0.0.1");
		await eventually(async () => expect(relay.stream(PATH)!.counts.rtp).toBe(1));
		publisher.close();
		stranger.close();
	});
});

describe("SEC4: a session belongs to its connection:", () => {
	test.each(["PLAY", "RECORD", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SETUP"])(
		"%s with another's id is answered 454",
		async (method) => {
			const { session } = await publish(40_000);
			const fields = `Session: ${session}\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n`;
			const target = method === "SETUP" ? `${relay.url(PATH)}/streamid=0` : relay.url(PATH);
			expect(statusOf(await ask(connect(), method, target, fields))).toBe(454);
			expect(relay.stream(PATH)!.isRecording).toBe(true);
		},
	);

	test("a second publisher is refused, and the first one stays", async () => {
		await publish(40_000);
		const answer = await ask(connect(), "ANNOUNCE", relay.url(PATH), "Content-Type: application/sdp\r\n", SDP);
		expect([statusOf(answer), relay.stream(PATH)!.isRecording]).toEqual([409, true]);
	});

	test("no verb comes past the gate", async () => {
		await start({
			gate: { ask: async () => ({ kind: "refused", error: new PenstockError("RTSP_AUTHENTICATION", "no.") }) },
		});
		const transport = "Transport: RTP/AVP;unicast;client_port=40000-40001\r\n";
		expect(statusOf(await ask(connect(), "DESCRIBE", relay.url(PATH), ""))).toBe(403);
		expect(statusOf(await ask(connect(), "ANNOUNCE", relay.url(PATH), "Content-Type: application/sdp\r\n", SDP))).toBe(
			403,
		);
		expect(statusOf(await ask(connect(), "SETUP", `${relay.url(PATH)}/trackID=0`, transport))).toBe(403);
		for (const method of ["PLAY", "RECORD", "PAUSE", "TEARDOWN"]) {
			expect(statusOf(await ask(connect(), method, relay.url(PATH), "Session: 0\r\n"))).toBe(454);
		}
		expect([relay.streams.size, relay.asked.map(({ verb }) => verb)]).toEqual([0, ["play", "publish", "play"]]);
	});
});

test(`SEC1: ${HOSTILE_PATHS.length} hostile names are refused`, async () => {
	const connection = connect();
	for (const path of HOSTILE_PATHS.filter((one) => /^\/[^\s?#]*$/.test(one))) {
		const before = relay.asked.length;
		if (connection.isClosed) break;
		const status = statusOf(await ask(connection, "DESCRIBE", `rtsp://127.0.0.1${path.replace(/\.ts$/, "")}`, ""));
		// A good name of a stream that is not there is no more than that.
		expect([path, status === 400 || (status === 404 && relay.asked.length <= before + 1)]).toEqual([path, true]);
	}
	expect(connection.isClosed).toBe(false);
	for (const { app, stream } of relay.asked) expect(`${app}/${stream}`).toMatch(/^\w[\w-]*\/\w[\w-]*$/);
});

describe("a connection", () => {
	test("that says nothing, or half a message, is closed in time", async () => {
		await start({ settings: { messageTimeoutMs: 500 } });
		const silent = connect();
		const half = connect().write(`OPTIONS ${relay.url(PATH)} RTSP/1.0\r\nCSeq: 1\r\n\r\nOPTIONS `);
		const began = performance.now();
		await Promise.all([silent.closed, half.closed]);
		expect(performance.now() - began).toBeLessThan(5000);
		expect(relay.refusals.map(({ code }) => code)).toEqual(["RTSP_TIMEOUT", "RTSP_TIMEOUT"]);
	});

	test("too many of one address is closed at once, and the others stay", async () => {
		await start({ maxConnectionsPerAddress: 3 });
		const three = [connect(), connect(), connect()];
		for (const one of three) expect(statusOf(await ask(one, "OPTIONS", "*", ""))).toBe(200);
		const fourth = connect();
		await fourth.closed;
		expect(relay.refusals.map(({ code }) => code)).toEqual(["RTSP_CONNECTIONS"]);
		three[0]!.destroy();
		await eventually(async () => expect(relay.listener.connections).toBe(2));
		expect(statusOf(await ask(connect(), "OPTIONS", "*", ""))).toBe(200);
	});

	test.each([
		["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
		["HTTP", "GET /live/cam HTTP/1.1\r\nHost: h\r\n\r\n"],
		["a header without end", `OPTIONS * RTSP/1.0\r\nX: ${"x".repeat(20_000)}`],
		["a body of 4 GiB", "ANNOUNCE * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4294967296\r\n\r\n"],
		["packets before a session", "$\0\xff\xff"],
	])("of %s is told so and closed", async (_, bytes) => {
		const connection = connect().write(bytes);
		expect(await connection.closed).toBeUndefined();
		expect(connection.text).toMatch(/^RTSP\/1\.0 4(00|13) /);
		expect(connection.text.match(/RTSP\/1\.0/g)?.length).toBe(1);
	});

	test("whose player reads nothing keeps nobody else back, and costs a bounded queue", async () => {
		await start({ settings: { stallMs: 1000, maxQueuedBytes: 64 * 1024 } });
		const publisher = connect();
		const url = relay.url(PATH);
		const session = sessionOf(await ask(publisher, "ANNOUNCE", url, "Content-Type: application/sdp\r\n", SDP));
		await ask(
			publisher,
			"SETUP",
			`${url}/streamid=0`,
			`Transport: RTP/AVP/TCP;interleaved=0-1;mode=record\r\nSession: ${session}\r\n`,
		);
		await ask(publisher, "RECORD", url, `Session: ${session}\r\n`);
		const play = async (): Promise<RawConnection> => {
			const player = connect();
			const own = sessionOf(
				await ask(player, "SETUP", `${url}/trackID=0`, "Transport: RTP/AVP/TCP;interleaved=0-1\r\n"),
			);
			await ask(player, "PLAY", url, `Session: ${own}\r\n`);
			return player;
		};
		const [reading, stopped] = [await play(), await play()];
		stopped.pause();
		reading.text = "";
		const packet = `$\0\x05\x78${"x".repeat(1400)}`;
		let sent = 0;
		for (; !stopped.isClosed && sent < 200_000 && relay.refusals.length === 0; sent += 100) {
			publisher.write(packet.repeat(100));
			await eventually(
				async () => expect(reading.text.length).toBeGreaterThanOrEqual((sent + 100) * packet.length),
				20_000,
			);
			await new Promise((resolve) => setTimeout(resolve, 2));
		}
		expect(relay.refusals.map(({ code }) => code)).toEqual(["RTSP_SLOW"]);
		expect(reading.text.length).toBe(sent * packet.length);
		expect(relay.stream(PATH)!.players.size).toBe(1);
	});
});
