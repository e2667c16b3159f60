import { expect, test } from "vitest";
import { fuzzRtmp } from "./rtmp-run.ts";
import { rtmpSpecimens } from "./rtmp-specimens.ts";

test("SEC8: 5000 mutated conversations break no promise of RTMP's machine", { timeout: 120_000 }, async () => {
	const { accessUnits, faults, findings } = fuzzRtmp(await rtmpSpecimens(), { seed: 1, from: 0, inputs: 5000 });
	expect(findings).toEqual([]);
	// Else nothing of this would mean anything: most inputs reach the sink, and most have something wrong.
	expect(accessUnits).toBeGreaterThan(20_000);
	expect(faults).toBeGreaterThan(2500);
});
