import { describe, expect, it } from "vitest";
import { parseName } from "../base/name.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import { ffmpegArguments } from "./ffmpeg-arguments.ts";
import { DEFAULT_TIMEOUTS, type EncodedRendition, type LadderConfig, type RenditionSpec } from "./ladder-config.ts";

const encode = (name: string, width: number, height: number, bps: number): EncodedRendition => ({
	name: parseName(name, "rendition"),
	kind: "encode",
	width,
	height,
	bitsPerSecond: bitsPerSecond(bps),
	preset: "veryfast",
});
const COPY: RenditionSpec = { name: parseName("source", "rendition"), kind: "copy" };
const HIGH = encode("high", 1280, 720, 4_000_000);
const LOW = encode("low", 320, 180, 300_000);

const config = (renditions: readonly RenditionSpec[], changes: Partial<LadderConfig> = {}): LadderConfig => ({
	channel: "news",
	source: { kind: "file", path: "/m.mp4", loop: true },
	renditions,
	audio: { bitsPerSecond: bitsPerSecond(96_000) },
	unitDuration: milliseconds(1000),
	tools: { ffmpeg: "ffmpeg", ffprobe: "ffprobe" },
	timeouts: DEFAULT_TIMEOUTS,
	...changes,
});

const TEST_PATTERN = {
	...({ kind: "test-pattern", width: 320, height: 180 } as const),
	frameRate: { numerator: 30, denominator: 1 },
};

const GRID = "expr:if(isnan(prev_forced_t),1,gt(floor((t*1000+0.001)/1000),floor((prev_forced_t*1000+0.001)/1000)))";
const video = (from: string, bps: string, buffer: string, threads: string, keys = GRID): string[] =>
	`-map ${from} -c:v libx264 -preset veryfast -tune zerolatency -profile:v main -bf 0 -g 9999 -sc_threshold 0 -enc_time_base 1:90000 -fps_mode passthrough -force_key_frames ${keys} -b:v ${bps} -maxrate ${bps} -bufsize ${buffer} -threads ${threads}`.split(
		" ",
	);
const ALIGNED = `-enc_time_base 1:90000 -fps_mode passthrough -force_key_frames ${GRID} -b:v 300000 -maxrate 300000 -bufsize 180000 -threads 2`;
const pipe = (fd: number): string[] =>
	`-avoid_negative_ts disabled -flush_packets 1 -flvflags no_duration_filesize -f flv pipe:${fd}`.split(" ");
const SOURCE =
	"-copyts -re -stream_loop -1 -protocol_whitelist file -format_whitelist mov,matroska,mpegts,flv,avi,mpeg,mxf,ogg,asf,nut -i file:/m.mp4".split(
		" ",
	);
const head = (fd: number): string[] =>
	`-hide_banner -nostdin -v warning -nostats -progress pipe:${fd} -stats_period 1`.split(" ");
const AUDIO = "-map 0:a:0 -af aresample=async=1 -c:a aac -ac 2 -ar 48000 -b:a 96000".split(" ");

describe("FFmpeg's command line", () => {
	it("of two encoded renditions and audio is exactly this", () => {
		expect(ffmpegArguments(config([HIGH, LOW]), { renditions: [HIGH, LOW], withAudio: true })).toEqual([
			...head(6),
			...SOURCE,
			"-filter_complex",
			"[0:v:0]split=2[s0][s1];[s0]scale=1280:720:flags=bicubic,format=yuv420p[v0];[s1]scale=320:180:flags=bicubic,format=yuv420p[v1]",
			...video("[v0]", "4000000", "2400000", "4"),
			...pipe(3),
			...video("[v1]", "300000", "180000", "2"),
			...pipe(4),
			...AUDIO,
			...pipe(5),
		]);
	});

	it("with a copy forces the others' key frames where the source has its own", () => {
		expect(ffmpegArguments(config([COPY, LOW]), { renditions: [COPY, LOW], withAudio: false })).toEqual([
			...head(5),
			...SOURCE,
			"-filter_complex",
			"[0:v:0]split=1[s1];[s1]scale=320:180:flags=bicubic,format=yuv420p[v1]",
			...["-map", "0:v:0", "-c:v", "copy"],
			...pipe(3),
			...video("[v1]", "300000", "180000", "2", "source"),
			...pipe(4),
		]);
	});

	it("of HEVC and Opus writes MPEG-TS, one frame to a packet whose length is said", () => {
		const hevc = config([LOW], { codec: "hevc", audio: { codec: "opus", bitsPerSecond: bitsPerSecond(64_000) } });
		const argv = ffmpegArguments(hevc, { renditions: [LOW], withAudio: true });
		const encoder = `-map [v0] -c:v libx265 -preset veryfast -tune zerolatency -profile:v main -bf 0 -g 9999 -forced-idr 1 -x265-params log-level=error:open-gop=0:scenecut=0:frame-threads=1:pools=2 ${ALIGNED}`;
		const ts = (fd: number): string =>
			`-avoid_negative_ts disabled -flush_packets 1 -omit_video_pes_length 0 -pes_payload_size 0 -muxdelay 0 -muxpreload 0 -f mpegts pipe:${fd}`;
		const audio = "-map 0:a:0 -af aresample=async=1 -c:a libopus -ac 2 -ar 48000 -b:a 64000";
		expect(argv.slice(argv.indexOf("-map"))).toEqual(`${encoder} ${ts(3)} ${audio} ${ts(4)}`.split(" "));
	});

	it("of AV1 writes IVF, and AAC beside it in FLV", () => {
		const argv = ffmpegArguments(config([LOW], { codec: "av1" }), { renditions: [LOW], withAudio: true });
		const encoder = `-map [v0] -c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -row-mt 1 -g 9999 ${ALIGNED}`;
		const ivf = "-avoid_negative_ts disabled -flush_packets 1 -f ivf pipe:3";
		expect(argv.slice(argv.indexOf("-map"))).toEqual([...`${encoder} ${ivf}`.split(" "), ...AUDIO, ...pipe(4)]);
	});

	it("of the test pattern draws the bar behind the input, and takes sound from the other", () => {
		const argv = ffmpegArguments(config([LOW], { source: TEST_PATTERN }), { renditions: [LOW], withAudio: true });
		const graph = argv[argv.indexOf("-filter_complex") + 1];
		expect(graph).toMatch(
			/^\[0:v:0\]split\[picture\].*overlay=0:0:format=yuv420\[test\];\[test\]split=1\[s0\];\[s0\]scale=/,
		);
		expect(argv.filter((one) => one === "-re")).toHaveLength(2);
		expect(argv).toContain("1:a:0");
	});

	it("of audio alone has no filter graph and no pictures", () => {
		expect(ffmpegArguments(config([]), { renditions: [], withAudio: true })).toEqual([
			...head(4),
			...SOURCE,
			...AUDIO,
			...pipe(3),
		]);
	});

	it("with the copy refused puts the others back on the grid", () => {
		const argv = ffmpegArguments(config([COPY, LOW]), { renditions: [LOW], withAudio: false });
		expect(argv).toContain(GRID);
		expect(argv).not.toContain("copy");
	});

	it("of a copy alone has no filter", () => {
		const argv = ffmpegArguments(config([COPY]), { renditions: [COPY], withAudio: true });
		expect(argv).not.toContain("-filter_complex");
	});

	it("with a frame rate has one for the whole ladder, before it is split", () => {
		const frameRate = { numerator: 30_000, denominator: 1001 };
		const argv = ffmpegArguments(config([HIGH, LOW], { frameRate }), { renditions: [HIGH, LOW], withAudio: true });
		expect(argv[argv.indexOf("-filter_complex") + 1]).toMatch(/^\[0:v:0\]fps=fps=30000\/1001,split=2/);
	});

	it("with a frame rate and a copy is refused", () => {
		const both = config([COPY, LOW], { frameRate: { numerator: 25, denominator: 1 } });
		expect(() => ffmpegArguments(both, { renditions: both.renditions, withAudio: true })).toThrow(
			/^CONFIG_VALUE: channel news: frameRate 25\/1/,
		);
	});
});
