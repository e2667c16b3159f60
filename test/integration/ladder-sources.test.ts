import { spawn } from "node:child_process";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { bitsPerSecond, milliseconds } from "../../src/base/units.ts";
import { checkCapabilities, inspectFfmpeg } from "../../src/ladder/capabilities.ts";
import { DEFAULT_TIMEOUTS, type LadderConfig, type SourceSpec } from "../../src/ladder/ladder-config.ts";
import { probeSource } from "../../src/ladder/probe.ts";
import type { TrackKind } from "../../src/media/access-unit.ts";
import { freePort } from "../kit/ports.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { copy, encode, ladderConfig, makeFile, realClock, withLadder } from "./ladder-rig.ts";

const TOOLS = { ffmpeg: "ffmpeg", ffprobe: "ffprobe" };

const folder = makeTempDir("ladder-sources");
const inFolder = (name: string): string => join(folder, name);
let closed: string;
beforeAll(async () => {
	closed = await makeFile(inFolder("closed.mp4"), 4, "24", ["-g", "24", "-keyint_min", "24", "-bf", "0"]);
});

const file = (path: string, loop = true): SourceSpec => ({ kind: "file", path, loop });

describe("a copied rendition that does not fit is refused and the others go on", () => {
	const twoOf = (source: SourceSpec, changes: Partial<LadderConfig> = {}): LadderConfig =>
		ladderConfig(source, { renditions: [copy("source"), encode("low", 128, 72, 100)], ...changes });

	async function refusal(config: LadderConfig): Promise<string> {
		let message = "";
		await withLadder(config, async (rig) => {
			await rig.until("a refusal", () => rig.refused.length > 0);
			const before = rig.keys("low").length;
			await rig.units(before + 3);
			expect(rig.refused).toMatchObject([{ rendition: "source", error: { code: "LADDER_COPY_UNFIT" } }]);
			expect(rig.interruptions).toEqual([]);
			expect(rig.ladder.status).toMatchObject({ state: "running", refused: ["source"] });
			const lines = rig
				.keys("low")
				.slice(-3)
				.map((pts) => pts % (config.unitDuration * 90));
			expect(lines).toEqual([0, 0, 0]);
			message = rig.refused[0]!.error.message;
		});
		return message;
	}

	it("for B-frames", async () => {
		const path = await makeFile(inFolder("bframes.mp4"), 4, "24", ["-g", "6", "-preset", "veryfast", "-bf", "2"]);
		expect(await refusal(twoOf(file(path)))).toMatch(/B-frames.*or encode this rendition/);
	});

	it("for GOPs of 1000 ms in units of 250 ms, with both numbers", async () => {
		expect(await refusal(twoOf(file(closed)))).toMatch(/more than \d+ ms while the unit has 250 ms/);
	});

	it("for GOPs of 250 ms in units of 500 ms", async () => {
		const options = ["-g", "6", "-keyint_min", "6", "-sc_threshold", "0", "-bf", "0"];
		const path = await makeFile(inFolder("short-gops.mp4"), 6, "24", options);
		const config = twoOf(file(path), { unitDuration: milliseconds(500) });
		expect(await refusal(config)).toMatch(/GOPs of 250 ms while the unit has 500 ms; set unitMs to 250/);
	});

	it("for key pictures that are no IDR", async () => {
		const refresh = ["-g", "24", "-bf", "0", "-x264-params", "intra-refresh=1:keyint=24:bframes=0"];
		const path = await makeFile(inFolder("refresh.mp4"), 6, "24", refresh);
		const config = twoOf(file(path), { unitDuration: milliseconds(1000) });
		expect(await refusal(config)).toMatch(/open GOPs \(a key picture at \d+ without IDR\)/);
	});

	it("and when it was the only one the ladder fails for good", async () => {
		const config = ladderConfig(file(closed), { renditions: [copy("source")] });
		await withLadder(config, async (rig) => {
			await rig.until("the end", () => rig.interruptions.length > 0);
			expect(rig.ladder.status).toMatchObject({ state: "failed", refused: ["source"] });
		});
	});
});

describe("sources", () => {
	it("a file with B-frames and open GOPs is encoded without losing a picture", async () => {
		const open = ["-g", "24", "-preset", "veryfast", "-bf", "3", "-x264-params", "open-gop=1"];
		const path = await makeFile(inFolder("open.mkv"), 3, "24", open);
		await withLadder(ladderConfig(file(path, false)), async (rig) => {
			await rig.until("the end of the file", () => rig.interruptions.length > 0);
			expect(rig.ladder.status.state).toBe("ended");
			for (const rendition of ["high", "mid", "low"]) {
				const times = rig.of(rendition).map(({ pts }) => Math.round((pts - 90_000) / 3750));
				expect(times).toEqual(Array.from({ length: 72 }, (_, i) => i));
			}
		});
	});

	it("a file without audio plays without audio", async () => {
		const path = await makeFile(inFolder("silent.mp4"), 3, "24", ["-an"]);
		await withLadder(ladderConfig(file(path)), async (rig) => {
			await rig.units(4);
			expect(rig.audio).toEqual([]);
		});
	});

	async function served(path: string, use: (url: string) => Promise<void>): Promise<void> {
		const server = createServer((_, response) => createReadStream(path).pipe(response)).listen(0, "127.0.0.1");
		await once(server, "listening");
		try {
			await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/served.ts`);
		} finally {
			server.closeAllConnections();
			server.close();
		}
	}

	it("MPEG-TS over HTTP", async () => {
		const path = await makeFile(inFolder("served.ts"), 6, "24", ["-g", "12", "-bf", "0"]);
		await served(path, (url) =>
			withLadder(ladderConfig({ kind: "url", url }), async (rig) => {
				await rig.units(8);
				expect(rig.keys("high").slice(0, 8)).toEqual(rig.keys("low").slice(0, 8));
			}),
		);
	});

	it("whose clock jumps by 1000 s in the middle is started afresh and goes on without the jump", async () => {
		const parts = ["0", "1000"].map((offset) =>
			makeFile(inFolder(`part-${offset}.ts`), 2, "24", ["-bf", "0", "-output_ts_offset", offset]),
		);
		const joined = inFolder("jump.ts");
		await writeFile(joined, Buffer.concat(await Promise.all((await Promise.all(parts)).map((part) => readFile(part)))));
		await served(joined, (url) =>
			withLadder(ladderConfig({ kind: "url", url }), async (rig) => {
				await rig.until("a second jump", () => rig.interruptions.length === 2);
				expect(rig.interruptions.map(({ error }) => error.code)).toEqual(["SOURCE_TIMESTAMPS", "SOURCE_TIMESTAMPS"]);
				const steps = rig
					.of("low")
					.slice(1)
					.map(({ dts }, i) => dts - rig.of("low")[i]!.dts);
				expect(Math.min(...steps)).toBeGreaterThan(0);
				expect(Math.max(...steps)).toBeLessThan(5 * 90_000);
			}),
		);
	});

	it.each([
		["UDP", (port: number) => `udp://127.0.0.1:${port}`, (port: number) => `udp://127.0.0.1:${port}?pkt_size=1316`],
		["SRT", (port: number) => `srt://127.0.0.1:${port}`, (port: number) => `srt://127.0.0.1:${port}?mode=listener`],
	])("MPEG-TS over %s, joined in the middle", async (_, from, to) => {
		const port = await freePort();
		// An SRT listener takes one caller; ffprobe is the first, so the sender is started again until it is killed.
		const send = `while :; do ffmpeg -v error -nostdin -re -stream_loop -1 -i "$1" -c copy -f mpegts "$2"; done`;
		const sender = spawn("sh", ["-c", send, "sh", closed, to(port)], { stdio: "ignore", detached: true });
		try {
			await withLadder(ladderConfig({ kind: "url", url: from(port) }), async (rig) => {
				await rig.units(8);
				const keys = rig.keys("low").slice(0, 8);
				expect(rig.keys("high").slice(0, 8)).toEqual(keys);
				expect(keys.map((pts) => Math.floor(pts / 22_500) - Math.floor(keys[0]! / 22_500))).toEqual([...keys.keys()]);
			});
		} finally {
			process.kill(-sender.pid!, "SIGKILL");
		}
	});
});

describe("sources that cannot be played are told apart", () => {
	const messageOf = async (source: SourceSpec, timeoutMs = 15_000, lead: TrackKind = "video"): Promise<string> => {
		const limits = { clock: realClock, timeout: milliseconds(timeoutMs) };
		return probeSource(source, lead, TOOLS, limits).then(
			() => "no error",
			(error: Error) => error.message,
		);
	};

	it("a missing file", async () => {
		expect(await messageOf(file(inFolder("nowhere.mp4")))).toMatch(/^SOURCE_UNREACHABLE: .*nowhere\.mp4.*ENOENT/);
	});

	it("a file of zero bytes", async () => {
		await writeFile(inFolder("empty.mp4"), "");
		expect(await messageOf(file(inFolder("empty.mp4")))).toMatch(/^SOURCE_UNREACHABLE: .*has 0 bytes/);
	});

	it("a file that is not media, with FFmpeg's own words", async () => {
		await writeFile(inFolder("text.mp4"), "hello ".repeat(1000));
		expect(await messageOf(file(inFolder("text.mp4")))).toMatch(/^SOURCE_UNREACHABLE: .*cannot be opened: /);
	});

	it("a script that names other files, which FFmpeg must not follow", async () => {
		await writeFile(inFolder("list.mp4"), `ffconcat version 1.0\nfile '${closed}'\n`);
		expect(await messageOf(file(inFolder("list.mp4")))).toMatch(/^SOURCE_UNREACHABLE: .*not on whitelist|Invalid/);
		await writeFile(inFolder("list.m3u8"), `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n${closed}\n`);
		expect(await messageOf(file(inFolder("list.m3u8")))).toMatch(/^SOURCE_UNREACHABLE/);
	});

	it("a source with sound only", async () => {
		const path = await makeFile(inFolder("sound.mp4"), 1, "24", ["-vn"]);
		expect(await messageOf(file(path))).toMatch(/^SOURCE_NO_VIDEO: .*found: audio aac.*or set video: none to serve/);
		expect(await messageOf(file(path), 15_000, "audio")).toBe("no error");
	});

	it("a source with pictures only, for a channel of audio alone", async () => {
		const path = await makeFile(inFolder("silent.mp4"), 1, "24", ["-an"]);
		expect(await messageOf(file(path), 15_000, "audio")).toMatch(/^SOURCE_NO_AUDIO: .*found: video h264.*video: none/);
		expect(await messageOf(file(path))).toBe("no error");
	});

	it("an address where nobody listens; the ladder goes on trying and hides the password", async () => {
		const url = `http://user:hush@127.0.0.1:${await freePort()}/live.ts`;
		await withLadder(ladderConfig({ kind: "url", url }), async (rig) => {
			await rig.until("three failures", () => rig.interruptions.length === 3);
			for (const { error } of rig.interruptions) expect(error.message).toMatch(/^SOURCE_UNREACHABLE: .*refused/);
			expect(rig.ladder.status.restarts).toBe(2);
			expect(JSON.stringify([rig.ladder.status, rig.logged])).not.toContain("hush");
			const [first, second, third] = rig.interruptions.map(({ at }) => at);
			expect(second! - first!).toBeGreaterThanOrEqual(99);
			expect(third! - second!).toBeGreaterThanOrEqual(149);
		});
	});

	it("an address that says nothing, in time", async () => {
		const url = `udp://127.0.0.1:${await freePort()}`;
		expect(await messageOf({ kind: "url", url }, 1000)).toMatch(/^SOURCE_UNREACHABLE: .*within 1000 ms/);
	});
});

describe("FFmpeg itself", () => {
	const fake = async (name: string, text: string): Promise<string> => {
		const path = inFolder(name);
		await writeFile(path, `#!/bin/sh\n${text}\n`);
		await chmod(path, 0o755);
		return path;
	};
	const pattern: SourceSpec = {
		kind: "test-pattern",
		width: 320,
		height: 180,
		frameRate: { numerator: 25, denominator: 1 },
	};

	it("of this machine has what a ladder needs", async () => {
		const capabilities = await inspectFfmpeg(TOOLS, realClock);
		expect(capabilities.encoders).toContain("libx264");
		for (const url of ["srt://a:1", "rtsp://a/", "udp://a:1", "https://a/", "rtmp://a/b/c", "rtp://a:1"]) {
			checkCapabilities(capabilities, ladderConfig({ kind: "url", url }));
		}
		checkCapabilities(capabilities, ladderConfig(pattern));
		const without = { ...capabilities, encoders: new Set(["aac"]) };
		expect(() => checkCapabilities(without, ladderConfig(pattern))).toThrow(/^FFMPEG_CAPABILITY: .*libx264.*apt-get/);
		for (const [codec, encoder] of [
			["hevc", "libx265"],
			["av1", "libaom-av1"],
		] as const) {
			checkCapabilities(capabilities, ladderConfig(pattern, { codec }));
			expect(() => checkCapabilities(without, ladderConfig(pattern, { codec }))).toThrow(
				new RegExp(`^FFMPEG_CAPABILITY: .*encoder ${encoder}`),
			);
		}
		const opus = ladderConfig(pattern, {
			renditions: [],
			audio: { codec: "opus", bitsPerSecond: bitsPerSecond(64_000) },
		});
		checkCapabilities(capabilities, opus);
		expect(() => checkCapabilities(without, opus)).toThrow(/^FFMPEG_CAPABILITY: .*encoder libopus/);
		const noSrt = { ...capabilities, protocols: new Set(["file"]) };
		const srt = ladderConfig({ kind: "url", url: "srt://127.0.0.1:9" });
		expect(() => checkCapabilities(noSrt, srt)).toThrow(/^FFMPEG_CAPABILITY: .*protocol srt/);
	});

	it("missing is a sentence that says what to install", async () => {
		const tools = { ffmpeg: inFolder("no-ffmpeg"), ffprobe: "ffprobe" };
		await expect(inspectFfmpeg(tools, realClock)).rejects.toThrow(/^FFMPEG_MISSING: .*apt-get install ffmpeg/);
		await withLadder(ladderConfig(pattern, { tools }), async (rig) => {
			await rig.until("a failure", () => rig.interruptions.length > 0);
			expect(rig.interruptions[0]!.error.message).toMatch(/^FFMPEG_MISSING: .*no-ffmpeg/);
		});
	});

	it.each([
		["4.3.1", true],
		["5.0.2-static", true],
		["n4.4", true],
		["5.1.9-0+deb12u1", false],
		["n7.1", false],
		["N-109741-gbbe95f7353", false],
	])("of version %s is too old: %s", async (version, tooOld) => {
		const ffmpeg = await fake(`ffmpeg-${version}`, `echo "ffmpeg version ${version} Copyright (c) 2000-2026"`);
		const outcome = inspectFfmpeg({ ffmpeg, ffprobe: "ffprobe" }, realClock);
		if (tooOld) await expect(outcome).rejects.toThrow(/^FFMPEG_TOO_OLD: .*5\.1 is the oldest.*apt-get/);
		else await expect(outcome).resolves.toMatchObject({ version });
	});

	it("that always fails uses up the budget, is left alone for 30 s, and its words are told", async () => {
		const ffmpeg = await fake("ffmpeg-broken", "echo 'Cannot load the frobnicator' >&2; exit 7");
		await withLadder(ladderConfig(pattern, { tools: { ffmpeg, ffprobe: "ffprobe" } }), async (rig) => {
			await rig.until("five failures", () => rig.interruptions.length === 5);
			const { status } = rig.ladder;
			expect(status.state).toBe("failing");
			expect(status.lastError).toMatch(/^FFMPEG_EXITED: .*left with code 7: Cannot load the frobnicator/);
			await rig.ladder.stop();
			expect(rig.ladder.status.state).toBe("stopped");
		});
	});

	it("that writes nothing is killed after the start time-out", async () => {
		const ffmpeg = await fake("ffmpeg-silent", "exec sleep 600");
		const timeouts = { ...DEFAULT_TIMEOUTS, start: milliseconds(500) };
		const config = ladderConfig(pattern, { tools: { ffmpeg, ffprobe: "ffprobe" }, timeouts });
		await withLadder(config, async (rig) => {
			await rig.until("a failure", () => rig.interruptions.length > 0, 5000);
			expect(rig.interruptions[0]!.error.message).toMatch(/^FFMPEG_HUNG: .*no output/);
		});
	});

	it("that writes something else than FLV is killed", async () => {
		const ffmpeg = await fake("ffmpeg-noise", "echo 'this is no FLV file at all' >&3; exec sleep 600");
		const config = ladderConfig(pattern, { tools: { ffmpeg, ffprobe: "ffprobe" } });
		await withLadder(config, async (rig) => {
			await rig.until("a failure", () => rig.interruptions.length > 0, 5000);
			expect(rig.interruptions[0]!.error.message).toMatch(/^FLV_SYNTAX/);
		});
	});
});
