import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { anyDamage, anySizes, cut, damaged } from "../../test/kit/random-units.ts";
import { PenstockError } from "../base/errors.ts";
import type { AccessGate, AccessRequest } from "../wire/access.ts";
import { type RtspResponse, writePacket } from "../wire/rtsp-message.ts";
import { RtspReader } from "../wire/rtsp-reader.ts";
import type { SdpSession } from "../wire/sdp.ts";
import { readSdp } from "../wire/sdp-reader.ts";
import type { MediaLink, MediaSession, RtspApplication, RtspPeer, SetUpAnswer, TransportWish } from "./application.ts";
import { Authenticator } from "./authenticator.ts";
import { RtspServerConnection } from "./server-connection.ts";
import { DEFAULT_RTSP_SETTINGS } from "./server-settings.ts";

const SDP =
	"v=0\r\ns=-\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:streamid=0\r\nm=audio 0 RTP/AVP 97\r\na=control:streamid=1\r\n";
const URL = "rtsp://127.0.0.1:8554/live/cam";

/** Takes everything, and writes down what it is asked. */
class Scribe implements RtspApplication, MediaSession {
	readonly said: string[] = [];
	link: MediaLink | undefined;
	peer: RtspPeer | undefined;
	/** Sent from within `start`, before the client has its answer. */
	early: Uint8Array | undefined;
	/** What the gate has said yes to and is over: verbs. */
	readonly over: string[] = [];
	unsupported: TransportWish["kind"][] = [];
	/** Calls of the application wait until it is resolved. */
	gate: Promise<void> = Promise.resolve();
	readonly description: SdpSession;

	constructor() {
		const read = readSdp(new TextEncoder().encode(SDP));
		if (read.kind === "fault") throw read.error;
		this.description = read.value;
	}

	released({ verb }: AccessRequest): void {
		this.over.push(verb);
	}

	async describe() {
		await this.gate;
		this.said.push("describe");
		return { kind: "ok", value: this.description } as const;
	}

	async announce(_: unknown, peer: RtspPeer, __: unknown, link: MediaLink) {
		await this.gate;
		this.said.push("announce");
		this.link = link;
		this.peer = peer;
		return { kind: "ok", value: this } as const;
	}

	async open(_: unknown, peer: RtspPeer, link: MediaLink) {
		await this.gate;
		this.said.push("open");
		this.link = link;
		this.peer = peer;
		return { kind: "ok", value: { description: this.description, session: this } } as const;
	}

	async setUp(medium: number, wish: TransportWish): Promise<SetUpAnswer> {
		this.said.push(`setUp ${medium} ${JSON.stringify(wish)}`);
		if (this.unsupported.includes(wish.kind)) return { kind: "unsupported" };
		switch (wish.kind) {
			case "interleaved":
				return { kind: "granted", grant: wish };
			case "udp":
				return {
					kind: "granted",
					grant: { kind: "udp", serverPorts: { rtp: 6000 + 2 * medium, rtcp: 6001 + 2 * medium } },
				};
			case "multicast":
				return {
					kind: "granted",
					grant: { kind: "multicast", address: "239.1.1.1", ports: { rtp: 7000, rtcp: 7001 }, ttl: 4 },
				};
		}
	}

	async start() {
		this.said.push("start");
		if (this.early !== undefined) this.link?.send(0, "rtp", this.early);
		return { kind: "ok", value: [{ sequence: 7, rtpTime: 9000 }, {}] } as const;
	}

	async pause() {
		this.said.push("pause");
		return { kind: "ok", value: undefined } as const;
	}

	packet(medium: number, kind: string, bytes: Uint8Array): void {
		this.said.push(`packet ${medium} ${kind} ${Buffer.from(bytes).toString("hex")}`);
	}

	close(error: PenstockError | undefined): void {
		this.said.push(`close ${error?.code}`);
	}
}

const everybody: AccessGate = { ask: async () => ({ kind: "granted", principal: "anybody" }) };

/** A connection without a network. */
class Rig {
	readonly clock = new ManualClock();
	readonly application = new Scribe();
	readonly refused: string[] = [];
	readonly written: Uint8Array[] = [];
	/** Responses and packets, in the order in which they were written. */
	readonly things: (RtspResponse | { readonly channel: number; readonly payload: string })[] = [];
	queuedBytes = 0;
	ended: "gently" | "at once" | undefined;
	readonly connection: RtspServerConnection;
	#cseq = 0;

	constructor(gate: AccessGate = everybody, isSecure = false) {
		const { clock, application } = this;
		const authenticator = new Authenticator({ gate, clock, realm: "penstock", basic: false });
		const reader = new RtspReader({
			request: () => undefined,
			response: (response) => void this.things.push({ ...response, body: response.body.slice() }),
			packet: (channel, payload) => void this.things.push({ channel, payload: Buffer.from(payload).toString("hex") }),
			fault: (error) => {
				throw error;
			},
		});
		reader.takesPackets = true;
		this.connection = new RtspServerConnection({
			...{ clock, application, authenticator, settings: DEFAULT_RTSP_SETTINGS },
			...{ address: "192.0.2.7", localAddress: "192.0.2.1", clientId: "rtsp-1", isSecure },
			output: {
				write: (bytes) => {
					this.written.push(bytes);
					reader.push(bytes);
				},
				get queuedBytes() {
					return rig().queuedBytes;
				},
				close: (abort) => (this.ended = abort ? "at once" : "gently"),
			},
			onRefused: ({ code }) => this.refused.push(code),
		});
		const rig = (): Rig => this;
	}

	send(text: string): void {
		this.connection.push(Buffer.from(text, "latin1"));
	}

	/** @returns the next response, when it has been written */
	async ask(
		method: string,
		target: string,
		fields: Readonly<Record<string, string>> = {},
		body = "",
	): Promise<RtspResponse> {
		const before = this.things.length;
		const length = body === "" ? {} : { "Content-Length": String(body.length) };
		const lines = Object.entries({ CSeq: String(++this.#cseq), ...fields, ...length }).map(
			([name, value]) => `${name}: ${value}\r\n`,
		);
		this.send(`${method} ${target} RTSP/1.0\r\n${lines.join("")}\r\n${body}`);
		await settled();
		const response = this.things.slice(before).find((thing) => "status" in thing);
		if (response === undefined) throw new Error(`no answer to ${method}`);
		expect(response.headers.get("cseq") ?? String(this.#cseq)).toBe(String(this.#cseq));
		return response;
	}

	announce = () => this.ask("ANNOUNCE", URL, { "Content-Type": "application/sdp" }, SDP);

	/** A player with both tracks on its connection. @returns its session */
	async play(): Promise<string> {
		const { headers } = await this.ask("SETUP", `${URL}/trackID=0`, { Transport: "RTP/AVP/TCP;interleaved=0-1" });
		const session = headers.get("session")!.split(";")[0]!;
		await this.ask("SETUP", `${URL}/trackID=1`, { Transport: "RTP/AVP/TCP;interleaved=2-3", Session: session });
		await this.ask("PLAY", URL, { Session: session });
		return session;
	}

	/** A publisher with one track on its connection. @returns its session */
	async record(transport = "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"): Promise<string> {
		const { headers } = await this.announce();
		const session = headers.get("session")!.split(";")[0]!;
		await this.ask("SETUP", `${URL}/streamid=0`, { Transport: transport, Session: session });
		await this.ask("RECORD", URL, { Session: session });
		return session;
	}
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let rig: Rig;
beforeEach(() => {
	rig = new Rig();
});

describe("a player", () => {
	test("asks, sets up, plays, pauses, plays on and ends", async () => {
		expect((await rig.ask("OPTIONS", URL)).headers.get("public")).toContain("ANNOUNCE, SETUP, PLAY, RECORD");
		const described = await rig.ask("DESCRIBE", URL, { Accept: "application/sdp" });
		expect([described.status, described.headers.get("content-base")]).toEqual([200, `${URL}/`]);
		const body = Buffer.from(described.body).toString();
		expect(body).toContain("a=control:trackID=0\r\n");
		expect(body).not.toContain("streamid");
		const first = await rig.ask("SETUP", `${URL}/trackID=0`, { Transport: "RTP/AVP;unicast;client_port=5000-5001" });
		expect(first.headers.get("transport")).toBe("RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001");
		const field = first.headers.get("session")!;
		expect(field).toMatch(/^[0-9a-f]{32};timeout=60$/);
		const Session = field.split(";")[0]!;
		const second = await rig.ask("SETUP", `${URL}/trackID=1`, { Transport: "RTP/AVP;multicast", Session });
		expect(second.headers.get("transport")).toBe("RTP/AVP;multicast;destination=239.1.1.1;port=7000-7001;ttl=4");
		const played = await rig.ask("PLAY", `${URL}/`, { Session, Range: "npt=0.000-" });
		expect(played.headers.get("rtp-info")).toBe(`url=${URL}/trackID=0;seq=7;rtptime=9000,url=${URL}/trackID=1`);
		expect((await rig.ask("PAUSE", URL, { Session })).status).toBe(200);
		expect((await rig.ask("PLAY", URL, { Session })).status).toBe(200);
		expect((await rig.ask("GET_PARAMETER", URL, { Session })).status).toBe(200);
		expect((await rig.ask("TEARDOWN", URL, { Session })).status).toBe(200);
		expect(rig.application.said).toEqual([
			...[
				"describe",
				"open",
				'setUp 0 {"kind":"udp","clientPorts":{"rtp":5000,"rtcp":5001}}',
				'setUp 1 {"kind":"multicast"}',
			],
			...["start", "pause", "start", "close undefined"],
		]);
		expect(rig.application.peer).toMatchObject({
			address: "192.0.2.7",
			localAddress: "192.0.2.1",
			principal: "anybody",
			request: { verb: "play", app: "live", stream: "cam", protocol: "rtsp", address: "192.0.2.7" },
			clientId: "rtsp-1",
		});
		expect([rig.refused, rig.ended]).toEqual([[], undefined]);
	});

	test("gets packets on its connection, and none before the answer to PLAY", async () => {
		rig.application.early = Uint8Array.of(0x80, 96, 1);
		await rig.play();
		const [answer, packet] = rig.things.slice(-2);
		expect(answer).toMatchObject({ status: 200 });
		expect(packet).toEqual({ channel: 0, payload: "806001" });
		expect(rig.application.link!.send(1, "rtcp", Uint8Array.of(0x80, 200))).toBe(true);
		expect(rig.things.at(-1)).toEqual({ channel: 3, payload: "80c8" });
		rig.connection.push(writePacket(1, Uint8Array.of(0x80, 201)));
		expect(rig.application.said.at(-1)).toBe("packet 0 rtcp 80c9");
	});

	test("is given channels of the server's where those that it asks for are taken", async () => {
		const first = await rig.ask("SETUP", `${URL}/trackID=0`, { Transport: "RTP/AVP/TCP;interleaved=0-1" });
		const Session = first.headers.get("session")!.split(";")[0]!;
		const second = await rig.ask("SETUP", `${URL}/trackID=1`, { Transport: "RTP/AVP/TCP;interleaved=0-1", Session });
		expect(second.headers.get("transport")).toBe("RTP/AVP/TCP;unicast;interleaved=2-3");
	});

	test("that reads what had waited only when it has paused goes on", async () => {
		const Session = await rig.play();
		rig.queuedBytes = 2 ** 20 + 1;
		expect(rig.application.link!.send(0, "rtp", Uint8Array.of(0x80, 96))).toBe(false);
		const paused = await rig.ask("PAUSE", URL, { Session });
		expect(paused.status).toBe(200);
		rig.queuedBytes = 0;
		rig.clock.advance(30_000);
		expect([rig.refused, rig.ended]).toEqual([[], undefined]);
	});

	test("within TLS gets media on its connection, and 461 where it wants nothing else than UDP", async () => {
		const secure = new Rig(everybody, true);
		const byUdp = "RTP/AVP;unicast;client_port=5000-5001,RTP/AVP;multicast";
		expect((await secure.ask("SETUP", `${URL}/trackID=0`, { Transport: byUdp })).status).toBe(461);
		expect(secure.refused).toEqual(["RTSP_TRANSPORT"]);
		const some = await secure.ask("SETUP", `${URL}/trackID=0`, { Transport: `${byUdp},RTP/AVP/TCP` });
		expect(some.headers.get("transport")).toBe("RTP/AVP/TCP;unicast;interleaved=0-1");
	});

	test("gets the first of its offers that can be had, and 461 where none can", async () => {
		rig.application.unsupported = ["udp", "multicast"];
		const offers = "RTP/SAVP;unicast;client_port=1-2,RTP/AVP;unicast;client_port=5000-5001,RTP/AVP;multicast";
		const none = await rig.ask("SETUP", `${URL}/trackID=0`, { Transport: offers });
		expect([none.status, none.headers.get("session")]).toEqual([461, undefined]);
		const some = await rig.ask("SETUP", `${URL}/trackID=0`, { Transport: `${offers},RTP/AVP/TCP` });
		expect([some.status, some.headers.get("transport")]).toEqual([200, "RTP/AVP/TCP;unicast;interleaved=0-1"]);
	});

	test("SEC9: is sent nothing but to its own address, whatever destination it names", async () => {
		const Transport = "RTP/AVP;unicast;destination=203.0.113.9;source=203.0.113.9;client_port=5000-5001";
		const { headers } = await rig.ask("SETUP", `${URL}/trackID=0`, { Transport });
		expect(headers.get("transport")).toBe("RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001");
		expect(rig.application.said.join()).not.toContain("203.0.113.9");
	});

	test("that reads nothing loses packets, and after a while its connection", async () => {
		await rig.play();
		rig.queuedBytes = DEFAULT_RTSP_SETTINGS.maxQueuedBytes + 1;
		expect(rig.application.link!.send(0, "rtp", Uint8Array.of(1))).toBe(false);
		rig.clock.advance(5000);
		expect(rig.ended).toBeUndefined();
		rig.clock.advance(6000);
		expect([rig.ended, rig.refused]).toEqual(["at once", ["RTSP_SLOW"]]);
		expect(rig.application.said.at(-1)).toBe("close RTSP_SLOW");
	});
});

describe("a publisher", () => {
	test("announces, sets up, records and ends", async () => {
		const Session = await rig.record("RTP/AVP/UDP;unicast;client_port=5000-5001;mode=record");
		rig.clock.advance(10_000);
		rig.application.link!.alive();
		rig.clock.advance(10_000);
		expect((await rig.ask("TEARDOWN", URL, { Session })).status).toBe(200);
		expect(rig.application.said).toEqual([
			...["announce", 'setUp 0 {"kind":"udp","clientPorts":{"rtp":5000,"rtcp":5001}}', "start", "close undefined"],
		]);
	});

	test("with a token in its URL names its tracks behind it", async () => {
		const target = `${URL}?token=secret`;
		const announced = await rig.ask("ANNOUNCE", target, { "Content-Type": "application/sdp" }, SDP);
		const Session = announced.headers.get("session")!.split(";")[0]!;
		const Transport = "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record";
		expect((await rig.ask("SETUP", `${target}/streamid=1`, { Transport, Session })).status).toBe(200);
		expect((await rig.ask("RECORD", target, { Session })).status).toBe(200);
		expect(rig.application.said[1]).toContain("setUp 1");
	});

	test("brings packets on its connection once it records", async () => {
		await rig.record();
		rig.connection.push(writePacket(0, Uint8Array.of(0x80, 96, 5)));
		rig.connection.push(writePacket(9, Uint8Array.of(1)));
		expect(rig.application.said.slice(3)).toEqual(["packet 0 rtp 806005"]);
	});

	test("that falls silent has gone after 15 s", async () => {
		await rig.record();
		rig.clock.advance(14_000);
		expect(rig.ended).toBeUndefined();
		rig.clock.advance(2000);
		expect([rig.ended, rig.application.said.at(-1)]).toEqual(["at once", "close PUBLISHER_SILENT"]);
	});

	test.each([
		["no description", { "Content-Type": "application/sdp" }, "v=1\r\n", 400],
		["no medium", { "Content-Type": "application/sdp" }, "v=0\r\n", 400],
		["another type", { "Content-Type": "text/plain" }, SDP, 415],
	])("with %s is refused", async (_, fields, body, status) => {
		expect((await rig.ask("ANNOUNCE", URL, fields, body)).status).toBe(status);
		expect(rig.application.said).toEqual([]);
	});
});

describe("a request", () => {
	test.each([
		["of another stream's name", "DESCRIBE", "rtsp://h/live/..", {}, 400],
		["without a URL", "DESCRIBE", "*", {}, 400],
		["of an unknown method", "REDIRECT", URL, {}, 501],
		["that wants another form", "DESCRIBE", URL, { Accept: "text/html" }, 406],
		["that requires what is unknown", "SETUP", `${URL}/trackID=0`, { Require: "implicit-play" }, 551],
		["for a track that is not there", "SETUP", `${URL}/trackID=7`, { Transport: "RTP/AVP/TCP" }, 404],
		["for all tracks at once", "SETUP", URL, { Transport: "RTP/AVP/TCP" }, 459],
		["without a transport", "SETUP", `${URL}/trackID=0`, {}, 461],
		["with a broken transport", "SETUP", `${URL}/trackID=0`, { Transport: "RTP/AVP;client_port=x" }, 400],
		["of no session", "PLAY", URL, {}, 454],
		["of somebody's session", "PLAY", URL, { Session: "12345678" }, 454],
		["to keep somebody's session", "GET_PARAMETER", URL, { Session: "12345678" }, 454],
		["to end somebody's session", "TEARDOWN", URL, { Session: "12345678" }, 454],
	])("%s is answered as the field expects", async (_, method, target, fields, status) => {
		expect((await rig.ask(method, target, fields)).status).toBe(status);
		expect(rig.refused.length).toBe(1);
	});

	test("of another version is answered 505, and one without CSeq 400", async () => {
		rig.send(`OPTIONS ${URL} RTSP/2.0\r\nCSeq: 1\r\n\r\nOPTIONS ${URL} RTSP/1.0\r\n\r\n`);
		await settled();
		expect(rig.things.map((thing) => "status" in thing && thing.status)).toEqual([505, 400]);
	});

	test("in the wrong state is answered 455, and of one track 460", async () => {
		const Session = await rig.play();
		expect((await rig.ask("RECORD", URL, { Session })).status).toBe(455);
		expect((await rig.announce()).status).toBe(455);
		expect((await rig.ask("SETUP", `${URL}/trackID=0`, { Session, Transport: "RTP/AVP/TCP" })).status).toBe(455);
		expect((await rig.ask("PAUSE", `${URL}/trackID=0`, { Session })).status).toBe(460);
		expect((await rig.ask("PAUSE", `rtsp://h/live/other`, { Session })).status).toBe(454);
	});

	test("is answered in its turn, however long the one before takes", async () => {
		const open = Promise.withResolvers<void>();
		rig.application.gate = open.promise;
		rig.send(`DESCRIBE ${URL} RTSP/1.0\r\nCSeq: 1\r\n\r\nOPTIONS ${URL} RTSP/1.0\r\nCSeq: 2\r\n\r\n`);
		await settled();
		expect(rig.things).toEqual([]);
		open.resolve();
		await settled();
		expect(rig.things.map((thing) => "status" in thing && thing.headers.get("cseq"))).toEqual(["1", "2"]);
	});

	test("too many of them, while one is being answered, end the connection", async () => {
		rig.application.gate = new Promise(() => undefined);
		rig.send(`DESCRIBE ${URL} RTSP/1.0\r\nCSeq: 1\r\n\r\n`.repeat(40));
		await settled();
		expect([rig.ended, rig.refused]).toEqual(["gently", ["RTSP_LIMIT"]]);
	});

	test("that fails inside the server is answered 500, and the connection ends", async () => {
		rig.application.describe = () => Promise.reject(new Error("broken"));
		expect((await rig.ask("DESCRIBE", URL)).status).toBe(500);
		expect([rig.ended, rig.refused]).toEqual(["gently", ["INTERNAL"]]);
	});
});

describe("a connection", () => {
	test("that says nothing is given up after 10 s, and one that only begins to", async () => {
		const other = new Rig();
		other.send("OPTIONS ");
		for (const one of [rig, other]) {
			one.clock.advance(9000);
			expect(one.ended).toBeUndefined();
			one.clock.advance(3000);
			expect([one.ended, one.refused]).toEqual(["at once", ["RTSP_TIMEOUT"]]);
			expect(one.clock.time.pending).toBe(0);
		}
	});

	test("whose session is not kept alive ends, and one whose is does not", async () => {
		const Session = await rig.play();
		for (let minute = 0; minute < 5; minute++) {
			rig.clock.advance(55_000);
			await rig.ask("GET_PARAMETER", URL, { Session });
		}
		for (let report = 0; report < 5; report++) {
			rig.clock.advance(55_000);
			rig.connection.push(writePacket(1, Uint8Array.of(0x80, 201)));
		}
		expect(rig.ended).toBeUndefined();
		rig.clock.advance(67_000);
		expect([rig.ended, rig.application.said.at(-1)]).toEqual(["at once", "close RTSP_TIMEOUT"]);
	});

	test("that ends takes its session along, also one that is still being opened", async () => {
		await rig.play();
		rig.connection.closed();
		expect(rig.application.said.at(-1)).toBe("close undefined");
		const other = new Rig();
		const open = Promise.withResolvers<void>();
		other.application.gate = open.promise;
		other.send(`SETUP ${URL}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP\r\n\r\n`);
		await settled();
		other.connection.closed();
		open.resolve();
		await settled();
		expect(other.application.said).toEqual(["open", "close RTSP_TIMEOUT"]);
	});

	test("can be kicked by the application", async () => {
		await rig.play();
		rig.application.link!.end(new PenstockError("CHANNEL_NOT_READY", "gone."));
		expect([rig.ended, rig.application.said.at(-1)]).toEqual(["gently", "close CHANNEL_NOT_READY"]);
		expect(rig.application.link!.send(0, "rtp", Uint8Array.of(1))).toBe(false);
	});

	test("of no RTSP is told so, once, and ends", async () => {
		rig.send("GET /live/cam HTTP/1.1\r\nHost: h\r\n\r\n");
		rig.send("GET /live/cam HTTP/1.1\r\nHost: h\r\n\r\n");
		await settled();
		expect(rig.things.map((thing) => "status" in thing && thing.status)).toEqual([400]);
		expect([rig.ended, rig.refused]).toEqual(["gently", ["RTSP_MALFORMED"]]);
	});

	test("SEC4: what was granted until a time is asked for again then, and ends with the answer", async () => {
		const asked: AccessRequest[] = [];
		let open = true;
		const gate: AccessGate = {
			ask: async (request) => {
				asked.push(request);
				const until = gated.clock.wall() + 20_000;
				return open
					? { kind: "granted", principal: "p", until }
					: { kind: "refused", error: new PenstockError("RTSP_AUTHENTICATION", "over.") };
			},
		};
		const gated = new Rig(gate);
		const Session = await gated.play();
		expect(asked.length).toBe(1);
		gated.clock.advance(21_000);
		await settled();
		expect([asked.length, gated.ended]).toEqual([2, undefined]);
		expect(asked[1]).toEqual(asked[0]);
		await gated.ask("GET_PARAMETER", URL, { Session });
		open = false;
		gated.clock.advance(21_000);
		await settled();
		expect([gated.ended, gated.application.said.at(-1)]).toEqual(["gently", "close RTSP_AUTHENTICATION"]);
	});

	test("SEC4: asks the gate before the application learns of a request, and default is no", async () => {
		const strict = new Rig({
			ask: async () => ({ kind: "refused", error: new PenstockError("RTSP_AUTHENTICATION", "no.") }),
		});
		expect((await strict.ask("DESCRIBE", URL)).status).toBe(403);
		expect(strict.ended).toBe("gently");
		expect(strict.application.said).toEqual([]);
	});

	test("writes whole responses only and never throws, however a conversation is damaged and cut", async () => {
		const conversation = Buffer.from(
			[
				`OPTIONS ${URL} RTSP/1.0\r\nCSeq: 1\r\n\r\n`,
				`ANNOUNCE ${URL} RTSP/1.0\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
				`SETUP ${URL}/streamid=0 RTSP/1.0\r\nCSeq: 3\r\nTransport: RTP/AVP/TCP;interleaved=0-1;mode=record\r\n\r\n`,
				`RECORD ${URL} RTSP/1.0\r\nCSeq: 4\r\n\r\n`,
				"$\0\0\x04abcd",
				`TEARDOWN ${URL} RTSP/1.0\r\nCSeq: 5\r\n\r\n`,
			].join(""),
			"latin1",
		);
		await fc.assert(
			fc.asyncProperty(anyDamage, anySizes, async (damage, sizes) => {
				const any = new Rig();
				for (const piece of cut(damaged(conversation, damage), sizes)) any.connection.push(piece);
				await settled();
				any.connection.closed();
				expect(any.clock.time.pending).toBe(0);
				const { said } = any.application;
				const opened = said.filter((what) => what === "announce" || what === "open").length;
				expect(said.filter((what) => what.startsWith("close")).length).toBe(opened);
			}),
			{ numRuns: 500 },
		);
	});
});

describe("what the gate has said yes to is told to be over once", () => {
	let asked: number;
	let gated: Rig;
	const onConnection = { Transport: "RTP/AVP/TCP;interleaved=0-1" };

	beforeEach(() => {
		asked = 0;
		gated = new Rig({
			ask: async () => {
				asked++;
				return { kind: "granted", principal: "p" };
			},
		});
	});

	test("with the connection, where a description was all that was wanted", async () => {
		await gated.ask("DESCRIBE", URL);
		await gated.ask("DESCRIBE", URL);
		expect([asked, gated.application.over]).toEqual([1, []]);
		gated.connection.closed();
		expect(gated.application.over).toEqual(["play"]);
	});

	test("with the session, and not where one transport cannot be had and another can", async () => {
		await gated.ask("DESCRIBE", URL);
		gated.application.unsupported = ["udp"];
		const byUdp = { Transport: "RTP/AVP;unicast;client_port=5000-5001" };
		expect((await gated.ask("SETUP", `${URL}/trackID=0`, byUdp)).status).toBe(461);
		const { headers } = await gated.ask("SETUP", `${URL}/trackID=0`, onConnection);
		const Session = headers.get("session")!.split(";")[0]!;
		await gated.ask("PLAY", URL, { Session });
		expect([asked, gated.application.over]).toEqual([1, []]);
		expect((await gated.ask("TEARDOWN", URL, { Session })).status).toBe(200);
		expect(gated.application.over).toEqual(["play"]);
		// Another session is another yes.
		expect((await gated.ask("SETUP", `${URL}/trackID=0`, onConnection)).status).toBe(200);
		expect(asked).toBe(2);
		gated.connection.closed();
		expect(gated.application.over).toEqual(["play", "play"]);
	});

	test("with a session that ends with its connection", async () => {
		await gated.play();
		gated.application.link!.end(new PenstockError("PLAYER_KICKED", "gone."));
		gated.connection.closed();
		expect([asked, gated.application.over]).toEqual([1, ["play"]]);
	});

	test("where a client asks for more streams than are remembered, and while one of them plays", async () => {
		await gated.play();
		for (const stream of ["a", "b", "c", "d", "e"]) await gated.ask("DESCRIBE", `rtsp://127.0.0.1:8554/live/${stream}`);
		expect([asked, gated.application.over.length]).toEqual([6, 2]);
		gated.connection.closed();
		expect(gated.application.over.length).toBe(6);
	});

	test("where the client has gone while the gate thought, and the application is asked for nothing then", async () => {
		const { promise, resolve } = Promise.withResolvers<void>();
		const slow = new Rig({ ask: () => promise.then(() => ({ kind: "granted", principal: "p" })) });
		slow.send(`SETUP ${URL}/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP\r\n\r\n`);
		await settled();
		slow.connection.closed();
		resolve();
		await settled();
		expect([slow.application.over, slow.application.said]).toEqual([["play"], []]);
	});

	test("by the application, once a publisher has announced; else with the connection", async () => {
		expect((await gated.ask("ANNOUNCE", URL, { "Content-Type": "application/sdp" }, "v=1\r\n")).status).toBe(400);
		expect((await gated.announce()).status).toBe(200);
		gated.connection.closed();
		expect([asked, gated.application.over]).toEqual([1, []]);
		const other = new Rig();
		await other.ask("ANNOUNCE", URL, { "Content-Type": "application/sdp" }, "v=1\r\n");
		other.connection.closed();
		expect(other.application.over).toEqual(["publish"]);
	});
});
