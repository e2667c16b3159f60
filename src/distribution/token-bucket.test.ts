import fc from "fast-check";
import { expect, test } from "vitest";
import { TokenBucket } from "./token-bucket.ts";

test("over any time no more is let through than the rate and one bucketful", () => {
	const gapsMs = fc.array(fc.double({ min: 0, max: 200, noNaN: true }), { maxLength: 300 });
	fc.assert(
		fc.property(gapsMs, fc.integer({ min: 1, max: 5000 }), (gaps, perSecond) => {
			const bucket = new TokenBucket(perSecond, 1, 0);
			let now = 0;
			let through = 0;
			for (const gap of gaps) {
				now += gap;
				if (!bucket.has(1, now)) continue;
				bucket.take(1);
				through++;
			}
			expect(through).toBeLessThanOrEqual(Math.max(1, perSecond / 10) + (perSecond * now) / 1000 + 1e-6);
		}),
	);
});

test("a steady stream below the rate loses nothing", () => {
	const bucket = new TokenBucket(1000, 1, 0);
	for (let now = 0; now < 10_000; now += 1.01) {
		expect(bucket.has(1, now)).toBe(true);
		bucket.take(1);
	}
});
