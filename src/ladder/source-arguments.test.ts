import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PenstockError } from "../base/errors.ts";
import type { SourceSpec } from "./ladder-config.ts";
import { audioInput, sourceArguments, sourceLabel, withoutSecrets } from "./source-arguments.ts";

const PLAY = { kind: "play", copies: false, withVideo: true } as const;
const TEST: SourceSpec & { kind: "test-pattern" } = {
	...{ kind: "test-pattern", width: 320, height: 180 },
	frameRate: { numerator: 30, denominator: 1 },
};
const file = (path: string, loop = false): SourceSpec => ({ kind: "file", path, loop });
const url = (text: string): SourceSpec => ({ kind: "url", url: text });
const CONTAINERS = "mov,matroska,mpegts,flv,avi,mpeg,mxf,ogg,asf,nut";
const LIVE = ["-flags", "low_delay", "-thread_type", "slice", "-analyzeduration", "500000"];

describe("arguments for a source", () => {
	it("of a file are exact: paced, looped, fenced in, absolute", () => {
		const guard = ["-protocol_whitelist", "file", "-format_whitelist", CONTAINERS];
		const last = ["-i", "file:/media/a b;$(id).mp4"];
		expect(sourceArguments(file("/media/a b;$(id).mp4"), PLAY)).toEqual(["-re", ...guard, ...last]);
		expect(sourceArguments(file("/media/a b;$(id).mp4", true), PLAY)).toEqual([
			...["-re", "-stream_loop", "-1"],
			...guard,
			...last,
		]);
		expect(sourceArguments(file("/media/a b;$(id).mp4", true), { kind: "probe" })).toEqual([...guard, ...last]);
	});

	it("of a relative path become absolute, whatever it looks like", () => {
		expect(sourceArguments(file("concat:a|b"), PLAY).at(-1)).toBe(`file:${process.cwd()}/concat:a|b`);
	});

	it("of the test pattern make pictures only where they are wanted", () => {
		expect(sourceArguments(TEST, { ...PLAY, withVideo: false })).toEqual([
			...["-re", "-f", "lavfi", "-i"],
			"sine=frequency=440:sample_rate=48000:samples_per_frame=1024[out0]",
		]);
		expect(sourceArguments(TEST, { kind: "probe" }).at(-1)).toMatch(/^testsrc2=.*\[out0\];sine=.*\[out1\]$/);
	});

	it("of the test pattern are two inputs to play, so that sound does not wait for pictures", () => {
		const [picture, sound] = [sourceArguments(TEST, PLAY).slice(0, 5), sourceArguments(TEST, PLAY).slice(5)];
		expect(picture).toEqual(["-re", "-f", "lavfi", "-i", expect.stringMatching(/^testsrc2=.*\[out0\]$/)]);
		expect(sound).toEqual(["-re", "-f", "lavfi", "-i", expect.stringMatching(/^sine=.*\[out0\]$/)]);
		expect([audioInput(TEST, true), audioInput(TEST, false)]).toEqual([1, 0]);
	});

	it.each([
		["rtsp://cam/1", "rtp,tcp", ["-rtsp_transport", "tcp", "-timeout", "10000000", "-f", "rtsp"]],
		["rtsps://cam/1", "rtp,tls,tcp", ["-rtsp_transport", "tcp", "-timeout", "10000000", "-f", "rtsp"]],
		["srt://a:9000?mode=caller", "srt", ["-rw_timeout", "10000000", "-f", "mpegts"]],
		["udp://@239.0.0.1:5000", "udp", ["-timeout", "10000000", "-overrun_nonfatal", "1", "-f", "mpegts"]],
		["rtp://[::1]:5004", "rtp,udp", ["-f", "rtp"]],
		["https://a/b.m3u8", "http,https,tls,tcp", ["-rw_timeout", "10000000", "-format_whitelist", `${CONTAINERS},hls`]],
		["rtmp://a/live/b", "rtmp,tcp", ["-rw_timeout", "10000000", "-f", "flv"]],
		["tcp://a:1", "tcp", ["-rw_timeout", "10000000", "-format_whitelist", CONTAINERS]],
	])("of %s name its protocols and its demuxer", (text, protocols, rest) => {
		expect(sourceArguments(url(text), PLAY)).toEqual([...LIVE, "-protocol_whitelist", protocols, ...rest, "-i", text]);
	});

	it("look longer at a live source that is copied", () => {
		expect(sourceArguments(url("udp://a:1"), { ...PLAY, copies: true })).toContain("2500000");
	});
});

describe("arguments for a rule's packets", () => {
	const rule = { kind: "rule", rule: "cam-1" } as const;

	it("of a transport stream listen on the loopback alone, with a queue behind the socket", () => {
		const argv = sourceArguments({ ...rule, landing: { kind: "ts", port: 40_000 } }, PLAY);
		expect(argv.slice(0, -1)).toEqual([...LIVE, "-protocol_whitelist", "udp", "-f", "mpegts", "-i"]);
		const url = new URL(argv.at(-1)!);
		expect(url.host).toBe("127.0.0.1:40000");
		expect(Object.fromEntries(url.searchParams)).toEqual({
			...{ localaddr: "127.0.0.1", timeout: "10000000", buffer_size: "425984", fifo_size: "57344" },
			overrun_nonfatal: "1",
		});
	});

	it("of RTP bring its description along, and open nothing else", () => {
		const sdp = "v=0\r\nm=video 40000 RTP/AVP 33\r\n";
		const argv = sourceArguments({ ...rule, landing: { kind: "rtp", port: 40_000, sdp } }, { ...PLAY, copies: true });
		expect(argv).toEqual([
			...["-flags", "low_delay", "-thread_type", "slice", "-analyzeduration", "2500000"],
			...["-protocol_whitelist", "data,rtp,udp", "-localaddr", "127.0.0.1", "-buffer_size", "425984", "-f", "sdp"],
			...["-i", `data:application/sdp;base64,${Buffer.from(sdp).toString("base64")}`],
		]);
		expect(sourceLabel({ ...rule, landing: { kind: "rtp", port: 40_000, sdp } })).toBe("rule cam-1");
	});
});

describe("hostile text for a source", () => {
	it.each([
		"",
		"-i",
		"-f",
		"--help",
		"file:///etc/passwd",
		"concat:/etc/passwd|/etc/hosts",
		"concat://a",
		"subfile,,start,0,end,10,,:/etc/passwd",
		"data:text/plain,hello",
		"pipe:0",
		"pipe://0",
		"lavfi://testsrc",
		"crypto://a",
		"gopher://a/",
		"ffrtmphttp://a/",
		"tee://a",
		"unix:///run/a.sock",
		"async:udp://a:1",
		"HTTP://a/",
		"/etc/passwd",
		"a.mp4",
		"constructor://a/",
		"__proto__://a/",
		"udp:a:1",
		"http://a/ -i /etc/passwd",
		"http://a/\n-i",
		"http://a/\u0000",
		"\thttp://a/",
		"http://",
		"http://[::1",
		`http://a/${"x".repeat(5000)}`,
	])("%j is no URL that is opened", (text) => {
		for (const reading of [PLAY, { kind: "probe" } as const]) {
			expect(() => sourceArguments(url(text), reading)).toThrow(/^SOURCE_UNSUPPORTED: /);
		}
	});

	it.each(["", "-i", "a\nb", "a\u0000b", "\u001b[2J"])("%j is no path that is opened", (text) => {
		expect(() => sourceArguments(file(text), PLAY)).toThrow(/^SOURCE_UNSUPPORTED: /);
	});

	it("is refused, or stands whole and alone behind -i, with every other argument the same", () => {
		const pieces = fc.constantFrom(
			"-",
			"-i ",
			"$(id)",
			"`",
			"'",
			'"',
			";",
			"|",
			"&",
			"\n",
			"\0",
			" ",
			"%00",
			"..",
			"@",
		);
		const scheme = fc.constantFrom("", "udp://", "http://a", "rtsp://a/", "srt://a:1?", "file:", "concat:", "-");
		const text = fc.tuple(scheme, fc.array(fc.oneof(pieces, fc.string({ maxLength: 6 })), { maxLength: 6 }));
		fc.assert(
			fc.property(text, fc.boolean(), ([head, tail], isFile) => {
				const whole = head + tail.join("");
				try {
					const argv = sourceArguments(isFile ? file(whole) : url(whole), PLAY);
					const scheme = /^[a-z]+/.exec(whole)?.[0] ?? "";
					const plain = sourceArguments(isFile ? file("/a") : url(`${scheme}://a:1`), PLAY);
					expect(argv.slice(0, -1)).toEqual(plain.slice(0, -1));
					expect(argv.at(-1)).toMatch(isFile ? /^file:\// : /^(rtsp|udp|http|srt):\/\//);
				} catch (thrown) {
					expect(thrown).toBeInstanceOf(PenstockError);
				}
			}),
			{ numRuns: 2000 },
		);
	});
});

describe("secrets in a source", () => {
	it("are in no label and no line of FFmpeg's", () => {
		for (const text of [
			"rtsp://user:hush@cam:554/1",
			"srt://a:1?mode=caller&passphrase=hush&latency=20",
			"http://a/b?token=hush",
			"[tcp @ 0x1] Connection to http://u:hush@h/x?key=hush failed",
			"rtsp://us%40er:hu@hush@cam/1",
		]) {
			expect(withoutSecrets(text)).not.toContain("hush");
			expect(sourceLabel(url(text))).not.toContain("hush");
		}
		expect(withoutSecrets("udp://@239.0.0.1:5000 and a@b")).toBe("udp://***@239.0.0.1:5000 and a@b");
	});
});
