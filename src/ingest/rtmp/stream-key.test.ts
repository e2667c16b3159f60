import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PenstockError } from "../../base/errors.ts";
import { parseStreamKey } from "./stream-key.ts";

describe("the stream and its token are found in every form that encoders send", () => {
	test.for([
		["FFmpeg, GStreamer", "live", "rtmp://host:1935/live", "cam?token=abc"],
		["OBS, the query behind the server's URL", "live?token=abc", "rtmp://host/live?token=abc", "cam"],
		["librtmp, the query in tcUrl alone", "live", "rtmp://host/live?token=abc", "cam"],
		["a slash too many", "live/", "rtmp://host/live/", "/cam?token=abc"],
		["all in the key", "", "rtmp://host/", "live/cam?token=abc"],
		["all in the app", "live/cam?token=abc", "rtmp://host/live/cam?token=abc", ""],
		["no tcUrl", "live", "", "cam?token=abc"],
	] as const)("%s", ([, app, tcUrl, name]) => {
		const key = parseStreamKey(app, tcUrl, name);
		expect([key.app, key.stream]).toEqual(["live", "cam"]);
		expect(key.credentials.query?.get("token")).toBe("abc");
	});

	test("what stands closest to the stream's name counts first", () => {
		const { credentials } = parseStreamKey("live?token=two", "rtmp://host/live?token=three&x=1", "cam?token=one");
		expect(credentials.query?.get("token")).toBe("one");
		expect(credentials.query?.get("x")).toBe("1");
	});

	test("user and password in tcUrl", () => {
		const { credentials } = parseStreamKey("live", "rtmp://me:p%40ss%@host/live", "cam");
		expect(credentials).toEqual({ user: "me", password: "p%40ss%" });
		expect(parseStreamKey("live", "rtmp://me:p%40ss@host/live", "cam").credentials.password).toBe("p@ss");
		expect(parseStreamKey("live", "rtmp://host/live", "cam").credentials).toEqual({});
	});
});

test.for([
	["live", "cam/three"],
	["live", ""],
	["", ""],
	["live", ".."],
	["..", "cam"],
	["live", "%2e%2e"],
	["live", "cam\u0000"],
	["live", "-i"],
	["live", "ｃam"],
	["live", "a".repeat(129)],
	["live", `cam?${"x".repeat(9000)}`],
])("SEC1: %j and %j name no stream", ([app, name]) => {
	expect(() => parseStreamKey(app!, "", name!)).toThrow("NAME_INVALID");
});

test("whatever comes, names are names, and no message holds a query", () => {
	fc.assert(
		fc.property(fc.string(), fc.string(), fc.string(), (app, tcUrl, name) => {
			try {
				const key = parseStreamKey(app, tcUrl, `${name}?token=canary7`);
				for (const part of [key.app, key.stream]) expect(part).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/);
			} catch (error) {
				expect(error).toBeInstanceOf(PenstockError);
				expect(String(error)).not.toContain("canary7");
			}
		}),
	);
});
