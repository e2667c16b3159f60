import { expect, test } from "vitest";
import { PenstockPlayerElement } from "./element/entry.ts";
import { Player } from "./entry.ts";

test("can be loaded where there is no page, as by a server that renders one", () => {
	expect(globalThis).not.toHaveProperty("customElements");
	expect([typeof Player, typeof PenstockPlayerElement]).toEqual(["function", "function"]);
});
