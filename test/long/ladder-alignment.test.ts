import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SourceSpec } from "../../src/ladder/ladder-config.ts";
import {
	copy,
	encode,
	expectAligned,
	expectOnGrid,
	type LadderRig,
	ladderConfig,
	makeFile,
	withLadder,
} from "../integration/ladder-rig.ts";
import { expectEveryFrameOnce, readCounters } from "../kit/signal-reader.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const UNITS = 60;

const folder = makeTempDir("ladder-alignment");

async function ladderFor(source: SourceSpec, more?: (rig: LadderRig) => Promise<void>): Promise<void> {
	await withLadder(ladderConfig(source), async (rig) => {
		await rig.units(UNITS + 1);
		expectAligned(rig, ["high", "mid", "low"], UNITS);
		expectOnGrid(rig);
		expect(rig.calls.slice(0, 5).sort()).toEqual([
			"config audio 48000",
			"config high 320x180",
			"config low 128x72",
			"config mid 192x108",
			"units",
		]);
		expect(rig.calls[4]).toBe("units");
		expectAudioExact(rig);
		await more?.(rig);
	});
}

/** 1024 samples at 48 kHz are 1920 ticks. */
function expectAudioExact(rig: LadderRig): void {
	const steps = rig.audio.slice(1).map(({ pts }, i) => pts - rig.audio[i]!.pts);
	expect(steps.length).toBeGreaterThan(500);
	expect(steps.filter((step) => step !== 1920)).toEqual([]);
	expect(Math.abs(rig.audio[0]!.pts - rig.of("low")[0]!.pts)).toBeLessThan(100 * 90);
}

describe.concurrent("60 units of 250 ms in three renditions have equal key times and equal times", () => {
	it("from the test pattern at 30 frames/s, which shows every frame number once, in order", () =>
		ladderFor(
			{ kind: "test-pattern", width: 320, height: 180, frameRate: { numerator: 30, denominator: 1 } },
			async (rig) => {
				await rig.ladder.stop();
				for (const rendition of ["high", "low"]) {
					const { counters, warnings } = await readCounters(rig.byteStream(rendition), {
						inputOptions: ["-f", "h264"],
					});
					expectEveryFrameOnce(counters, { from: 0, to: rig.of(rendition).length - 1 });
					expect(warnings).toEqual([]);
				}
			},
		));

	it("from the test pattern at 30000/1001 frames/s", () =>
		ladderFor({ kind: "test-pattern", width: 320, height: 180, frameRate: { numerator: 30_000, denominator: 1001 } }));

	it("from a file with a variable frame rate", async () => {
		const uneven = "select='mod(n,3)+not(mod(n,7))',setpts='PTS+0.011*mod(N*5,3)/TB'";
		const options = ["-vf", uneven, "-fps_mode", "vfr", "-g", "40", "-bf", "2"];
		const path = await makeFile(join(folder, "vfr.mkv"), 20, "30", options);
		await ladderFor({ kind: "file", path, loop: false });
	});
});

describe("a copied rendition on top", () => {
	it("of a looped file with closed GOPs as long as the unit is aligned with the encoded ones", async () => {
		const options = ["-g", "6", "-keyint_min", "6", "-sc_threshold", "0", "-bf", "0"];
		const path = await makeFile(join(folder, "fits.mp4"), 9, "24", options);
		const renditions = [copy("source"), encode("mid", 192, 108, 200), encode("low", 128, 72, 100)];
		await withLadder(ladderConfig({ kind: "file", path, loop: true }, { renditions }), async (rig) => {
			await rig.units(UNITS + 1);
			expectAligned(rig, ["source", "mid", "low"], UNITS);
			expect(rig.refused).toEqual([]);
			expect(rig.calls).toContain("config source 320x180");
		});
	});
});
