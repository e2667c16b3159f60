/** Ladders of HEVC and AV1, with AAC and Opus: aligned as those of H.264 are, every frame there once. */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bitsPerSecond } from "../../src/base/units.ts";
import type { AudioCodec, LadderConfig, SourceSpec } from "../../src/ladder/ladder-config.ts";
import { opusPacketSamples } from "../../src/media/opus.ts";
import {
	copy,
	encode,
	expectAligned,
	expectOnGrid,
	type LadderRig,
	ladderConfig,
	makeFile,
	THREE,
	withLadder,
} from "../integration/ladder-rig.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const UNITS = 16;
const folder = makeTempDir("ladder-codecs");

/** The smallest pictures that show their numbers; a rate whose frames never lie on a line of the grid but the first. */
const PATTERN: SourceSpec = {
	kind: "test-pattern",
	width: 320,
	height: 180,
	frameRate: { numerator: 24_000, denominator: 1001 },
};
const fast = THREE.map((rendition) =>
	rendition.kind === "copy" ? rendition : { ...rendition, preset: "ultrafast" as const },
);

const audio = (codec: AudioCodec): Pick<LadderConfig, "audio"> => ({
	audio: { codec, bitsPerSecond: bitsPerSecond(64_000) },
});

function expectAudioExact(rig: LadderRig, step: number): void {
	const steps = rig.audio.slice(1).map(({ pts }, i) => pts - rig.audio[i]!.pts);
	expect(steps.length).toBeGreaterThan(100);
	expect(steps.filter((ticks) => ticks !== step)).toEqual([]);
	expect(Math.abs(rig.audio[0]!.pts - rig.of("low")[0]!.pts)).toBeLessThan(100 * 90);
}

describe("three renditions", () => {
	it.each([
		{ codec: "hevc", audioCodec: "opus", demuxer: "hevc", codecString: /^hvc1\.1\.6\.L\d+/, step: 1800 },
		{ codec: "av1", audioCodec: "aac", demuxer: "obu", codecString: /^av01\.0\.\d\dM\.08$/, step: 1920 },
	] as const)("of $codec with $audioCodec have equal key times and equal times, on the grid", async (made) => {
		const { codec, audioCodec, demuxer, codecString, step } = made;
		await withLadder(ladderConfig(PATTERN, { codec, renditions: fast, ...audio(audioCodec) }), async (rig) => {
			await rig.units(UNITS + 1);
			expectAligned(rig, ["high", "mid", "low"], UNITS);
			expectOnGrid(rig);
			expectAudioExact(rig, step);
			expect(rig.audioConfig).toMatchObject({ codec: audioCodec, sampleRateHz: 48_000, channelCount: 2 });
			if (audioCodec === "opus") expect(rig.audio.every(({ data }) => opusPacketSamples(data) === 960)).toBe(true);
			await rig.ladder.stop();
			expect(rig.logged).toEqual([]);
			for (const rendition of ["high", "mid", "low"]) {
				expect(rig.codecOf(rendition)).toMatch(codecString);
				const { counters, warnings } = await readCounters(rig.byteStream(rendition), { inputOptions: ["-f", demuxer] });
				expectEveryFrameOnce(counters, { from: 0, to: rig.of(rendition).length - 1 });
				expect(warnings).toEqual([]);
			}
		});
	});
});

describe("a copied rendition", () => {
	const x265 = (params: string): string[] => [
		...["-c:v", "libx265", "-preset", "ultrafast", "-bf", "0"],
		...["-x265-params", `log-level=error:keyint=6:min-keyint=6:scenecut=0:bframes=0:${params}`],
	];
	const renditions = [copy("source"), encode("low", 128, 72, 100)];

	it.each([
		{ codec: "hevc", encoder: x265("open-gop=0") },
		{
			codec: "av1",
			encoder: "-c:v libaom-av1 -usage realtime -cpu-used 8 -lag-in-frames 0 -g 6 -keyint_min 6 -b:v 200k".split(" "),
		},
	] as const)("of $codec is aligned with one that is encoded to the same codec", async ({ codec, encoder }) => {
		const path = await makeFile(join(folder, `${codec}.mp4`), 8, "24", encoder);
		const config = ladderConfig({ kind: "file", path, loop: true }, { codec, renditions });
		await withLadder(config, async (rig) => {
			await rig.units(UNITS + 1);
			expectAligned(rig, ["source", "low"], UNITS);
			expect(rig.refused).toEqual([]);
			expect(rig.codecOf("source")?.slice(0, 4)).toBe(rig.codecOf("low")?.slice(0, 4));
		});
	});

	const refusal = async (config: LadderConfig): Promise<string> => {
		let message = "";
		await withLadder(config, async (rig) => {
			await rig.until("a refusal", () => rig.refused.length > 0);
			await rig.units(2);
			expect(rig.refused).toMatchObject([{ rendition: "source", error: { code: "LADDER_COPY_UNFIT" } }]);
			message = rig.refused[0]!.error.message;
		});
		return message;
	};

	it("of HEVC in a channel of H.264 is refused, and both are named", async () => {
		const path = await makeFile(join(folder, "hevc-for-h264.mp4"), 4, "24", x265("open-gop=0"));
		expect(await refusal(ladderConfig({ kind: "file", path, loop: true }, { renditions }))).toMatch(
			/source that is hevc while the channel's codec is h264; set the channel's codec to hevc, send h264, or encode this/,
		);
	});

	it("of HEVC with open GOPs is refused", async () => {
		const path = await makeFile(join(folder, "open.mp4"), 4, "24", x265("open-gop=1"));
		const config = ladderConfig({ kind: "file", path, loop: true }, { codec: "hevc", renditions });
		expect(await refusal(config)).toMatch(/has open GOPs \(a key picture at \d+ without IDR\)/);
	});
});
