/** A short run of the fuzzer of RTSP and SDP. */
import { expect, test } from "vitest";
import { fuzzRtsp, RTSP_SIDES } from "./rtsp.ts";

const INPUTS = 3000;

test.each(RTSP_SIDES)(`${INPUTS} broken conversations break no promise: %s`, { timeout: 120_000 }, async (side) => {
	const { findings, things, faults } = await fuzzRtsp(side, 1, 0, INPUTS);
	expect(findings).toEqual([]);
	// Else nothing of this would mean anything: most inputs are read in part, and many have something wrong.
	expect(things).toBeGreaterThan(INPUTS);
	expect(faults).toBeGreaterThan(INPUTS / 5);
});
