import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("those of one name go one after another, in the order in which they came; others are not held up", async () => {
	const turns = new Turns({ atOnce: 1, mostWaiting: 100 });
	const log: string[] = [];
	const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>());
	const runs = gates.map(({ promise }, index) =>
		turns.run("one", async () => {
			log.push(`begin ${index}`);
			await promise;
			log.push(`end ${index}`);
		}),
	);
	await turns.run("other", () => log.push("other"));
	for (const { resolve } of gates.toReversed()) resolve();
	await Promise.all(runs);
	expect(log).toEqual(["begin 0", "other", "end 0", "begin 1", "end 1", "begin 2", "end 2"]);
	expect(turns.size).toBe(0);
});

test("never more at once than there may be, and more than may wait are turned away", async () => {
	const turns = new Turns({ atOnce: 3, mostWaiting: 5 });
	let busy = 0;
	let most = 0;
	const results = await Promise.all(
		Array.from({ length: 20 }, (_, index) =>
			turns.run("one", async () => {
				most = Math.max(most, ++busy);
				await new Promise((resolve) => setImmediate(resolve));
				busy--;
				return index;
			}),
		),
	);
	expect(most).toBe(3);
	expect(results.filter((one) => one !== undefined)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
	expect(turns.size).toBe(0);
});

test("one that fails makes place for the next", async () => {
	const turns = new Turns({ atOnce: 1, mostWaiting: 5 });
	const first = turns.run("one", () => Promise.reject(new Error("failed")));
	const second = turns.run("one", () => "well");
	await expect(first).rejects.toThrow("failed");
	expect(await second).toBe("well");
	expect(turns.size).toBe(0);
});
