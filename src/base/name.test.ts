import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PenstockError } from "./errors.ts";
import { isName, parseName } from "./name.ts";

describe("a name", () => {
	it.each(["a", "Cam_3", "0", "_x", "a-b", "x".repeat(128)])("may be %s", (text) => {
		expect(parseName(text, "stream")).toBe(text);
	});

	it.each([
		...[
			"",
			"-rf",
			".",
			"..",
			"../etc/passwd",
			"a/b",
			"a\\b",
			"a.b",
			"a b",
			" a",
			"a\n",
			"\na",
			"a\0",
			"a%2e",
			"%2e%2e",
		],
		...[
			"$(id)",
			"`id`",
			"a;b",
			"a|b",
			"a&b",
			"<b>",
			'a"b',
			"a'b",
			"a:b",
			"a*",
			"a>",
			"é",
			"ａ",
			"a\u202e",
			"__proto__ ",
		],
		"x".repeat(129),
	])("may not be %j", (text) => {
		expect(isName(text)).toBe(false);
		expect(() => parseName(text, "stream")).toThrow(PenstockError);
	});

	it("that is refused is shown, cut and quoted, with what it was for", () => {
		const refuse = (): unknown => parseName(`\n${"x".repeat(200)}`, "rendition");
		expect(refuse).toThrow(/^NAME_INVALID: rendition "\\nx{39}…" must be 1 to 128 of the characters A-Z a-z 0-9 _ -/);
	});

	it("has nothing but the allowed characters, whatever was tried", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", maxLength: 140 }), (text) => {
				const allowed = text.split("").every((character) => /[A-Za-z0-9_-]/.test(character));
				expect(isName(text)).toBe(allowed && text.length >= 1 && text.length <= 128 && !text.startsWith("-"));
			}),
			{ numRuns: 1_000, examples: [["a\r\n"], ["constructor"]] },
		);
	});
});
