import { expect, test } from "vitest";
import type { UnitNotice } from "./media-piece.ts";
import { RenditionWatch } from "./rendition-watch.ts";

const notice = (unit: number, name: string, audioGapSamples?: number): UnitNotice => ({
	atSeconds: 10 + unit,
	ptsMs: 5000 + unit * 1000,
	unit,
	rendition: { name, width: name === "low" ? 320 : 640, height: 180, codec: "avc1.4d400b" },
	pictureSeconds: 0.04,
	...(audioGapSamples !== undefined && { audioGapSamples }),
});

test("a change is told with the first picture of the unit that brings it, and not before", () => {
	const watch = new RenditionWatch();
	for (const one of [notice(0, "low"), notice(1, "low"), notice(2, "high", 0)]) watch.announce(one);
	expect(watch.presented(10)).toMatchObject({ from: undefined, to: { name: "low" }, unit: 0, ptsMs: 5000 });
	expect(watch.presented(11.2)).toBeUndefined();
	expect(watch.presented(11.96)).toBeUndefined();
	expect(watch.presented(11.9999)).toMatchObject({
		...{ from: { name: "low" }, to: { name: "high", width: 640 } },
		...{ unit: 2, ptsMs: 7000, audioGapSamples: 0 },
	});
	expect(watch.presented(12.04)).toBeUndefined();
});

test("a change is told with the unit where its picture was presented before", () => {
	const watch = new RenditionWatch();
	watch.announce(notice(0, "low"));
	watch.presented(10);
	expect(watch.presented(11)).toBeUndefined();
	expect(watch.announce(notice(1, "high"))).toMatchObject({ to: { name: "high" }, unit: 1 });
	expect(watch.announce(notice(2, "low"))).toBeUndefined();
	expect(watch.presented(12)).toMatchObject({ to: { name: "low" }, unit: 2 });
});

test("units that nobody saw are passed over", () => {
	const watch = new RenditionWatch();
	for (const one of [notice(0, "low"), notice(1, "high"), notice(2, "low")]) watch.announce(one);
	watch.presented(10);
	expect(watch.presented(12.5)).toBeUndefined();
	watch.announce(notice(3, "high"));
	expect(watch.presented(13)).toMatchObject({ to: { name: "high" }, unit: 3 });
});

test("a place on the element's timeline is one on the channel's clock", () => {
	const watch = new RenditionWatch();
	expect(watch.ptsMs(10)).toBeUndefined();
	watch.announce(notice(0, "low"));
	watch.announce({ ...notice(1, "low"), ptsMs: 90_000 });
	expect(watch.ptsMs(10.5)).toBe(5500);
	expect(watch.ptsMs(11.5)).toBe(90_500);
	expect(watch.pictureSeconds).toBe(0.04);
});

test("a unit that comes once more takes its own place", () => {
	const watch = new RenditionWatch();
	for (const one of [notice(0, "low"), notice(1, "high"), notice(2, "high"), notice(1, "low")]) watch.announce(one);
	watch.presented(10);
	expect(watch.presented(12.5)).toBeUndefined();
});

test("what waits is bounded", () => {
	const watch = new RenditionWatch();
	for (let unit = 0; unit < 5000; unit++) watch.announce(notice(unit, "low"));
	expect(watch.presented(10)).toBeUndefined();
	expect(watch.presented(10 + 4000)).toMatchObject({ unit: 4000 });
});
