import { expect, test } from "vitest";
import { clauseOf, PenstockError } from "./errors.ts";

test("a message as a part of another sentence has neither code nor full stop", () => {
	expect(clauseOf(new PenstockError("NAME_INVALID", "the name is empty."))).toBe("the name is empty");
	expect(clauseOf(new Error("it broke."))).toBe("it broke.");
});
