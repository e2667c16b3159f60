import { expect, test } from "vitest";
import { examineText, fuzzAccess } from "./access.ts";

test("20 000 texts break no promise of who judges them", { timeout: 120_000 }, async () => {
	expect(await fuzzAccess({ seed: 1, from: 0, inputs: 20_000 })).toEqual([]);
});

test("a promise that is broken would be seen", async () => {
	expect(await examineText("http://1.1.1.1/")).toBeUndefined();
	await expect(examineText(undefined as unknown as string)).resolves.toMatch(/^throws /);
});
