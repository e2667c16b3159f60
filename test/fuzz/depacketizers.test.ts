/** A short run of RTP's fuzzer. */
import { describe, expect, test } from "vitest";
import { fuzzFeed } from "./depacketizers.ts";
import { FEEDS, makeFeed } from "./depacketizers-corpus.ts";

describe("1000 mutated streams break no promise of the way in", () => {
	test.for(FEEDS)("%s", { timeout: 120_000 }, async (name) => {
		const { findings, accessUnits, faults } = fuzzFeed(await makeFeed(name), 1, 0, 1000);
		expect(findings).toEqual([]);
		// Else nothing of this would mean anything: most inputs reach the sink, and many have something wrong.
		expect(accessUnits).toBeGreaterThan(10_000);
		expect(faults).toBeGreaterThan(500);
	});
});
