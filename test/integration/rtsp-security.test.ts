/**
 * What strangers can do to the server by RTSP, and cannot: flood a third party, keep getting packets, publish in
 * somebody's place, take over a session, change a session's rules. Through the real server and its engine.
 */
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { Secret } from "../../src/access/secret.ts";
import { signUrl } from "../../src/access/signed-url.ts";
import { parseRtcp, type RtcpPacket } from "../../src/media/rtp/rtcp.ts";
import { senderCompound } from "../../src/media/rtp/rtcp-writer.ts";
import { nameOf } from "../kit/access-rig.ts";
import { eventually } from "../kit/eventually.ts";
import type { ConfigFile, Penstock } from "../kit/penstock.ts";
import { runToEnd, startProcess } from "../kit/processes.ts";
import { type PublishingServer, startPublishing } from "../kit/publishing.ts";
import { ffmpegPublishes } from "../kit/rtsp-clients.ts";
import { PLAIN_SDP, RtspDialogue, rtpPacket, udpPair, udpSocket } from "../kit/rtsp-dialogue.ts";

const LOOPBACK = "127.0.0.1";

const serve = (config: ConfigFile = {}): Promise<PublishingServer> =>
	startPublishing({ channels: {}, distribution: { engine: "node" }, ...config });

const urlOf = ({ rtsp }: PublishingServer): string => `${rtsp}/live/plain`;

interface RuleAnswer {
	readonly name: string;
	readonly origin: string;
	readonly received: { readonly packets: number };
	readonly sent: { readonly packets: number };
	readonly drops: Readonly<Record<string, number>>;
	readonly receivers: readonly { readonly address: string; readonly port: number; readonly owner?: string }[];
}

/** The rule of the stream's RTP. */
async function ruleOf(penstock: Penstock): Promise<RuleAnswer> {
	const { rules } = (await penstock.call("GET", "/api/v1/rules")).body as { rules: readonly { name: string }[] };
	const { name } = rules.find(({ name: one }) => one.endsWith("-rtp"))!;
	return (await penstock.call("GET", `/api/v1/rules/${name}`)).body as RuleAnswer;
}

async function kickOnly(penstock: Penstock): Promise<void> {
	const { players } = (await penstock.call("GET", "/api/v1/players")).body as { players: readonly { id: string }[] };
	expect(players).toHaveLength(1);
	expect((await penstock.call("DELETE", `/api/v1/players/${players[0]!.id}`)).status).toBe(204);
}

async function publisherOf(server: PublishingServer) {
	const socket = await udpSocket();
	const dialogue = new RtspDialogue(urlOf(server));
	const port = await dialogue.publish(socket);
	const send = (number: number): void => socket.send(rtpPacket(number), port, LOOPBACK);
	return { dialogue, socket, port, send };
}

test("SEC9: packets go to the address of the connection that asked, whatever it says of a destination", async () => {
	const server = await serve();
	const publisher = await publisherOf(server);
	const player = await udpSocket();
	const { header } = await new RtspDialogue(urlOf(server)).play(player, "destination=127.0.0.2;source=127.0.0.3");
	expect(header).not.toMatch(/127\.0\.0\.[23]/);
	const { receivers, origin } = await ruleOf(server.penstock);
	expect([origin, receivers.map(({ address, port }) => `${address}:${port}`)]).toEqual([
		"session",
		[`${LOOPBACK}:${player.address().port}`],
	]);
	publisher.send(7);
	const [bytes, from] = await once(player, "message");
	expect(Buffer.compare(bytes, rtpPacket(7))).toBe(0);
	expect(Number(/server_port=(\d+)/.exec(header)![1])).toBe(from.port);
});

test.for(["TEARDOWN", "PAUSE", "a kill", "a kick"])("SEC9: not one packet more after %s", async (leaving) => {
	const server = await serve();
	const publisher = await publisherOf(server);
	const player = await udpSocket();
	const arrived: Buffer[] = [];
	player.on("message", (bytes: Buffer) => void arrived.push(bytes));
	const dialogue = new RtspDialogue(urlOf(server));
	await dialogue.play(player);
	publisher.send(1);
	await eventually(async () => expect(arrived.length).toBe(1));
	if (leaving === "a kill") dialogue.connection.destroy();
	else if (leaving === "a kick") await kickOnly(server.penstock);
	else expect((await dialogue.ask(leaving)).status).toBe(200);
	await eventually(async () => expect((await ruleOf(server.penstock)).receivers).toEqual([]));
	const before = await ruleOf(server.penstock);
	for (let number = 2; number < 52; number++) publisher.send(number);
	await eventually(async () =>
		expect((await ruleOf(server.penstock)).received.packets).toBe(before.received.packets + 50),
	);
	expect((await ruleOf(server.penstock)).sent).toEqual(before.sent);
	// What came last has been seen behind everything that was sent before it.
	const mark = await udpSocket();
	mark.send("mark", player.address().port, LOOPBACK);
	await eventually(async () => expect(arrived.at(-1)?.toString()).toBe("mark"));
	expect(arrived.length).toBe(2);
});

test("SEC9: a player that says nothing more is let go, and gets nothing more", async () => {
	const server = await serve({ publish: { rtsp: { sessionTimeoutMs: 5000 }, idleTimeoutMs: 60_000 } });
	const publisher = await publisherOf(server);
	const stay = setInterval(() => publisher.send(0), 500);
	try {
		const player = new RtspDialogue(urlOf(server));
		await player.play(await udpSocket());
		expect((await ruleOf(server.penstock)).receivers.length).toBe(1);
		await eventually(async () => expect((await ruleOf(server.penstock)).receivers).toEqual([]), 20_000);
		expect(await player.connection.closed).toBeUndefined();
		expect(publisher.dialogue.connection.isClosed).toBe(false);
	} finally {
		clearInterval(stay);
	}
});

test("SEC9: where packets may not go, UDP is answered 461, and the connection does, also as a second offer", async () => {
	const server = await serve({ distribution: { engine: "node", limits: { allowedNetworks: ["10.0.0.0/8"] } } });
	await publisherOf(server);
	const player = new RtspDialogue(urlOf(server));
	const refused = await player.play(await udpSocket());
	expect([refused.status, refused.header]).toEqual([461, expect.stringContaining("RULE_NETWORK")]);
	const taken = await player.ask("SETUP", "/trackID=0", ["Transport: RTP/AVP/TCP;interleaved=0-1"]);
	expect(taken.status).toBe(200);
	const both = ["Transport: RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;interleaved=0-1"];
	const chosen = await new RtspDialogue(urlOf(server)).ask("SETUP", "/trackID=0", both);
	expect([chosen.status, chosen.header]).toEqual([200, expect.stringContaining("RTP/AVP/TCP")]);
});

test("where packets may not go, FFmpeg and GStreamer take the connection by themselves", async () => {
	const server = await serve({ distribution: { engine: "node", limits: { allowedNetworks: ["10.0.0.0/8"] } } });
	const publisher = await ffmpegPublishes(urlOf(server), "tcp", startProcess, 60);
	onTestFinished(async () => void (await publisher.stop()));
	await eventually(async () => expect(await server.penstock.metric("penstock_rtsp_streams")).toBe(1), 10_000);
	const quiet = ["-hide_banner", "-v", "error", "-nostdin"];
	const source = `rtspsrc location=${urlOf(server)} ! rtph264depay ! identity eos-after=30 ! fakesink`;
	const [ffmpeg, gstreamer] = await Promise.all([
		runToEnd("ffmpeg", [...quiet, "-i", urlOf(server), "-frames:v", "30", "-f", "null", "-"]),
		runToEnd("gst-launch-1.0", ["-q", ...source.split(" ")]),
	]);
	expect([gstreamer.code, gstreamer.stderr]).toEqual([0, ""]);
	expect([ffmpeg.code, ffmpeg.stderr]).toEqual([0, expect.stringContaining("461 Unsupported Transport (RULE_NETWORK")]);
});

test("where the table has no room for another rule or receiver, UDP is answered 461, and the connection does", async () => {
	const full = await serve({ distribution: { engine: "node", limits: { rules: 1 } } });
	const publisher = new RtspDialogue(urlOf(full));
	await publisher.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP);
	const byUdp = ["Transport: RTP/AVP;unicast;client_port=5000-5001;mode=record"];
	expect((await publisher.ask("SETUP", "/streamid=0", byUdp)).status).toBe(461);
	expect((await full.penstock.call("GET", "/api/v1/rules")).body).toEqual({ rules: [] });
	const onConnection = ["Transport: RTP/AVP/TCP;interleaved=0-1;mode=record"];
	expect((await publisher.ask("SETUP", "/streamid=0", onConnection)).status).toBe(200);

	const server = await serve({ distribution: { engine: "node", limits: { receivers: 2 } } });
	await publisherOf(server);
	expect((await new RtspDialogue(urlOf(server)).play(await udpSocket())).status).toBe(200);
	const second = new RtspDialogue(urlOf(server));
	expect((await second.play(await udpSocket())).status).toBe(461);
	expect((await ruleOf(server.penstock)).receivers.length).toBe(1);
});

test("SEC9: each receiver has its rates", async () => {
	const rates = { receiverPacketsPerSecond: 200, receiverBitsPerSecond: 1_000_000 };
	const server = await serve({ publish: { rtsp: rates } });
	await publisherOf(server);
	await new RtspDialogue(urlOf(server)).play(await udpSocket());
	expect((await ruleOf(server.penstock)).receivers).toMatchObject([
		{ maxPacketsPerSecond: 200, maxBitsPerSecond: 1_000_000 },
	]);
});

test("SEC4: a stranger's packets are no publisher's, and the rules of a session are nobody's else", async () => {
	const server = await serve();
	const publisher = await publisherOf(server);
	const player = await udpSocket();
	const arrived: number[] = [];
	player.on("message", (bytes: Buffer) => void arrived.push(bytes.readUInt16BE(2)));
	await new RtspDialogue(urlOf(server)).play(player);
	const stranger = await udpSocket();
	stranger.send(rtpPacket(666), publisher.port, LOOPBACK);
	await eventually(async () => expect((await ruleOf(server.penstock)).drops["wrong-source"]).toBe(1));
	publisher.send(1);
	await eventually(async () => expect(arrived).toEqual([1]));
	const { name } = await ruleOf(server.penstock);
	const path = `/api/v1/rules/${name}`;
	for (const [method, body] of [
		["DELETE", undefined],
		["PATCH", { add: ["127.0.0.1:9"] }],
		["PUT", { match: "127.0.0.1:9", media: "rtp", receivers: [] }],
	] as const) {
		expect(await server.penstock.call(method, path, body)).toMatchObject({
			status: 409,
			body: { error: { code: "RULE_FIXED" } },
		});
	}
});

test("SEC4: a request with the session of another connection is answered 454, and the session goes on", async () => {
	const server = await serve();
	const { dialogue, send } = await publisherOf(server);
	for (const method of ["PLAY", "RECORD", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SETUP"]) {
		const thief = new RtspDialogue(urlOf(server));
		thief.session = dialogue.session;
		const track = method === "SETUP" ? "/streamid=0" : "";
		const { status } = await thief.ask(method, track, ["Transport: RTP/AVP/TCP;interleaved=0-1"]);
		expect([method, status]).toEqual([method, 454]);
	}
	send(1);
	await eventually(async () => expect((await ruleOf(server.penstock)).received.packets).toBe(1));
});

test("SEC4: a second publisher of a name is refused, whatever its protocol, and the first goes on", async () => {
	const server = await serve();
	const { send } = await publisherOf(server);
	const second = new RtspDialogue(urlOf(server));
	const answer = await second.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP);
	expect([answer.status, answer.header]).toEqual([409, expect.stringContaining("PUBLISHER_EXISTS")]);
	send(1);
	await eventually(async () => expect((await ruleOf(server.penstock)).received.packets).toBe(1));
});

test("who announces and does not record keeps no name", async () => {
	const server = await serve({ publish: { setupTimeoutMs: 500 } });
	const idle = new RtspDialogue(urlOf(server));
	await idle.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP);
	await idle.connection.closed;
	const next = new RtspDialogue(urlOf(server));
	expect((await next.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], PLAIN_SDP)).status).toBe(200);
});

const media = (count: number): string => PLAIN_SDP + "m=video 0 RTP/AVP 96\r\n".repeat(count - 1);

const BOMBS = [
	["a hundred media", media(100), 400],
	["ten thousand lines", PLAIN_SDP + "a=x\r\n".repeat(10_000), 400],
	["64 KiB and one byte", PLAIN_SDP.padEnd(65_537, " "), 413],
	["a line that does not end", `${PLAIN_SDP}a=${"x".repeat(60_000)}`, 400],
] as const;

test("SEC8: a description that is too much is refused, and others go on", async () => {
	const server = await serve();
	const publisher = await publisherOf(server);
	for (const [what, sdp, expected] of BOMBS) {
		const bomb = new RtspDialogue(`${server.rtsp}/live/bomb`);
		const { status } = await bomb.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], sdp);
		expect([what, status]).toEqual([what, expected]);
	}
	publisher.send(1);
	await eventually(async () => expect((await ruleOf(server.penstock)).received.packets).toBe(1));
});

test("header injection: what a publisher writes is one line to players, and to the log", async () => {
	const server = await serve();
	const publisher = new RtspDialogue(urlOf(server));
	const sdp = `v=0\r\ns=good\u0000\u000bSession: 1\r\ni=x\r\n${PLAIN_SDP.slice(10)}a=tool:x\u0085y\u001b[31m\r\n`;
	const announced = await publisher.ask("ANNOUNCE", "", ["Content-Type: application/sdp"], sdp);
	if (announced.status === 200) {
		await publisher.ask("SETUP", "/streamid=0", ["Transport: RTP/AVP/TCP;interleaved=0-1;mode=record"]);
		await publisher.ask("RECORD");
		const { body, header } = await new RtspDialogue(urlOf(server)).ask("DESCRIBE");
		// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
		expect(body.replaceAll("\r\n", "")).not.toMatch(/[\u0000-\u001f\u007f]/);
		expect(header.match(/^Session:/gm)).toBeNull();
	} else expect(announced.status).toBe(400);
	const split = new RtspDialogue(`${server.rtsp}/live/x`);
	const answer = await split.ask("OPTIONS", "", ["X-A: a\rSession: stolen"]);
	expect(answer.status).toBe(400);
	expect(answer.header.match(/\r(?!\n)|^Session:/m)).toBeNull();
});

/** What a publisher says of its source. */
const REPORT = {
	ssrc: 0x01020304,
	ntp: { seconds: 1, fraction: 2 },
	rtpTimestamp: 3,
	packetCount: 4,
	octetCount: 5,
	blocks: [],
};

/** The RTCP that a player gets by UDP, from now on. */
function heardBy({ rtcp }: Awaited<ReturnType<typeof udpPair>>): RtcpPacket[] {
	const heard: RtcpPacket[] = [];
	rtcp.on("message", (bytes: Buffer) => void heard.push(...(parseRtcp(bytes) as RtcpPacket[])));
	return heard;
}

test("a player by UDP hears the publisher's reports, and its good-bye when it has gone", async () => {
	const server = await serve();
	const [publisher, player] = [await udpPair(), await udpPair()];
	const dialogue = new RtspDialogue(urlOf(server));
	const port = await dialogue.publish(publisher.rtp);
	await new RtspDialogue(urlOf(server)).play(player.rtp);
	const heard = heardBy(player);
	publisher.rtcp.send(senderCompound(REPORT, "cam"), port + 1, LOOPBACK);
	await eventually(async () => expect(heard[0]).toMatchObject({ kind: "senderReport", ssrc: 0x01020304 }));
	publisher.rtp.send(rtpPacket(1), port, LOOPBACK);
	await once(player.rtp, "message");
	dialogue.connection.destroy();
	await eventually(async () => expect(heard.at(-1)).toEqual({ kind: "goodbye", ssrcs: [0x01020304] }));
});

test("a player by UDP that the operator ends hears the good-bye, and it alone", async () => {
	const server = await serve();
	const [publisher, player, other] = [await udpPair(), await udpPair(), await udpPair()];
	const port = await new RtspDialogue(urlOf(server)).publish(publisher.rtp);
	const ended = new RtspDialogue(urlOf(server));
	await ended.play(player.rtp);
	const [heard, byOther] = [heardBy(player), heardBy(other)];
	publisher.rtcp.send(senderCompound(REPORT, "cam"), port + 1, LOOPBACK);
	await eventually(async () => expect(heard[0]).toMatchObject({ kind: "senderReport" }));
	await new RtspDialogue(urlOf(server)).play(other.rtp);
	const { players } = (await server.penstock.call("GET", "/api/v1/players")).body as {
		players: readonly { id: string }[];
	};
	await server.penstock.call("DELETE", `/api/v1/players/${players[0]!.id}`);
	await eventually(async () => expect(heard.at(-1)).toEqual({ kind: "goodbye", ssrcs: [REPORT.ssrc] }));
	await ended.connection.closed;
	publisher.rtcp.send(senderCompound(REPORT, "cam"), port + 1, LOOPBACK);
	await eventually(async () => expect(byOther.length).toBeGreaterThan(0));
	expect(byOther.map(({ kind }) => kind)).not.toContain("goodbye");
});

test("a publisher by UDP that sends nothing more is let go, and its rules go with it", async () => {
	const server = await serve({ publish: { idleTimeoutMs: 2000 } });
	const { dialogue, send } = await publisherOf(server);
	send(1);
	expect(await dialogue.connection.closed).toBeUndefined();
	await eventually(async () =>
		expect((await server.penstock.call("GET", "/api/v1/rules")).body).toEqual({ rules: [] }),
	);
	await eventually(async () =>
		expect(server.penstock.log).toContainEqual(
			expect.objectContaining({ msg: "publisher left", code: "PUBLISHER_SILENT" }),
		),
	);
});

const KEY = "sixteen characters and more";
const CLOSED = {
	rights: [
		{ match: "live/*", verbs: ["publish"], by: [{ key: "studio" }] },
		{ match: "live/*", verbs: ["play"], by: [{ key: "viewers" }] },
	],
	keys: { studio: { value: KEY }, viewers: { value: `${KEY}, too` } },
};

test("SEC4: without leave nobody publishes, watches or learns what there is", async () => {
	const server = await serve({ access: CLOSED });
	const token = (key: string): string => `?token=${encodeURIComponent(key)}`;
	const sdp = ["Content-Type: application/sdp"];
	const publisher = new RtspDialogue(`${urlOf(server)}${token(KEY)}`);
	expect((await publisher.ask("ANNOUNCE", "", sdp, PLAIN_SDP)).status).toBe(200);
	expect(
		(await publisher.ask("SETUP", "/streamid=0", ["Transport: RTP/AVP/TCP;interleaved=0-1;mode=record"])).status,
	).toBe(200);
	expect((await publisher.ask("RECORD")).status).toBe(200);
	for (const key of ["", "guessed by chance, once", KEY]) {
		const query = key === "" ? "" : token(key);
		for (const stream of ["plain", "nothing"]) {
			const stranger = new RtspDialogue(`${server.rtsp}/live/${stream}${query}`);
			const described = await stranger.ask("DESCRIBE");
			expect([described.status, described.body]).toEqual([401, ""]);
			const setUp = await stranger.ask("SETUP", "/trackID=0", ["Transport: RTP/AVP;unicast;client_port=5000-5001"]);
			expect(setUp.status).toBe(401);
		}
		if (key === KEY) continue;
		const announced = await new RtspDialogue(`${server.rtsp}/live/other${query}`).ask("ANNOUNCE", "", sdp, PLAIN_SDP);
		expect(announced.status).toBe(401);
	}
	const viewer = new RtspDialogue(`${urlOf(server)}${token(`${KEY}, too`)}`);
	expect((await viewer.ask("DESCRIBE")).status).toBe(200);
	expect(JSON.stringify(server.penstock.log)).not.toContain("sixteen");
});

test("SEC4: a player whose right has come to its end is let go, and gets nothing more", async () => {
	const key = "a key of more than thirty-two characters";
	const server = await serve({
		access: {
			rights: [
				{ match: "live/*", verbs: ["publish"], by: ["anyone"] },
				{ match: "live/*", verbs: ["play"], by: [{ signed: "web" }] },
			],
			urlKeys: { web: { value: key } },
			leewayMs: 0,
		},
	});
	const publisher = await publisherOf(server);
	const expires = Date.now() + 4000;
	const app = nameOf("live");
	const query = signUrl({
		kid: nameOf("web"),
		key: new Secret(key),
		verb: "play",
		app,
		stream: nameOf("plain"),
		expires,
	});
	const player = new RtspDialogue(`${urlOf(server)}?${query}`);
	expect((await player.play(await udpSocket())).status).toBe(200);
	expect((await ruleOf(server.penstock)).receivers.length).toBe(1);
	const stay = setInterval(() => publisher.send(0), 500);
	try {
		expect(await player.connection.closed).toBeUndefined();
		await eventually(async () => expect((await ruleOf(server.penstock)).receivers).toEqual([]));
		expect(Date.now()).toBeGreaterThan(expires - 1000);
		const again = new RtspDialogue(`${urlOf(server)}?${query}`);
		expect((await again.ask("DESCRIBE")).status).toBe(401);
	} finally {
		clearInterval(stay);
	}
});
