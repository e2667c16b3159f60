/**
 * `penstock play` on the real server and on servers that misbehave (S8, S9, S12): every frame once over many switches
 * in every packaging, what it writes, how it ends, and what it says when there is nothing to be played.
 */
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EndReason, PlayEvent } from "../../src/terminal/figures.ts";
import { readBarOfPpm } from "../../src/terminal/picture-files.ts";
import { eventually } from "../kit/eventually.ts";
import { makeClip } from "../kit/media-maker.ts";
import { type Penstock, startCli, startPenstock } from "../kit/penstock.ts";
import { runToEnd } from "../kit/processes.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { TINY_CHANNEL, TINY_LADDER, TINY_SIZES, TINY_UNIT_MS } from "../kit/tiny-ladder.ts";

const EXTENSIONS = ["ts", "mp4", "flv", "rtp"] as const;
const SWITCHES = 22;
const TOUR = { policy: "tour", tour: { stayMs: TINY_UNIT_MS } };

const play = (url: string, ...args: readonly string[]) =>
	startCli(["play", url, ...args], { PENSTOCK_DEBUG: undefined });

const eventsOf = (stdout: string): PlayEvent[] =>
	stdout
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line) as PlayEvent);

const only = <Kind extends PlayEvent["event"]>(events: readonly PlayEvent[], kind: Kind) =>
	events.filter((event): event is Extract<PlayEvent, { event: Kind }> => event.event === kind);

async function playToEnd(url: string, ...args: readonly string[]) {
	const running = play(url, "--json", ...args);
	const { code } = await running.exited;
	const events = running.stdout === "" ? [] : eventsOf(running.stdout);
	return { code, events, stderr: running.stderr, end: only(events, "end")[0] };
}

describe("penstock play on a channel that is switched at every unit", () => {
	let penstock: Penstock;

	beforeAll(async () => {
		penstock = await startPenstock({ channels: { signal: TINY_CHANNEL }, switching: TOUR });
	});
	afterAll(async () => await penstock.stop());

	test.each(EXTENSIONS)(
		".%s: every frame is decoded once, over every switch, and the figures agree",
		async (extension) => {
			const url = `${penstock.http}/live/signal.${extension}`;
			const { code, events, end, stderr } = await playToEnd(
				url,
				...["--count-frames", "--until-switches", String(SWITCHES)],
			);
			expect([code, stderr]).toEqual([0, ""]);
			const switches = only(events, "switch");
			const [start] = only(events, "start");
			console.info(`.${extension}: ${JSON.stringify(end)}`);
			expect(events[0]).toBe(start);
			expect(events.at(-1)).toBe(end);
			expect(start).toMatchObject({ url, packaging: extension, rendition: "low", width: 192, height: 128 });
			expect(start?.viewer).toMatch(/^[0-9a-f]{32}$/);
			expect(end).toMatchObject({ reason: "switches" satisfies EndReason, framesMissing: 0, framesRepeated: 0 });
			expect(end).toMatchObject({
				framesUnreadable: 0,
				framesLost: 0,
				audioFramesLost: 0,
				faults: 0,
				decoderWarnings: 0,
			});
			expect(end!.framesDecoded).toBe(end!.framesReceived);
			expect(end!.framesDecoded).toBe(end!.lastFrame! - end!.firstFrame! + 1);
			expect(end!.audioFramesDecoded).toBeGreaterThan(0);
			expect(end!.switches).toBe(switches.length);
			expect(switches.length).toBeGreaterThanOrEqual(SWITCHES);
			// A fresh decoder at each of them, and each is told with what a decoder has to know.
			expect(end!.decoders).toBe(switches.length + 1);
			let rendition = start!.rendition;
			for (const { from, to, unit, ptsMs, changed, width, height } of switches) {
				expect([from, changed]).toEqual([rendition, ["size"]]);
				expect(`${width}x${height}`).toBe(TINY_SIZES[to as keyof typeof TINY_SIZES]);
				// A unit begins with the first frame of its time.
				expect(Math.abs(ptsMs - start!.ptsMs - (unit! - start!.unit!) * TINY_UNIT_MS)).toBeLessThanOrEqual(34);
				rendition = to;
			}
			expect(end!.delayBy).toBe("clock");
			expect(end!.delayMs).toBeGreaterThan(0);
			for (const stats of only(events, "stats").slice(1)) {
				expect(stats.frameRate).toBeGreaterThan(0);
				expect(stats.bitrateBps).toBeGreaterThan(0);
			}
		},
	);

	test("--frames writes each frame as a picture of its rendition's size, --save what was received", async () => {
		const folder = makeTempDir("play-frames");
		const file = join(folder, "body.mp4");
		const pictures = join(folder, "pictures");
		const { code, end } = await playToEnd(
			`${penstock.http}/live/signal.mp4`,
			...["--frames", pictures, "--save", file, "--count-frames", "--until-switches", "4"],
		);
		expect(code).toBe(0);
		const names = readdirSync(pictures).sort();
		expect(names).toHaveLength(end!.framesDecoded);
		const times: number[] = [];
		for (const [index, name] of names.entries()) {
			const [, order, pts, rendition] = /^(\d{6})-pts([\d.]+)-([a-z]+)\.ppm$/.exec(name)!;
			const ppm = readFileSync(join(pictures, name));
			const size = TINY_SIZES[rendition as keyof typeof TINY_SIZES].replace("x", " ");
			expect([Number(order), ppm.toString("latin1", 0, 15)]).toEqual([index, `P6\n${size}\n255\n`]);
			expect(readBarOfPpm(ppm)).toMatchObject({ counter: end!.firstFrame! + index, checksumOk: true });
			times.push(Number(pts));
		}
		expect(times).toEqual(times.toSorted((a, b) => a - b));
		const probe = await runToEnd("ffprobe", [
			...["-v", "error", "-count_packets", "-select_streams", "v", "-show_entries", "stream=nb_read_packets"],
			...["-of", "csv=p=0", file],
		]);
		expect(Number(probe.stdout)).toBeGreaterThanOrEqual(end!.framesReceived);
		expect(readFileSync(file).length).toBe(end!.bytesReceived);
	});

	test("--rendition asks for one, and stays there; --for ends it in time", async () => {
		const { code, events, end } = await playToEnd(
			`${penstock.http}/live/signal.ts`,
			...["--rendition", "high", "--for", "2.5", "--header", "X-Test: yes"],
		);
		expect(code).toBe(0);
		expect(end).toMatchObject({ reason: "time", rendition: "high", framesLost: 0 });
		expect(end!.switches).toBeLessThanOrEqual(1);
		expect(end!.timeMs).toBeGreaterThanOrEqual(2500);
		expect(only(events, "stats").length).toBeGreaterThan(0);
	});

	test.each(["SIGINT", "SIGTERM"] as const)("%s ends it in good order, with a summary", async (signal) => {
		const running = play(`${penstock.http}/live/signal.flv`, "--count-frames");
		await running.waitForLine(/switch .* → /, 20_000);
		running.kill(signal);
		expect(await running.exited).toEqual({ code: 0, signal: null });
		expect(running.stdout).toMatch(/ as flv: low 192x128 avc1\S+, mp4a\.40\.2, unit \d+, viewer [0-9a-f]{32}\n/);
		expect(running.stdout).toMatch(/ played [\d.]+ s, interrupted: \d+ frames decoded, 0 lost; .*\n/);
		expect(running.stdout).toMatch(/ frame numbers \d+ to \d+: 0 missing, 0 repeated, 0 unreadable\n$/);
		expect(running.stderr).toBe("");
		expect(running.stdout).not.toContain("\x1b");
	});

	test.each([
		[
			"/live/nope.ts",
			[],
			/^penstock: STREAM_UNREACHABLE: \S+\/live\/nope\.ts was answered with 404 .*CHANNEL_NOT_FOUND/,
		],
		["/live/signal.ts", ["--rendition", "ultra"], /STREAM_UNREACHABLE: .*RENDITION_NOT_FOUND: no rendition "ultra"/],
		["/live/signal.ts", ["--ffmpeg", "/nowhere/ffmpeg"], /FFMPEG_MISSING: \/nowhere\/ffmpeg cannot be run/],
	] as const)("%s %j fails with the server's own words", async (path, args, sentence) => {
		const { code, stderr } = await playToEnd(`${penstock.http}${path}`, ...args);
		expect(code).toBe(1);
		expect(stderr).toMatch(sentence);
		expect(stderr.split("\n")).toHaveLength(2);
	});
});

describe("penstock play and a server that goes", () => {
	const start = () => startPenstock({ channels: { signal: { ...TINY_CHANNEL, renditions: TINY_LADDER } } });

	test("a server that drains ends the response whole: exit code 0", async () => {
		const penstock = await start();
		const running = play(`${penstock.http}/live/signal.mp4`, "--json", "--count-frames");
		await running.waitForLine(/"event":"stats"/, 20_000);
		await penstock.stop();
		expect(await running.exited).toEqual({ code: 0, signal: null });
		const end = eventsOf(running.stdout).at(-1);
		expect(end).toMatchObject({
			event: "end",
			reason: "complete",
			framesMissing: 0,
			framesLost: 0,
			decoderWarnings: 0,
		});
	});

	test("a server that dies breaks it: what came is decoded, and it says so with exit code 1", async () => {
		const penstock = await start();
		const running = play(`${penstock.http}/live/signal.ts`, "--json", "--count-frames");
		await running.waitForLine(/"event":"stats"/, 20_000);
		penstock.process.kill("SIGKILL");
		expect((await running.exited).code).toBe(1);
		expect(running.stderr).toMatch(/^penstock: STREAM_UNREACHABLE: the response of \S+ broke off after \d+ bytes/);
		const end = eventsOf(running.stdout).at(-1);
		expect(end).toMatchObject({ event: "end", reason: "broken", framesMissing: 0, framesLost: 0 });
		expect(end).toHaveProperty("error", expect.stringContaining("broke off"));
	});
});

describe("penstock play and what is no stream", () => {
	let server: Server;
	let base: string;
	let clip: Buffer;
	const answers: Record<string, (response: ServerResponse) => void> = {};

	const serve = (path: string, contentType: string | undefined, body: Buffer): string => {
		answers[path] = (response) => {
			if (contentType !== undefined) response.setHeader("Content-Type", contentType);
			response.writeHead(200).end(body);
		};
		return `${base}${path}`;
	};

	beforeAll(async () => {
		clip = readFileSync(await makeClip({ container: "ts", seconds: 4, audio: true }));
		server = createServer((request, response) => answers[request.url!]!(response)).listen(0, "127.0.0.1");
		await once(server, "listening");
		base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	});
	afterAll(() => void server.close());

	test("a foreign stream is played to its end, as fast as it comes, and saved byte for byte", async () => {
		const file = join(makeTempDir("play-save"), "body.ts");
		const url = serve("/whole.ts", undefined, clip);
		const { code, end, events } = await playToEnd(url, "--count-frames", "--save", file);
		expect(code).toBe(0);
		expect(end).toMatchObject({ reason: "complete", framesRead: 120, firstFrame: 0, lastFrame: 119, framesMissing: 0 });
		expect(only(events, "start")[0]).not.toHaveProperty("viewer");
		expect(readFileSync(file).equals(clip)).toBe(true);
	});

	test("frames that are missing end it with exit code 1, and are counted", async () => {
		const packets = Math.floor(clip.length / 188);
		const cut = Math.floor(packets / 2) * 188;
		const url = serve("/lossy.ts", "video/mp2t", Buffer.concat([clip.subarray(0, cut), clip.subarray(cut + 188 * 40)]));
		const { code, end } = await playToEnd(url, "--count-frames");
		expect(code).toBe(1);
		expect(end).toMatchObject({ reason: "complete", firstFrame: 0 });
		expect(end!.framesMissing! + end!.framesUnreadable!).toBeGreaterThan(0);
		expect(end!.faults).toBeGreaterThan(0);
	});

	test("broken bytes in the middle are faults that are told, and not the end", async () => {
		const broken = Buffer.from(clip);
		for (let at = 188 * 200; at < 188 * 204; at++) broken[at] = (at * 31) & 0xff;
		const { code, events, end } = await playToEnd(serve("/broken.ts", "video/mp2t", broken));
		expect(code).toBe(0);
		expect(end!.faults).toBeGreaterThan(0);
		const [fault] = only(events, "fault").filter(({ of }) => of === "stream");
		expect(fault?.message).toMatch(/^MPEGTS_SYNTAX: /);
		expect(end!.framesDecoded).toBeGreaterThan(60);
	});

	test.each(EXTENSIONS)("garbage as .%s is no stream: exit code 1, with what is wrong", async (extension) => {
		const types = { ts: "video/mp2t", mp4: "video/mp4", flv: "video/x-flv", rtp: undefined };
		const garbage = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 0xff));
		const { code, stderr, end } = await playToEnd(serve(`/garbage.${extension}`, types[extension], garbage));
		expect(code).toBe(1);
		expect(stderr).toMatch(/^penstock: STREAM_UNREACHABLE: nothing of \S+ could be played, in 200000 bytes: .+\n$/);
		expect(end).toMatchObject({ reason: "failed", framesDecoded: 0 });
	});

	test("a page is told from a stream by its Content-Type", async () => {
		const { code, stderr } = await playToEnd(serve("/page.ts", "text/html", Buffer.from("<html>no</html>")));
		expect(code).toBe(1);
		expect(stderr).toMatch(/^penstock: PACKAGING_UNKNOWN: \/page\.ts came as "text\/html".*video\/mp2t \(\.ts\)/);
	});

	test("nobody there: exit code 1 and a hint", async () => {
		const gone = createServer().listen(0, "127.0.0.1");
		await once(gone, "listening");
		const { port } = gone.address() as AddressInfo;
		gone.close();
		await once(gone, "close");
		const { code, stderr } = await playToEnd(`http://127.0.0.1:${port}/live/a.ts`);
		expect(code).toBe(1);
		expect(stderr).toMatch(/^penstock: STREAM_UNREACHABLE: .*ECONNREFUSED.*is the server running/);
	});

	test("a server that never answers can be left with Ctrl-C", async () => {
		answers["/silent.ts"] = () => {};
		const asked = once(server, "request");
		const running = play(`${base}/silent.ts`);
		await asked;
		running.kill("SIGINT");
		const at = performance.now();
		expect((await running.exited).code).toBe(0);
		expect(performance.now() - at).toBeLessThan(10_000);
		expect(running.stdout).toMatch(/played 0\.0 s, interrupted: 0 frames decoded/);
	});

	test("a stream is read no faster than it is decoded, and no frame is lost for that", async () => {
		const long = readFileSync(
			await makeClip({ container: "ts", width: 640, height: 360, seconds: 60, bitrateKbps: 6000 }),
		);
		let sent = 0;
		const send = async (response: ServerResponse): Promise<void> => {
			response.writeHead(200, { "Content-Type": "video/mp2t" });
			while (sent < long.length) {
				const piece = long.subarray(sent, sent + 65_536);
				sent += piece.length;
				if (!response.write(piece)) await once(response, "drain");
			}
			response.end();
		};
		answers["/fast.ts"] = (response) => void send(response);
		// A decoder that takes nothing until it is let.
		const folder = makeTempDir("play-slow");
		const slow = join(folder, "slow-ffmpeg");
		writeFileSync(slow, `#!/bin/sh\nuntil [ -e "${folder}/go" ]; do sleep 0.05; done\nexec ffmpeg "$@"\n`, {
			mode: 0o755,
		});
		const running = playToEnd(`${base}/fast.ts`, "--count-frames", "--ffmpeg", slow);
		await eventually(async () => {
			const before = sent;
			await new Promise((resolve) => setTimeout(resolve, 500));
			expect([sent > 0, sent - before]).toEqual([true, 0]);
		}, 20_000);
		// What the kernel's buffers of both ends hold, and the little that the player does; far less than all of it.
		expect(sent).toBeLessThan(long.length / 2);
		console.info(`${sent} of ${long.length} bytes sent to a player whose decoder stands still`);
		writeFileSync(join(folder, "go"), "");
		const { code, end } = await running;
		expect(code).toBe(0);
		expect(end).toMatchObject({ framesRead: 1800, framesMissing: 0, framesLost: 0 });
	});

	test.each([
		[["ftp://example.net/a.ts"], "it begins with http"],
		[["http://127.0.0.1/a.ts", "--for", "0"], "a number above 0"],
		[["http://127.0.0.1/a.ts", "--until-switches", "1.5"], "a whole number above 0"],
		[["http://127.0.0.1/a.ts", "--header", "no colon"], '"Name: value"'],
		[["http://127.0.0.1/a.ts", "--rendition", "../x"], "a name has"],
		[["http://127.0.0.1/a.ts", "--save", "/nowhere/at/all"], "--save /nowhere/at/all cannot be written"],
	] as const)("%j is refused in one line, with exit code 2", async ([url, ...args], part) => {
		const { code, stderr } = await playToEnd(url, ...args);
		expect(code).toBe(2);
		expect(stderr).toMatch(/^penstock: COMMAND_LINE: [^\n]*\n$/);
		expect(stderr).toContain(part);
	});
});
