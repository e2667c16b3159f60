/**
 * The RTSP server with real clients: FFmpeg publishes by UDP and on its connection, FFmpeg and GStreamer play by UDP,
 * multicast and on theirs, all at once, with Digest and with a token; every picture comes once.
 */
import { describe, expect, test } from "vitest";
import { PenstockError } from "../../src/base/errors.ts";
import type { AccessGate } from "../../src/wire/access.ts";
import { CLIP_FRAMES, ffmpegPlays, ffmpegPublishes, gstreamerPlays, untilRecording } from "../kit/rtsp-clients.ts";
import { startRtspRelay } from "../kit/rtsp-relay.ts";
import { selfSigned } from "../kit/self-signed.ts";
import { expectEveryFrameOnce, type Verdict } from "../kit/signal-reader.ts";

const PATH = "/live/cam";
const USER = "operator";
const PASSWORD = "kept to itself";
const LOGIN = `${USER}:${encodeURIComponent(PASSWORD)}`;

const gate: AccessGate = {
	ask: async ({ verb, credentials: { user, query } }) =>
		user === USER || query?.get("token") === `${verb}-token`
			? { kind: "granted", principal: user ?? "token" }
			: { kind: "refused", error: new PenstockError("RTSP_AUTHENTICATION", "this one may not.") },
};
const secrets = { passwordOf: async (user: string) => (user === USER ? PASSWORD : undefined) };

/** From the key picture at which it came in to one at the end. */
function expectPlayed({ counters }: Verdict): void {
	expect(counters.length).toBeGreaterThan(CLIP_FRAMES / 2);
	expectEveryFrameOnce(counters);
	expect(counters.at(-1)!.counter).toBeGreaterThan(CLIP_FRAMES - 10);
}

describe.each(["udp", "tcp"] as const)("what FFmpeg publishes by %s", (transport) => {
	test("FFmpeg and GStreamer play by UDP, multicast and on their connections", async () => {
		const relay = await startRtspRelay();
		const url = relay.url(PATH);
		const publisher = await ffmpegPublishes(url, transport);
		await untilRecording(relay, PATH, publisher);
		const verdicts = await Promise.all([
			...(["udp", "tcp"] as const).map((lower) => ffmpegPlays(url, lower)),
			...(["udp", "tcp", "udp-mcast"] as const).map((lower) => gstreamerPlays(url, lower, publisher.exited)),
		]);
		for (const verdict of verdicts) expectPlayed(verdict);
		expect(await publisher.exited).toMatchObject({ code: 0 });
		expect(publisher.stderr).toBe("");
		// When the publisher has gone, so have the players' connections; rtspsrc says TEARDOWN on another one then.
		const atTheEnd = ["CHANNEL_NOT_READY", "RTSP_SESSION"];
		expect(relay.refusals.filter(({ code }) => !atTheEnd.includes(code))).toEqual([]);
		expect(relay.streams.size).toBe(0);
		await relay.stop();
	});
});

test("who knows the password publishes and plays, by Digest", async () => {
	const relay = await startRtspRelay({ gate, secrets });
	const publisher = await ffmpegPublishes(relay.url(PATH, LOGIN), "tcp");
	await untilRecording(relay, PATH, publisher);
	const credentials = [`user-id=${USER}`, `user-pw=${PASSWORD}`];
	const verdicts = await Promise.all([
		ffmpegPlays(relay.url(PATH, LOGIN), "udp"),
		gstreamerPlays(relay.url(PATH), "tcp", publisher.exited, credentials),
	]);
	for (const verdict of verdicts) expectPlayed(verdict);
	expect(relay.refusals.map(({ code }) => code).filter((code) => code === "RTSP_AUTHENTICATION")).toEqual([]);
	await relay.stop();
});

test("with TLS a password does as well, by Basic", async () => {
	const relay = await startRtspRelay({ gate, basic: true, tls: selfSigned() });
	const publisher = await ffmpegPublishes(relay.url(PATH, LOGIN), "tcp");
	await untilRecording(relay, PATH, publisher);
	expectPlayed(await ffmpegPlays(relay.url(PATH, LOGIN), "tcp"));
	expect(relay.asked.every(({ credentials: { user, password } }) => user === undefined || password === PASSWORD)).toBe(
		true,
	);
	await relay.stop();
});

test("a token in the URL does, for what it is for alone", async () => {
	const relay = await startRtspRelay({ gate });
	const publisher = await ffmpegPublishes(`${relay.url(PATH)}?token=publish-token`, "udp");
	await untilRecording(relay, PATH, publisher);
	const refused = await ffmpegPlays(`${relay.url(PATH)}?token=publish-token`, "tcp").catch(String);
	expect(refused).toContain("403 Forbidden");
	const verdicts = await Promise.all([
		ffmpegPlays(`${relay.url(PATH)}?token=play-token`, "udp"),
		gstreamerPlays(`${relay.url(PATH)}?token=play-token`, "udp", publisher.exited),
	]);
	for (const verdict of verdicts) expectPlayed(verdict);
	await relay.stop();
});

test("who knows neither is told 401 or 403, and FFmpeg shows why", async () => {
	const relay = await startRtspRelay({ gate, secrets });
	for (const login of ["", `${USER}:wrong`]) {
		const words = await ffmpegPlays(relay.url(PATH, login), "tcp").catch(String);
		expect(words).toContain("401 Unauthorized");
		const publisher = await ffmpegPublishes(relay.url(PATH, login), "tcp");
		expect((await publisher.exited).code).not.toBe(0);
		expect(publisher.stderr).toContain("401 Unauthorized");
	}
	expect(relay.streams.size).toBe(0);
	await relay.stop();
});
