import fc from "fast-check";
import { expect, test } from "vitest";
import { PenstockError } from "../base/errors.ts";
import { parseMediaPath, parseWatchPath, watchPath } from "./media-path.ts";

test.each([
	["/live/demo.ts", { app: "live", stream: "demo", extension: "ts" }],
	["/live/demo.live.ts", { app: "live", stream: "demo", extension: "ts" }],
	["/live/demo.TS", { app: "live", stream: "demo", extension: "ts" }],
	["/a_1/cam-3.flv", { app: "a_1", stream: "cam-3", extension: "flv" }],
])("%s is a stream", (path, expected) => {
	expect(parseMediaPath(path)).toEqual(expected);
});

test.each(["/", "/live", "/live/", "/live/demo", "/live/demo.", "/a/b/c.ts", "//demo.ts", "/live/.ts", "live/demo.ts"])(
	"%s is not of a stream's form",
	(path) => {
		expect(parseMediaPath(path)).toBeUndefined();
	},
);

test.each([
	"/live/..%2f..%2fetc.ts",
	"/%2e%2e/passwd.ts",
	"/live/-i.ts",
	"/live/a b.ts",
	"/live/a\u0000.ts",
	"/live/$x.ts",
	"/../demo.ts",
	`/live/${"x".repeat(200)}.ts`,
	"/live/dеmo.ts", // a Cyrillic letter
])("%s is refused by name", (path) => {
	expect(() => parseMediaPath(path)).toThrow(/^NAME_INVALID: /);
});

test("any text gives a path, nothing, or a PenstockError", () => {
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.webPath(),
				fc.string().map((text) => `/live/${text}.ts`),
			),
			(text) => {
				try {
					const path = parseMediaPath(text);
					if (path !== undefined) expect(`${path.app}${path.stream}`).toMatch(/^[A-Za-z0-9_-]+$/);
				} catch (error) {
					expect(error).toBeInstanceOf(PenstockError);
				}
			},
		),
	);
});

test("a watch page's path leads back to its channel", () => {
	expect(parseWatchPath(watchPath("/live/cam-3"))).toEqual({ app: "live", stream: "cam-3" });
	for (const path of ["/play", "/play/live", "/play/live/", "/play/a/b/c", "/player/live/demo", "/live/demo.ts"])
		expect([path, parseWatchPath(path)]).toEqual([path, undefined]);
	expect(() => parseWatchPath("/play/live/a.b")).toThrow(/^NAME_INVALID: the stream/);
});
