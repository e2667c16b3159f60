import { expect, test } from "vitest";
import { type AskDecoder, smoothUpTo } from "./smooth-rendition.ts";

const rendition = (name: string, height: number) => ({
	...{ name, height, width: (height * 16) / 9, codec: "avc1.64001f", available: true },
});
const LADDER = [rendition("high", 1080), rendition("mid", 720), rendition("low", 360)];

/** A decoder that plays pictures up to these heights. */
const decoder =
	(smoothHeight: number, mostHeight = 9999): AskDecoder =>
	async ({ video }) => ({ supported: video!.height <= mostHeight, smooth: video!.height <= smoothHeight });

test("is the best rendition that is smooth", async () => {
	expect(await smoothUpTo(LADDER, decoder(1080))).toBe("high");
	expect(await smoothUpTo(LADDER, decoder(720))).toBe("mid");
});

test("is the lowest that plays at all where none is smooth", async () => {
	expect(await smoothUpTo(LADDER, decoder(0))).toBe("low");
	expect(await smoothUpTo(LADDER, decoder(0, 720))).toBe("low");
});

test("is left open where the browser plays none by this account, fails to say, or has no such account", async () => {
	expect(await smoothUpTo(LADDER, decoder(0, 0))).toBeUndefined();
	expect(await smoothUpTo(LADDER, async () => Promise.reject(new TypeError("no")))).toBeUndefined();
	expect(await smoothUpTo(LADDER, undefined)).toBeUndefined();
});

test("is left open for sound alone", async () => {
	expect(await smoothUpTo([{ name: "audio", codec: "mp4a.40.2", available: true }], decoder(1080))).toBeUndefined();
});

test("asks with the rendition's own figures, and with likely ones where there are none", async () => {
	const asked: unknown[] = [];
	const ask: AskDecoder = async (configuration) => {
		asked.push(configuration);
		return { supported: true, smooth: false };
	};
	await smoothUpTo([{ ...rendition("a", 360), bitrateBps: 1e6, frameRate: 50 }, rendition("b", 180)], ask);
	const contentType = 'video/mp4; codecs="avc1.64001f"';
	expect(asked).toEqual([
		{ type: "media-source", video: { contentType, width: 640, height: 360, bitrate: 1e6, framerate: 50 } },
		{ type: "media-source", video: { contentType, width: 320, height: 180, bitrate: 172_800, framerate: 30 } },
	]);
});
