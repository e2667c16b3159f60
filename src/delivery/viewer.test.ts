import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { name, picture, sound } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { textPackaging } from "../../test/kit/text-packaging.ts";
import { TextPipe } from "../../test/kit/text-pipe.ts";
import type { Name } from "../base/name.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { Channel } from "../channel/channel.ts";
import type { LinkReading } from "../switching/link-reading.ts";
import type { Decision } from "../switching/state.ts";
import { SwitchControl } from "../switching/switch-control.ts";
import { tourPolicy } from "../switching/tour.ts";
import { LaneSet } from "./lane-set.ts";
import { Viewer } from "./viewer.ts";

const HIGH = name("high");
const LOW = name("low");

let clock: ManualClock;

let channel: Channel;
let lanes: LaneSet;
let next: Decision;

beforeEach(() => {
	clock = new ManualClock();
	channel = new Channel({
		renditions: [HIGH, LOW],
		unitMs: milliseconds(1000),
		ringMs: milliseconds(6000),
		clock,
	});
	lanes = new LaneSet(channel);
	next = { kind: "hold", because: { cause: "policy", text: "test" } };
});

const want = (to: Name): void => {
	next = { kind: "switch", to, because: { cause: "policy", text: "test" } };
};

function watch(options: { wish?: Name; chunked?: boolean; pipe?: TextPipe } = {}): { viewer: Viewer; pipe: TextPipe } {
	const viewer = new Viewer({
		id: "v",
		lanes,
		packaging: textPackaging,
		chunked: options.chunked ?? true,
		wish: options.wish ?? "auto",
		clock,
		maxLag: milliseconds(3000),
		switchPatience: milliseconds(500),
		control: new SwitchControl(tourPolicy({ stay: milliseconds(1000) })),
		decide: () => next,
		onSwitch: () => {},
		onDrop: () => {},
	});
	const { pipe = new TextPipe() } = options;
	pipe.viewer = viewer;
	viewer.start(pipe);
	return { viewer, pipe };
}

/** One unit of two pictures in the renditions given, in that order. */
function feedUnit(second: number, order: readonly Name[] = [HIGH, LOW], offsetMs = 0): void {
	clock.advanceTo(second * 1000);
	for (const rendition of order) {
		const shift = rendition === LOW ? offsetMs : 0;
		channel.appendVideo(rendition, picture(second * 1000 + shift, { key: true }));
	}
	for (const rendition of order) channel.appendVideo(rendition, picture(second * 1000 + 500));
}

test("starts with the newest unit of the lowest rendition, from its IDR on (S5)", () => {
	feedUnit(1);
	feedUnit(2);
	const { pipe } = watch();
	expect(pipe.lines).toEqual(["start low", "video low 1 2000", "video low 1 2500"]);
});

test("who names a rendition starts with that one", () => {
	feedUnit(1);
	expect(watch({ wish: HIGH }).pipe.lines).toEqual(["start high", "video high 0 1000", "video high 0 1500"]);
});

test("an access unit goes out in the tick in which it came", () => {
	feedUnit(1);
	const { pipe } = watch();
	channel.appendVideo(LOW, picture(1600));
	expect(pipe.lines.at(-1)).toBe("video low 0 1600");
	channel.appendAudio(sound(1610));
	expect(pipe.lines.at(-1)).toBe("audio low 0 1610");
});

describe("a switch (S7)", () => {
	test("follows the unit that was being sent with the unit of the next time, nothing lost or repeated", () => {
		feedUnit(1);
		const { viewer, pipe } = watch();
		want(HIGH);
		feedUnit(2);
		feedUnit(3);
		expect(pipe.lines).toEqual([
			"start low",
			...["video low 0 1000", "video low 0 1500", "end low 0"],
			...["video high 1 2000", "video high 1 2500", "end high 1"],
			...["video high 2 3000", "video high 2 3500"],
		]);
		expect(viewer.lastSwitches).toMatchObject([{ unit: 1, from: "low", to: "high" }]);
	});

	test("waits for a rendition whose encoder is a little behind", () => {
		feedUnit(1);
		const { pipe } = watch();
		want(HIGH);
		channel.appendVideo(LOW, picture(2000, { key: true }));
		expect(pipe.lines.at(-1)).toBe("end low 0");
		channel.appendVideo(HIGH, picture(2000, { key: true }));
		expect(pipe.lines.at(-1)).toBe("video high 1 2000");
	});

	test("gives up a rendition that does not come, and loses no frame", () => {
		feedUnit(1);
		const { viewer, pipe } = watch();
		want(HIGH);
		channel.appendVideo(LOW, picture(2000, { key: true }));
		channel.appendVideo(LOW, picture(2400));
		expect(pipe.lines.at(-1)).toBe("end low 0");
		channel.appendVideo(LOW, picture(2600));
		expect(pipe.lines.slice(-3)).toEqual(["video low 1 2000", "video low 1 2400", "video low 1 2600"]);
		expect(viewer.switchCount).toBe(0);
	});

	test("does not happen at a unit that is misaligned", () => {
		feedUnit(1);
		const { viewer, pipe } = watch({ wish: HIGH });
		want(LOW);
		feedUnit(2, [HIGH, LOW], 33);
		expect(pipe.lines.slice(-2)).toEqual(["video high 1 2000", "video high 1 2500"]);
		feedUnit(3);
		expect(pipe.lines.slice(-2)).toEqual(["video low 2 3000", "video low 2 3500"]);
		expect(viewer.lastSwitches).toMatchObject([{ unit: 2 }]);
	});
});

describe("a slow viewer", () => {
	test("that stops reading for 4 s resumes at the newest unit, in the low rendition, behind a hole", () => {
		for (const second of [1, 2]) feedUnit(second);
		const { viewer, pipe } = watch({ wish: HIGH });
		pipe.open = false;
		for (const second of [3, 4, 5, 6, 7, 8]) feedUnit(second);
		// What closes unit 1 and the IDR behind it were one write.
		expect(pipe.lines.at(-1)).toBe("video high 2 3000");
		pipe.drain();
		expect(pipe.lines.slice(-3)).toEqual(["hole low 7", "video low 7 8000", "video low 7 8500"]);
		expect(viewer.drops).toEqual({ behind: 1, evicted: 0, withdrawn: 0 });
	});

	test("that stops until the ring has let go of its unit is as late as it is, and was behind", () => {
		feedUnit(1);
		const { viewer, pipe } = watch();
		pipe.open = false;
		for (let second = 2; second <= 20; second++) feedUnit(second);
		expect(viewer.lag).toBe(17_000);
		pipe.drain();
		expect(viewer.lag).toBe(0);
		expect(pipe.lines.slice(-3)).toEqual(["hole low 19", "video low 19 20000", "video low 19 20500"]);
		expect(viewer.drops).toEqual({ behind: 1, evicted: 0, withdrawn: 0 });
	});

	test("that is a little late gets everything", () => {
		feedUnit(1);
		const { viewer, pipe } = watch();
		pipe.open = false;
		for (const second of [2, 3, 4]) feedUnit(second);
		pipe.drain();
		expect(pipe.lines.filter((line) => line.startsWith("video"))).toHaveLength(8);
		expect(viewer.drops.behind).toBe(0);
	});

	test("a hole in the source makes nobody late", () => {
		feedUnit(1);
		const { viewer, pipe } = watch();
		feedUnit(60);
		expect(pipe.lines.slice(-3)).toEqual(["end low 0", "video low 1 60000", "video low 1 60500"]);
		expect(viewer.drops.behind).toBe(0);
	});

	test("is told of a unit that its rendition lacks, for the encoder broke off in it", () => {
		feedUnit(1);
		const { pipe, viewer } = watch();
		feedUnit(2, [HIGH]);
		feedUnit(3);
		expect(pipe.lines.slice(-4)).toEqual(["end low 0", "hole low 2", "video low 2 3000", "video low 2 3500"]);
		expect(viewer.drops).toEqual({ behind: 0, evicted: 0, withdrawn: 0 });
	});

	test("whose rendition is withdrawn goes on in the lowest", () => {
		feedUnit(1);
		const { pipe, viewer } = watch({ wish: HIGH });
		channel.rendition("high")!.withdrawn = true;
		feedUnit(2, [LOW]);
		viewer.pump();
		expect(pipe.lines.slice(-3)).toEqual(["hole low 1", "video low 1 2000", "video low 1 2500"]);
	});
});

describe("looks at the connection", () => {
	/** A pipe whose far end acknowledges nothing, and which writes down when it was looked at. */
	class WatchedPipe extends TextPipe {
		readonly looks: Milliseconds[] = [];

		override look(now: Milliseconds): LinkReading {
			this.looks.push(now);
			const [ZERO, TRIP] = [milliseconds(0), milliseconds(20)];
			return {
				...{ at: now, ackedBytes: 0, deliveredBytes: 0, lastAckAt: ZERO, receiverLimited: ZERO, coarse: true },
				...{ roundTrip: TRIP, minRoundTrip: TRIP, segmentBytes: 1448, pacingRate: 0 },
			};
		}
	}

	test("come behind writes, at least 200 ms apart, and at a unit's end", () => {
		feedUnit(1);
		const pipe = new WatchedPipe();
		watch({ pipe });
		for (const at of [1100, 1250, 1300, 1420, 1550]) {
			clock.advanceTo(at);
			channel.appendVideo(LOW, picture(at));
		}
		clock.advanceTo(1660);
		channel.appendVideo(LOW, picture(2000, { key: true }));
		expect(pipe.looks).toEqual([1000, 1250, 1550, 1660]);
	});

	test("are the clock's for as long as a write has not been taken whole", () => {
		feedUnit(1);
		const pipe = new WatchedPipe();
		const { viewer } = watch({ pipe });
		expect(viewer.nextLookAt).toBe(1400);
		pipe.open = false;
		clock.advanceTo(1100);
		channel.appendVideo(LOW, picture(1100));
		expect(viewer.nextLookAt).toBe(1200);
		// By then something is overdue.
		clock.advanceTo(1200);
		viewer.look();
		expect(viewer.nextLookAt).toBe(1240);
	});
});

test("a unit is packaged once for all who watch, and not at all where nobody does", () => {
	feedUnit(1);
	const viewers = Array.from({ length: 20 }, () => watch());
	for (const second of [2, 3, 4]) feedUnit(second);
	expect(lanes.lane(channel.rendition("low")!, textPackaging).packagedAccessUnits).toBe(8);
	expect(lanes.lane(channel.rendition("high")!, textPackaging).packagedAccessUnits).toBe(0);
	for (const { viewer } of viewers) viewer.leave();
	for (const second of [5, 6]) feedUnit(second);
	expect(lanes.lane(channel.rendition("low")!, textPackaging).packagedAccessUnits).toBe(8);
});

test("a viewer that leaves holds no chunks, and the lane lets go of them with the ring", () => {
	feedUnit(1);
	const { viewer } = watch();
	viewer.leave();
	for (let second = 2; second <= 12; second++) feedUnit(second);
	expect(lanes.lane(channel.rendition("low")!, textPackaging)).toMatchObject({ packagedUnits: 0, readerCount: 0 });
});

test("HTTP/1.0 gets the payload without chunk framing", () => {
	feedUnit(1);
	expect(watch({ chunked: false }).pipe.text).toBe("start low\nvideo low 0 1000\nvideo low 0 1500\n");
});

test("finish ends the response at the end of the unit, with the last chunk", () => {
	feedUnit(1);
	const { viewer, pipe } = watch();
	viewer.finish();
	expect(pipe.ended).toBe(false);
	channel.appendVideo(LOW, picture(1600));
	feedUnit(2);
	expect(pipe.text.endsWith("end low 0\n\r\n0\r\n\r\n")).toBe(true);
	expect(pipe.text).toContain("1600");
	expect(pipe.ended).toBe(true);
});

test("the end of the programme ends the response, with the last chunk", () => {
	feedUnit(1);
	const { pipe } = watch();
	channel.end();
	expect(pipe.text.endsWith("end low 0\n\r\n0\r\n\r\n")).toBe(true);
	expect(pipe.ended).toBe(true);
});

test("whatever the order of arrival, decisions and blocking, every frame comes once and in order", () => {
	const event = fc.oneof(
		fc.record({ kind: fc.constant("feed" as const), first: fc.constantFrom(HIGH, LOW) }),
		fc.record({ kind: fc.constant("want" as const), to: fc.constantFrom(HIGH, LOW) }),
		fc.record({ kind: fc.constant("block" as const) }),
		fc.record({ kind: fc.constant("drain" as const) }),
	);
	fc.assert(
		fc.property(fc.array(event, { minLength: 10, maxLength: 80 }), (events) => {
			channel = new Channel({
				renditions: [HIGH, LOW],
				unitMs: milliseconds(1000),
				ringMs: milliseconds(1e6),
				clock,
			});
			lanes = new LaneSet(channel);
			clock = new ManualClock();
			const frame = new Map([
				[HIGH, 0],
				[LOW, 0],
			]);
			const feed = (rendition: Name): void => {
				const index = frame.get(rendition)!;
				frame.set(rendition, index + 1);
				channel.appendVideo(rendition, picture(index * 250, { key: index % 4 === 0 }));
			};
			feed(HIGH);
			feed(LOW);
			const { viewer, pipe } = watch();
			for (const one of events) {
				if (one.kind === "want") want(one.to);
				else if (one.kind === "block") pipe.open = false;
				else if (one.kind === "drain") pipe.drain();
				else {
					// The one that comes first is up to a frame ahead, as the renditions of one encoder are.
					feed(one.first);
					feed(one.first === HIGH ? LOW : HIGH);
				}
			}
			pipe.drain();
			viewer.pump();
			const frames = pipe.lines.filter((line) => line.startsWith("video")).map((line) => Number(line.split(" ")[3]));
			expect(frames).toEqual(frames.map((_, index) => index * 250));
			// At most the frames after a boundary at which the other rendition is awaited are not out yet.
			expect(frames.length).toBeGreaterThanOrEqual(Math.min(...frame.values()) - 1);
		}),
	);
});
