import { describe, expect, it } from "vitest";
import { streamFormat } from "./stream-format.ts";

describe("the packaging of a response", () => {
	it.each([
		["video/mp2t", "/live/a.ts", "ts"],
		["VIDEO/MP2T; charset=x", "/live/a", "ts"],
		["video/mp4", "/live/a.ts", "mp4"],
		["video/x-flv", "/live/a", "flv"],
		["application/x-rtp-stream; media=video; payload=33", "/live/a.rtp", "rtp"],
		[undefined, "/live/a.flv", "flv"],
		["application/octet-stream", "/live/a.MP4", "mp4"],
	])("is told by Content-Type %s before the path %s: %s", (type, path, extension) => {
		expect(streamFormat(type, path).packaging.extension).toBe(extension);
	});

	it.each([
		["text/html", "/live/a.ts"],
		[undefined, "/live/a.m3u8"],
		[undefined, "/live/a"],
		["application/octet-stream", "/live/a"],
	])("is not guessed from %s and %s", (type, path) => {
		expect(() => streamFormat(type, path)).toThrow(/^PACKAGING_UNKNOWN: .*video\/mp2t \(\.ts\)/);
	});
});
