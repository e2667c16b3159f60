/** A few frames of any encoder that FFmpeg has, for tests of what encoders and muxers write. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { PenstockError } from "../../src/base/errors.ts";
import { runToEnd } from "./processes.ts";
import { makeTempDir } from "./temp-dir.ts";

/** Six pictures of FFmpeg's moving test card. */
export async function tinyFile(format: string, size: string, encoder: readonly string[]): Promise<Buffer> {
	return await encode(format, [`testsrc2=s=${size}:r=10:d=0.6`, ...encoder]);
}

/** Half a second of a tone. */
export async function tinySound(format: string, encoder: readonly string[]): Promise<Buffer> {
	return await encode(format, ["sine=frequency=440:sample_rate=48000:d=0.5", ...encoder]);
}

async function encode(format: string, [graph, ...encoder]: readonly string[]): Promise<Buffer> {
	const file = join(makeTempDir("encode"), `tiny.${format}`);
	const source = ["-hide_banner", "-v", "error", "-nostdin", "-f", "lavfi", "-i", graph!];
	const ended = await runToEnd("ffmpeg", [...source, ...encoder, "-f", format, file], {
		env: { SVT_LOG: "0" },
		timeoutMs: 60_000,
	});
	if (ended.code !== 0) throw new Error(`FFmpeg could not encode: ${ended.lastWords()}`);
	return readFileSync(file);
}

/** The payload of the first box of this type; found by its name, so only for types that no media bytes look like. */
export function boxOf(mp4: Buffer, type: string): Buffer {
	const at = mp4.indexOf(type, 0, "latin1");
	expect(at, `the box ${type}`).toBeGreaterThan(0);
	return mp4.subarray(at + 4, at - 4 + mp4.readUInt32BE(at - 4));
}

export interface ProbedVideo {
	readonly codec_name: string;
	readonly profile: string;
	readonly width: number;
	readonly height: number;
	readonly level: number;
	readonly pix_fmt: string;
}

/** What ffprobe says of a file's first stream. */
export async function probeVideo(file: Uint8Array): Promise<ProbedVideo> {
	const args = ["-v", "error", "-print_format", "json", "-show_streams", "-i", "pipe:0"];
	const { stdout } = await runToEnd("ffprobe", args, { input: file });
	return (JSON.parse(stdout) as { streams: ProbedVideo[] }).streams[0]!;
}

/** Fails for any other error than ours: a parser that meets rubbish says so and does not crash. */
export function onlyPenstockErrors(parse: () => unknown): void {
	try {
		parse();
	} catch (error) {
		if (!(error instanceof PenstockError)) throw error;
		expect(error.code).toBe("STREAM_UNSUPPORTED");
	}
}
