import { expect, test } from "vitest";
import type { DecodeInformation } from "../media/access-unit.ts";
import { feedFormOf } from "./feed-form.ts";

test.for([
	["h264", "aac", "flv"],
	["h264", undefined, "flv"],
	[undefined, "aac", "flv"],
	["h264", "opus", "mpegts"],
	["hevc", "aac", "mpegts"],
	[undefined, "opus", "mpegts"],
	["av1", "opus", "mov"],
] as const)("%s and %s go to FFmpeg as %s", ([video, audio, form]) => {
	const decode = { ...(video && { video: { codec: video } }), ...(audio && { audio: { codec: audio } }) };
	expect(feedFormOf(decode as DecodeInformation)).toBe(form);
});
