import { expect, test } from "vitest";
import { chooseRenderers } from "./renderer-choice.ts";

const WEBCODECS = { VideoDecoder: 1, AudioDecoder: 1, OffscreenCanvas: 1, AudioWorkletNode: 1, Worker: 1 };
const ALL = { isSecureContext: true, MediaSource: 1, ...WEBCODECS };

test("WebCodecs comes first where there is all it needs", () => {
	expect(chooseRenderers("auto", ALL)).toEqual({ kinds: ["webcodecs", "mse"], lacking: [] });
	expect(chooseRenderers(undefined, ALL).kinds).toEqual(["webcodecs", "mse"]);
});

test("one that was asked for is the only one", () => {
	expect(chooseRenderers("mse", ALL).kinds).toEqual(["mse"]);
	expect(chooseRenderers("webcodecs", { ...ALL, isSecureContext: false })).toEqual({
		kinds: [],
		lacking: ["WebCodecs needs https, or localhost"],
	});
});

test("what a browser lacks is named", () => {
	const { kinds, lacking } = chooseRenderers("auto", { ...ALL, AudioWorkletNode: undefined, MediaSource: undefined });
	expect(kinds).toEqual([]);
	expect(lacking).toEqual([
		"WebCodecs needs AudioWorkletNode, which this browser lacks",
		"this browser has no Media Source Extensions",
	]);
});

test("Safari's kind of Media Source Extensions is one, too", () => {
	expect(chooseRenderers("auto", { ManagedMediaSource: 1 }).kinds).toEqual(["mse"]);
});
