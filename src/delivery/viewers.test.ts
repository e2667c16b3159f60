import { beforeEach, describe, expect, test } from "vitest";
import { name, picture } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { textPackaging } from "../../test/kit/text-packaging.ts";
import { TextPipe } from "../../test/kit/text-pipe.ts";
import { milliseconds } from "../base/units.ts";
import { Channel } from "../channel/channel.ts";
import { SwitchControl } from "../switching/switch-control.ts";
import { tourPolicy } from "../switching/tour.ts";
import { LaneSet } from "./lane-set.ts";
import { type LeaveReason, Viewer } from "./viewer.ts";
import { Viewers } from "./viewers.ts";

const LOW = name("low");

let clock: ManualClock;
let channel: Channel;
let viewers: Viewers;
let left: LeaveReason[];

beforeEach(() => {
	clock = new ManualClock();
	left = [];
	channel = new Channel({ renditions: [LOW], unitMs: milliseconds(1000), ringMs: milliseconds(60_000), clock });
	viewers = new Viewers({ clock, maxViewers: 2, stallTimeout: milliseconds(15_000) });
	channel.appendVideo(LOW, picture(0, { key: true }));
});

function join(id: string): { viewer: Viewer; pipe: TextPipe } {
	const viewer = new Viewer({
		id,
		lanes: new LaneSet(channel),
		packaging: textPackaging,
		chunked: true,
		wish: "auto",
		clock,
		maxLag: milliseconds(30_000),
		switchPatience: milliseconds(500),
		control: new SwitchControl(tourPolicy({ stay: milliseconds(1000) })),
		decide: () => ({ kind: "hold", because: { cause: "policy", text: "test" } }),
		onSwitch: () => {},
		onDrop: () => {},
	});
	const pipe = new TextPipe();
	pipe.viewer = viewer;
	pipe.onDestroy = () => viewers.remove(viewer);
	viewers.add(viewer, (reason) => left.push(reason));
	viewer.start(pipe);
	return { viewer, pipe };
}

/** A picture every 100 ms, an IDR every second. */
function playUntil(ms: number): void {
	for (let at = Math.floor(clock.now() / 100) * 100 + 100; at <= ms; at += 100) {
		clock.advanceTo(at);
		channel.appendVideo(LOW, picture(at, { key: at % 1000 === 0 }));
	}
}

describe("the watchdog", () => {
	test("ends a viewer that takes no byte for 15 s, and no other", () => {
		const { pipe } = join("stalled");
		join("well");
		pipe.open = false;
		playUntil(15_000);
		expect(left).toEqual([]);
		playUntil(17_000);
		expect(left).toEqual(["stalled"]);
		expect([...viewers.all()].map(({ id }) => id)).toEqual(["well"]);
		expect(viewers.totals.left.get("stalled")).toBe(1);
	});

	test("leaves a viewer alone for whom there is nothing to send", () => {
		join("waiting");
		clock.advanceTo(3_600_000);
		expect(left).toEqual([]);
	});

	test("leaves a viewer alone that is slow but takes bytes", () => {
		const { pipe } = join("slow");
		for (let second = 10; second <= 60; second += 10) {
			pipe.open = false;
			playUntil(second * 1000);
			pipe.drain();
		}
		expect(left).toEqual([]);
	});
});

test("the limit counts viewers and those who are still waiting for their programme", () => {
	join("one");
	const release = viewers.reserve();
	expect(() => viewers.reserve()).toThrow(/^VIEWERS_LIMIT: the server has 2 viewers/);
	release();
	release();
	viewers.reserve();
	expect(() => viewers.reserve()).toThrow(/VIEWERS_LIMIT/);
	expect(viewers.totals.refused).toBe(2);
});

test("bytes of viewers that have left stay in the total", () => {
	const { viewer } = join("one");
	const { bytesSent } = viewer;
	expect(bytesSent).toBeGreaterThan(0);
	expect(viewers.bytesSent).toBe(bytesSent);
	viewers.expel(viewer, "kicked");
	expect(left).toEqual(["kicked"]);
	expect(viewers.bytesSent).toBe(bytesSent);
});

describe("a kick", () => {
	test("ends the response at once and in good order, and nothing comes behind it", () => {
		const { viewer, pipe } = join("one");
		pipe.onEnd = pipe.onDestroy;
		playUntil(300);
		const before = pipe.text;
		viewers.kick(viewer);
		expect([left, viewers.totals.left.get("kicked"), pipe.text]).toEqual([["kicked"], 1, `${before}0\r\n\r\n`]);
		playUntil(2000);
		expect(pipe.text).toBe(`${before}0\r\n\r\n`);
	});

	test("drops a viewer that does not take the end, and lets all others be", () => {
		const { viewer, pipe } = join("stuck");
		join("well");
		pipe.open = false;
		playUntil(300);
		viewers.kick(viewer);
		viewers.kick(viewer);
		expect(left).toEqual([]);
		playUntil(2300);
		expect(left).toEqual(["kicked"]);
		expect([...viewers.all()].map(({ id }) => id)).toEqual(["well"]);
	});
});

describe("drain", () => {
	test("ends each viewer at the end of its unit", async () => {
		const { pipe } = join("one");
		pipe.onEnd = pipe.onDestroy;
		const drained = viewers.drain(milliseconds(10_000));
		playUntil(900);
		expect(left).toEqual([]);
		playUntil(1000);
		await drained;
		expect(left).toEqual(["drained"]);
		expect(pipe.text.endsWith("0\r\n\r\n")).toBe(true);
	});

	test("drops who has not ended by the deadline", async () => {
		const { pipe } = join("stuck");
		pipe.open = false;
		playUntil(500);
		const drained = viewers.drain(milliseconds(2000));
		playUntil(2600);
		await drained;
		expect(left).toEqual(["deadline"]);
	});

	test("is done at once where nobody watches", async () => {
		await viewers.drain(milliseconds(10_000));
	});
});
