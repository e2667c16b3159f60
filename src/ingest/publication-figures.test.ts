import { expect, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { ticks90k } from "../base/units.ts";
import { PublicationFigures } from "./publication-figures.ts";

const unit = (bytes: number) => ({
	...{ track: "video" as const, key: false, data: new Uint8Array(bytes) },
	...{ pts: ticks90k(0), dts: ticks90k(0) },
});

test("a publication's rate is that of its last two seconds, and falls to nothing with it", () => {
	const clock = new ManualClock();
	const figures = new PublicationFigures(clock);
	for (let frame = 0; frame < 50; frame++) {
		figures.add(unit(1000));
		clock.advance(40);
	}
	expect(figures.bitrate).toBe(200_000);
	expect([figures.bytes, figures.accessUnits]).toEqual([50_000, 50]);
	clock.advance(1000);
	expect(figures.bitrate).toBe(200_000);
	clock.advance(1000);
	expect(figures.bitrate).toBe(0);
});

test("nothing is said of a rate before there is one", () => {
	const clock = new ManualClock();
	const figures = new PublicationFigures(clock);
	figures.add(unit(1000));
	clock.advance(1999);
	expect(figures.bitrate).toBeUndefined();
});
