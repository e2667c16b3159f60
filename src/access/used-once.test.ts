import * as fc from "fast-check";
import { expect, test } from "vitest";
import { UsedOnce } from "./used-once.ts";

const MOST = 8;
const LIFE_MS = 10;

test("SEC4: nothing is fresh twice, wherever the wall clock goes, and no more is kept than may be", () => {
	const step = fc.record({ id: fc.nat(30), move: fc.oneof(fc.constant(1), fc.integer({ min: -500, max: 500 })) });
	fc.assert(
		fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
			const used = new UsedOnce(MOST);
			const fresh = new Set<string>();
			const expiries = new Map<number, number>();
			let wall = 0;
			for (const { id, move } of steps) {
				wall += move;
				const expires = expiries.get(id) ?? wall + LIFE_MS;
				expiries.set(id, expires);
				// The signature is judged first: what has expired does not come here.
				if (expires <= wall) continue;
				if (used.take(String(id), expires, wall) === "fresh") {
					expect(fresh.has(String(id))).toBe(false);
					fresh.add(String(id));
				}
				expect(used.size).toBeLessThanOrEqual(MOST);
			}
		}),
	);
});

test("where there is no room, another is not taken, until one expires", () => {
	const used = new UsedOnce(2);
	expect(["a", "b", "c"].map((id) => used.take(id, 100, 0))).toEqual(["fresh", "fresh", "full"]);
	expect(used.take("c", 200, 100)).toBe("fresh");
	expect(used.take("a", 100, 50)).toBe("used");
});

test("one that was given back may be taken again", () => {
	const used = new UsedOnce(2);
	expect(used.take("a", 100, 0)).toBe("fresh");
	used.giveBack("a");
	expect(used.take("a", 100, 0)).toBe("fresh");
	expect(used.take("a", 100, 0)).toBe("used");
});
