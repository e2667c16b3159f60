import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { PlayRecord } from "./play-record.ts";
import type { RendererFigures } from "./renderer.ts";

const figures = (framesShown: number, more: Partial<RendererFigures> = {}): RendererFigures => ({
	...{ framesReceived: framesShown, framesDecoded: framesShown, framesShown, framesDropped: 0, bufferMs: 60 },
	...{ latencyMs: 70, audioUnderruns: 0, audioVideoOffsetMs: undefined, playbackRate: 1, positionMs: framesShown * 40 },
	...more,
});
const HIGH = { name: "high", width: 640, height: 360, codec: "avc1.4d401e" };
const LOW = { name: "low", width: 320, height: 180, codec: "avc1.4d400d" };
const change = (from: typeof HIGH | undefined, to: typeof HIGH) => ({ from, to, unit: 4, ptsMs: 4000 });
const counts = (faults: number) =>
	({ kind: "counts", receivedBytes: 1, faults, bitrateBps: 5e5, throughputBps: 9e6 }) as const;

function record() {
	const clock = new ManualClock();
	const made = new PlayRecord(clock);
	return { clock, made, now: () => made.statistics("playing", "mse") };
}

test("counts run on over renderers, though each of them begins at zero", () => {
	const { made, now } = record();
	made.figures(figures(100, { framesDropped: 3 }));
	made.counts(counts(2));
	made.rendererChanged();
	expect(now()).toMatchObject({ framesShown: 100, framesDropped: 3, faults: 2, bufferMs: 0, bitrateBps: undefined });
	made.figures(figures(200, { framesDropped: 1 }));
	made.counts(counts(1));
	expect(now()).toMatchObject({ framesShown: 300, framesDropped: 4, faults: 3, bufferMs: 60, bitrateBps: 5e5 });
});

test("a count that begins anew within a renderer runs on as well", () => {
	const { made, now } = record();
	for (const faults of [3, 5, 1, 2]) made.counts(counts(faults));
	expect(now().faults).toBe(7);
});

test("something is shown when frames are, or, without any, when the media goes on", () => {
	const { made } = record();
	const sound = { framesReceived: 0, framesShown: 0 };
	expect(made.figures(figures(0, { framesReceived: 5 }))).toBe(false);
	expect(made.figures(figures(1))).toBe(true);
	expect(made.figures(figures(1))).toBe(false);
	made.rendererChanged();
	expect(made.figures(figures(0, { ...sound, positionMs: 40 }))).toBe(false);
	expect(made.figures(figures(0, { ...sound, positionMs: 290 }))).toBe(true);
});

test("stalls are counted once each, with their time, the one that lasts included", () => {
	const { made, clock, now } = record();
	made.starved();
	clock.advance(300);
	made.starved();
	expect(now()).toMatchObject({ stalls: 1, stalledMs: 300 });
	expect(made.fed()).toBe(300);
	expect(made.fed()).toBe(0);
	clock.advance(1000);
	made.starved();
	clock.advance(50);
	made.rendererChanged();
	clock.advance(1000);
	expect(now()).toMatchObject({ stalls: 2, stalledMs: 350 });
});

test("the first rendition is no switch, and the first connection of a renderer no reconnect", () => {
	const { made, now } = record();
	made.connected();
	made.renditionChanged(change(undefined, LOW));
	expect(now()).toMatchObject({ switches: 0, reconnects: 0, rendition: LOW });
	made.renditionChanged(change(LOW, HIGH));
	made.connected();
	expect(now()).toMatchObject({ switches: 1, reconnects: 1, rendition: HIGH });
	made.rendererChanged();
	made.connected();
	expect(now()).toMatchObject({ reconnects: 1 });
});

test("start-up lasts from the wish to the first picture, at each beginning", () => {
	const { made, clock, now } = record();
	made.asked();
	clock.advance(120);
	made.started();
	clock.advance(5000);
	made.started();
	expect(now().startUpMs).toBe(120);
	made.asked();
	expect(now().startUpMs).toBeUndefined();
	clock.advance(80);
	made.started();
	expect(now().startUpMs).toBe(80);
});
