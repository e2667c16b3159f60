/** Pulling by RTSP: from this server, fed by FFmpeg, and from VLC's; and from servers that mean no good. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { PenstockError } from "../../src/base/errors.ts";
import type { AccessGate } from "../../src/wire/access.ts";
import { payloadsOf } from "../../src/wire/sdp-payloads.ts";
import { onCleanup } from "../kit/cleanup.ts";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { freePort } from "../kit/ports.ts";
import { startProcess } from "../kit/processes.ts";
import { ffmpegPublishes, untilRecording } from "../kit/rtsp-clients.ts";
import { Puller } from "../kit/rtsp-puller.ts";
import { startRtspRelay } from "../kit/rtsp-relay.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { unprivileged } from "../kit/witnesses.ts";

const PATH = "/live/cam";
const VIDEO = 0;
const AUDIO = 1;
const LOGIN = "camera:s%20cret";

const gate: AccessGate = {
	ask: async ({ credentials: { user } }) =>
		user === "camera"
			? { kind: "granted", principal: "camera" }
			: { kind: "refused", error: new PenstockError("RTSP_AUTHENTICATION", "this one may not.") },
};
const secrets = { passwordOf: async () => "s cret" };

function expectWhole(puller: Puller, by: "udp" | "interleaved"): void {
	expect(puller.by).toEqual(new Map([VIDEO, AUDIO].map((medium) => [medium, by])));
	for (const medium of [VIDEO, AUDIO]) {
		expect(puller.numbers.get(medium)!.length).toBeGreaterThan(medium === VIDEO ? 100 : 20);
		expect(puller.gapsOf(medium)).toEqual([]);
	}
	expect(puller.rtcp).toBeGreaterThan(0);
}

test("a stream is pulled by UDP and on the connection, with Digest, every packet once, until it ends", async () => {
	const relay = await startRtspRelay({ gate, secrets });
	const publisher = await ffmpegPublishes(relay.url(PATH, LOGIN), "tcp");
	await untilRecording(relay, PATH, publisher);
	const pullers = (["udp-first", "interleaved"] as const).map((how) => new Puller(relay.url(PATH, LOGIN), how));
	const endings = await Promise.all(pullers.map(({ ending }) => ending));
	expect(endings.map((error) => error?.code)).toEqual(["SOURCE_UNREACHABLE", "SOURCE_UNREACHABLE"]);
	expectWhole(pullers[0]!, "udp");
	expectWhole(pullers[1]!, "interleaved");
	expect(pullers[0]!.description!.media.map((medium) => payloadsOf(medium)[0]!.encodingName)).toEqual([
		"H264",
		"MPEG4-GENERIC",
	]);
	await relay.stop();
});

test("where the server has no UDP the connection does; one that was stopped says TEARDOWN", async () => {
	const relay = await startRtspRelay({ transports: ["interleaved"] });
	const publisher = await ffmpegPublishes(relay.url(PATH), "tcp");
	await untilRecording(relay, PATH, publisher);
	const puller = new Puller(relay.url(PATH), "udp-first");
	await eventually(async () => expect(puller.numbers.get(VIDEO)?.length).toBeGreaterThan(20));
	expect(puller.by.get(VIDEO)).toBe("interleaved");
	puller.stop();
	expect(await puller.ending).toBeUndefined();
	await eventually(async () => expect(relay.ends.slice(1, 2)).toEqual([undefined]));
	const byUdp = new Puller(relay.url(PATH), "udp");
	expect((await byUdp.ending)?.message).toContain("answers SETUP with 461");
	await publisher.stop();
	await relay.stop();
});

test("a wrong password, and a stream that is not there, are told in the server's words, without the password", async () => {
	const relay = await startRtspRelay({ gate, secrets });
	for (const [url, words] of [
		[relay.url(PATH, "camera:wrong"), "answers DESCRIBE with 401"],
		[relay.url(PATH, LOGIN), "answers DESCRIBE with 404"],
	] as const) {
		const error = await new Puller(url, "interleaved").ending;
		expect(error?.code).toBe("RTSP_REFUSED");
		expect(error?.message).toContain(words);
		expect(error?.message).not.toMatch(/wrong:|s cret|s%20cret/);
	}
	await relay.stop();
});

test("VLC's server is pulled from", async () => {
	const port = await freePort();
	const clip = await makeClip({ container: "ts", audio: true, seconds: 6 });
	const home = makeTempDir("vlc-server", 0o777);
	const args = ["-I", "dummy", "--loop", clip, "--sout", `#rtp{sdp=rtsp://127.0.0.1:${port}${PATH}}`, "--sout-keep"];
	const server = startProcess("vlc", args, { env: { HOME: home, XDG_RUNTIME_DIR: undefined }, ...unprivileged() });
	const url = `rtsp://127.0.0.1:${port}${PATH}`;
	const puller = await eventually(async () => {
		const attempt = new Puller(url, "udp-first");
		await Promise.race([attempt.ending, eventually(async () => expect(attempt.isPlaying).toBe(true), 3000)]);
		expect(attempt.isPlaying).toBe(true);
		return attempt;
	}, 20_000);
	await eventually(async () => expect(puller.numbers.get(VIDEO)?.length).toBeGreaterThan(100), 20_000);
	expect(puller.gapsOf(VIDEO)).toEqual([]);
	expect(payloadsOf(puller.description!.media.find(({ kind }) => kind === "video")!)[0]!.encodingName).toBe("H264");
	puller.stop();
	await server.stop();
});

const BOMB = `v=0\r\n${"m=video 0 RTP/AVP 9\r\n".repeat(100)}`;
const GOOD = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n";

/** Takes connections, and answers what comes with one after the other. */
async function server(answers: readonly string[]): Promise<string> {
	const listener = createServer((socket) => {
		const left = [...answers];
		socket.on("error", () => undefined);
		socket.on("data", () => socket.write(left.shift() ?? "", "latin1"));
	}).listen(0, "127.0.0.1");
	onCleanup(() => listener.close());
	await once(listener, "listening");
	return `rtsp://127.0.0.1:${(listener.address() as AddressInfo).port}${PATH}`;
}

test.each([
	["says nothing", [], "RTSP_TIMEOUT", "did not answer OPTIONS"],
	["speaks HTTP", ["HTTP/1.1 400 Bad Request\r\n\r\n"], "RTSP_MALFORMED", "no first line of RTSP"],
	["has a header without end", [`RTSP/1.0 200 OK\r\nX: ${"x".repeat(20_000)}`], "RTSP_LIMIT", "16384 bytes"],
	[
		"leads elsewhere (SEC3)",
		[GOOD, "RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: rtsp://169.254.169.254/\r\n\r\n"],
		"RTSP_REFUSED",
		"redirects are not followed",
	],
	[
		"has a bomb for a description",
		[GOOD, `RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: ${BOMB.length}\r\n\r\n${BOMB}`],
		"SDP_MALFORMED",
		"16 are taken",
	],
])("a server that %s ends the pull, and no more", async (_, answers, code, words) => {
	const error = await new Puller(await server(answers), "udp-first", 1500).ending;
	expect([error?.code, error?.message]).toEqual([code, expect.stringContaining(words)]);
});

test("nobody at the address is told", async () => {
	const error = await new Puller(`rtsp://127.0.0.1:${await freePort()}${PATH}`, "udp-first").ending;
	expect([error?.code, error?.message]).toEqual(["SOURCE_UNREACHABLE", expect.stringContaining("ECONNREFUSED")]);
});
