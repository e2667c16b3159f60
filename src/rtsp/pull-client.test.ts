import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import type { PenstockError } from "../base/errors.ts";
import { type RtspRequest, writePacket } from "../wire/rtsp-message.ts";
import { RtspReader } from "../wire/rtsp-reader.ts";
import { PullClient, type PullClientParts } from "./pull-client.ts";
import { controlUrl, parsePullUrl } from "./pull-url.ts";

const SDP =
	"v=0\r\ns=-\r\na=control:*\r\nm=video 0 RTP/AVP 96\r\na=control:trackID=1\r\nm=application 0 RTP/AVP 107\r\na=control:rtsp://192.0.2.9/cam/meta\r\n";

/** A camera that a test answers for. */
class Camera {
	readonly clock = new ManualClock();
	readonly asked: RtspRequest[] = [];
	readonly told: string[] = [];
	ended: { readonly error: PenstockError | undefined } | undefined;
	readonly client: PullClient;

	constructor(transport: PullClientParts["transport"] = "udp-first") {
		const reader = new RtspReader({
			request: (request) => void this.asked.push(request),
			response: () => undefined,
			packet: (channel) => void this.told.push(`rtcp on ${channel}`),
			fault: (error) => {
				throw error;
			},
		});
		reader.takesPackets = true;
		this.client = new PullClient({
			...{ clock: this.clock, url: parsePullUrl("rtsp://op:pw@192.0.2.9/cam"), transport, silenceMs: 10_000 },
			output: { write: (bytes) => reader.push(bytes), queuedBytes: 0, close: () => undefined },
			application: {
				described: ({ media }) => media.flatMap(({ kind }, index) => (kind === "video" ? [index] : [])),
				openPorts: async () => ({ rtp: 5000, rtcp: 5001 }),
				ready: (medium, by, ports) => void this.told.push(`ready ${medium} ${by} ${ports?.rtp}`),
				playing: () => void this.told.push("playing"),
				packet: (medium, kind, bytes) => void this.told.push(`${kind} ${medium} ${bytes.length}`),
				ended: (error) => (this.ended = { error }),
			},
		});
		this.client.start();
	}

	/** Answers what was asked last, when something was. */
	async answer(status: string, fields: readonly string[] = [], body = ""): Promise<RtspRequest> {
		await settled();
		const request = this.asked.at(-1)!;
		const lines = [
			`RTSP/1.0 ${status}`,
			`CSeq: ${request.headers.get("cseq")}`,
			...fields,
			`Content-Length: ${body.length}`,
		];
		this.client.push(Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`));
		await settled();
		return request;
	}

	async play(...setUps: readonly (readonly [status: string, transport: string])[]): Promise<void> {
		await this.answer("200 OK", ["Public: DESCRIBE, SETUP, PLAY, GET_PARAMETER"]);
		await this.answer("200 OK", ["Content-Base: rtsp://192.0.2.9/cam/"], SDP);
		for (const [status, transport] of setUps) {
			await this.answer(status, transport === "" ? [] : ["Session: 42;timeout=20", `Transport: ${transport}`]);
		}
		await this.answer("200 OK");
	}

	get methods(): string[] {
		return this.asked.map(({ method }) => method);
	}
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const BY_UDP = ["200 OK", "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;source=203.0.113.1"] as const;

let camera: Camera;
beforeEach(() => {
	camera = new Camera();
});

describe("a pull", () => {
	test("asks for what is wanted alone, each track by its own URL, and plays the whole", async () => {
		await camera.play(BY_UDP);
		expect(camera.asked.map(({ method, target }) => `${method} ${target}`)).toEqual([
			"OPTIONS rtsp://192.0.2.9/cam",
			"DESCRIBE rtsp://192.0.2.9/cam",
			"SETUP rtsp://192.0.2.9/cam/trackID=1",
			"PLAY rtsp://192.0.2.9/cam/",
		]);
		expect(camera.asked[2]!.headers.get("transport")).toBe("RTP/AVP;unicast;client_port=5000-5001");
		expect(camera.told).toEqual(["ready 0 udp 6000", "playing"]);
	});

	test("takes the connection where there is no UDP, and sends RTCP on it", async () => {
		await camera.play(["461 Unsupported transport", ""], ["200 OK", "RTP/AVP/TCP;unicast;interleaved=4-5"]);
		expect(camera.told).toEqual(["ready 0 interleaved undefined", "playing"]);
		camera.client.push(writePacket(4, new Uint8Array(20)));
		camera.client.push(writePacket(9, new Uint8Array(20)));
		camera.client.send(0, new Uint8Array(8));
		expect(camera.told.slice(2)).toEqual(["rtp 0 20", "rtcp on 5"]);
	});

	test("says that it lives at half of the session's time, and goes on whatever is answered", async () => {
		await camera.play(BY_UDP);
		for (let second = 0; second < 35; second++) {
			camera.clock.advance(1000);
			camera.client.alive();
		}
		await settled();
		expect(camera.methods.slice(4)).toEqual(["GET_PARAMETER", "GET_PARAMETER", "GET_PARAMETER"]);
		expect(camera.asked.at(-1)!.headers.get("session")).toBe("42");
		expect(camera.ended).toBeUndefined();
	});

	test("without a packet for as long as is set ends", async () => {
		await camera.play(BY_UDP);
		camera.clock.advance(9000);
		expect(camera.ended).toBeUndefined();
		camera.clock.advance(3000);
		expect(camera.ended?.error?.code).toBe("RTSP_TIMEOUT");
		expect(camera.clock.time.pending).toBe(0);
	});

	test("answers a challenge, a fresh one when its nonce is stale, and gives up on the same again", async () => {
		const challenge = (nonce: string, more = "") => `WWW-Authenticate: Digest realm="cam", nonce="${nonce}"${more}`;
		await camera.answer("200 OK");
		await camera.answer("401 Unauthorized", [challenge("1"), 'WWW-Authenticate: Basic realm="cam"']);
		expect(camera.asked.at(-1)!.headers.get("authorization")).toMatch(/^Digest username="op", realm="cam", nonce="1"/);
		await camera.answer("401 Unauthorized", [challenge("2", ", stale=true")]);
		expect(camera.asked.at(-1)!.headers.get("authorization")).toContain('nonce="2"');
		await camera.answer("401 Unauthorized", [challenge("3")]);
		expect(camera.ended?.error?.message).toContain("answers DESCRIBE with 401");
		for (const { target, headers } of camera.asked) {
			expect(`${target} ${headers.get("authorization")}`).not.toContain("pw");
		}
	});

	test.each([
		["another transport than it was asked for", ["200 OK", "RTP/AVP/TCP;unicast;interleaved=0-1"]],
		["multicast", ["200 OK", "RTP/AVP;multicast;destination=239.1.1.1;port=5000-5001"]],
		["no transport", ["200 OK", "RTP/SAVP;unicast"]],
		["an error", ["500 Internal Server Error", ""]],
	] as const)("that is given %s ends", async (_, setUp) => {
		await camera.answer("200 OK");
		await camera.answer("200 OK", [], SDP);
		await camera.answer(setUp[0], setUp[1] === "" ? [] : [`Transport: ${setUp[1]}`]);
		expect(camera.ended?.error?.code).toBe("RTSP_REFUSED");
	});

	test("that is stopped says TEARDOWN and goes", async () => {
		await camera.play(BY_UDP);
		camera.client.stop();
		expect([camera.methods.at(-1), camera.ended]).toEqual(["TEARDOWN", { error: undefined }]);
	});

	test("that is never answered ends", () => {
		camera = new Camera();
		camera.clock.advance(12_000);
		expect(camera.ended?.error?.code).toBe("RTSP_TIMEOUT");
	});
});

describe("a source's URL", () => {
	test.each([
		["rtsp://cam/ch1", { tls: false, host: "cam", port: 554, target: "rtsp://cam/ch1", user: "", password: "" }],
		[
			"rtsp://op:p%40ss@192.0.2.1:8554/a?b=c",
			{
				tls: false,
				host: "192.0.2.1",
				port: 8554,
				target: "rtsp://192.0.2.1:8554/a?b=c",
				user: "op",
				password: "p@ss",
			},
		],
		[
			"rtsps://[2001:db8::1]/x",
			{ tls: true, host: "2001:db8::1", port: 322, target: "rtsps://[2001:db8::1]/x", user: "", password: "" },
		],
	])("%s", (text, expected) => expect(parsePullUrl(text)).toEqual(expected));

	test.each(["", "http://cam/", "rtsp://", "rtsp:cam", "rtsp://secret word@cam/", "file:///etc/passwd"])(
		"%j is refused, and not told",
		(text) => {
			expect(() => parsePullUrl(text)).toThrow(/^SOURCE_UNSUPPORTED: the source is no URL/);
		},
	);

	test.each([
		["rtsp://h/cam", "trackID=1", "rtsp://h/cam/trackID=1"],
		["rtsp://h/cam/", "trackID=1", "rtsp://h/cam/trackID=1"],
		["rtsp://h/cam/", "/trackID=1", "rtsp://h/cam/trackID=1"],
		["rtsp://h/cam/", "rtsp://h/other", "rtsp://h/other"],
		["rtsp://h/cam/", "*", "rtsp://h/cam/"],
		["rtsp://h/cam/", undefined, "rtsp://h/cam/"],
	])("%s with the control %s is %s", (base, control, expected) => expect(controlUrl(base, control)).toBe(expected));
});
