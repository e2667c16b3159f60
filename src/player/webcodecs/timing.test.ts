/** The parts that decide when something is shown, each by itself. */
import { describe, expect, it } from "vitest";
import { milliseconds } from "../../base/units.ts";
import { Corrector } from "./correction.ts";
import { Lateness } from "./lateness.ts";
import { MediaClock } from "./media-clock.ts";
import type { DecodedPicture } from "./picture-decoder.ts";
import { PictureQueue } from "./picture-queue.ts";
import { TargetControl } from "./target-control.ts";

const at = milliseconds;

describe("a correction", () => {
	it("does nothing about what is hardly off, 1 % at most about what is, and cuts what 1 % would not mend", () => {
		const corrector = new Corrector();
		expect(corrector.correct(7, 60)).toEqual({ kind: "rate", rate: 1 });
		expect(corrector.correct(10, 60)).toEqual({ kind: "rate", rate: 1.005 });
		expect(corrector.correct(79, 60)).toEqual({ kind: "rate", rate: 1.01 });
		expect(corrector.correct(-500, 60)).toEqual({ kind: "rate", rate: 0.99 });
		expect(corrector.correct(81, 60)).toEqual({ kind: "cut" });
		expect(corrector.correct(799, 2000)).toEqual({ kind: "rate", rate: 1.01 });
		expect(corrector.correct(801, 2000)).toEqual({ kind: "cut" });
	});

	it("goes on until it is done", () => {
		const corrector = new Corrector();
		corrector.correct(20, 60);
		expect(corrector.correct(4, 60)).toEqual({ kind: "rate", rate: 1.002 });
		expect(corrector.correct(1, 60)).toEqual({ kind: "rate", rate: 1 });
		expect(corrector.correct(4, 60)).toEqual({ kind: "rate", rate: 1 });
	});
});

describe("lateness", () => {
	/** 30 pictures a second from `from` on, each later than the last one before by `late`. */
	const feed = (lateness: Lateness, from: number, seconds: number, late: (index: number) => number): void => {
		for (let i = 0; i < seconds * 30; i++) {
			const pts = from + (i * 1000) / 30;
			lateness.arrived(pts, at(pts + 100 + late(i)));
		}
	};

	it("is measured against the fastest of late", () => {
		const lateness = new Lateness();
		expect(lateness.best).toBeUndefined();
		feed(lateness, 0, 4, (i) => (i % 5) * 10);
		expect(lateness.best).toBeCloseTo(100, 6);
		expect(lateness.jitter).toBeCloseTo(40, 6);
	});

	it("forgets within seconds what a network was once, and keeps it for what could be at best", () => {
		const lateness = new Lateness();
		feed(lateness, 0, 2, () => 0);
		feed(lateness, 2000, 4, () => 300);
		expect(lateness.best).toBeCloseTo(400, 6);
		expect(lateness.fastest(at(6000))).toBeCloseTo(100, -1);
	});

	it("takes a burst at the start for what its last picture says", () => {
		const lateness = new Lateness();
		for (let pts = 0; pts < 1000; pts += 40) lateness.arrived(pts, at(5000));
		expect(lateness.best).toBe(5000 - 960);
		expect(lateness.jitter).toBeUndefined();
		for (let pts = 1000; pts < 4000; pts += 40) lateness.arrived(pts, at(4040 + pts));
		expect(lateness.jitter).toBe(0);
	});

	it("takes what was held up on its way for no jitter", () => {
		const lateness = new Lateness();
		feed(lateness, 0, 4, () => 0);
		// Five seconds of media at once, and then in time again.
		for (let pts = 4000; pts < 9000; pts += 1000 / 30) lateness.arrived(pts, at(9100));
		feed(lateness, 9000, 2, () => 0);
		expect(lateness.jitter).toBeLessThan(50);
	});

	it("keeps a bounded number of samples", () => {
		const lateness = new Lateness();
		for (let i = 0; i < 300_000; i++) lateness.arrived(i / 100, at(i / 100));
		expect(lateness.jitter).toBeCloseTo(0, 6);
		lateness.reset();
		expect(lateness.best).toBeUndefined();
	});
});

describe("the target", () => {
	const calm = at(0);

	it("begins with 45 ms and comes down to 40 where nothing ever runs dry", () => {
		const control = new TargetControl(undefined);
		expect(control.target).toBe(45);
		for (let ms = 0; ms < 60_000; ms += 250) control.look(at(ms), calm);
		expect(control.target).toBe(40);
	});

	it("follows the jitter down within seconds as well", () => {
		const control = new TargetControl(undefined);
		for (let ms = 0; ms < 10_000; ms += 250) control.look(at(ms), at(140));
		expect(control.target).toBe(155);
		for (let ms = 10_000; ms < 25_000; ms += 250) control.look(at(ms), calm);
		expect(control.target).toBe(40);
	});

	it("stays as it is while nothing is known", () => {
		const control = new TargetControl(undefined);
		for (let ms = 0; ms < 60_000; ms += 250) control.look(at(ms), undefined);
		expect(control.target).toBe(45);
	});

	it("goes up at once when something ran dry, to 200 at most, and comes down after a while", () => {
		const control = new TargetControl(undefined);
		control.ranDry(at(1000));
		control.ranDry(at(1100)); // the same
		expect(control.target).toBe(70);
		for (let ms = 2000; ms < 30_000; ms += 1000) control.ranDry(at(ms));
		expect(control.target).toBe(200);
		control.look(at(32_000), calm);
		expect(control.target).toBe(200);
		for (let ms = 45_000; ms < 200_000; ms += 250) control.look(at(ms), calm);
		expect(control.target).toBe(40);
	});

	it("bears the jitter that it sees", () => {
		const control = new TargetControl(undefined);
		for (let ms = 0; ms < 60_000; ms += 250) control.look(at(ms), at(90));
		expect(control.target).toBe(105);
	});

	it("never falls below what the page asks for", () => {
		const control = new TargetControl(1500);
		for (let ms = 0; ms < 60_000; ms += 250) control.look(at(ms), calm);
		expect(control.target).toBe(1500);
	});
});

describe("the media's clock", () => {
	it("follows the sound: small errors little by little, large ones at once", () => {
		const clock = new MediaClock();
		expect(clock.position(at(0))).toBeUndefined();
		clock.follow(1000, 1, at(0));
		expect(clock.position(at(50))).toBe(1050);
		clock.follow(1060, 1, at(50));
		expect(clock.position(at(50))).toBeCloseTo(1051, 6);
		clock.follow(2000, 1.01, at(60));
		expect(clock.position(at(160))).toBeCloseTo(2101, 6);
	});

	it("stands while it is held", () => {
		const clock = new MediaClock();
		clock.follow(1000, 1, at(0));
		clock.hold(at(100));
		expect(clock.rate).toBe(0);
		expect(clock.position(at(400))).toBe(1100);
		clock.follow(1100, 1, at(400));
		expect(clock.position(at(500))).toBe(1200);
	});

	it("without sound is where it should be, within 1 % of speed, or at once where it is far off", () => {
		const clock = new MediaClock();
		clock.aim(1000, 60, at(0));
		expect(clock.position(at(0))).toBe(1000);
		clock.aim(1130, 60, at(100)); // 30 ms behind
		expect(clock.rate).toBe(1.01);
		expect(clock.position(at(200))).toBeCloseTo(1201, 6);
		clock.aim(1900, 60, at(200));
		expect(clock.position(at(200))).toBe(1900);
		clock.aim(1800, 60, at(200)); // media came late, for good
		expect(clock.position(at(200))).toBe(1800);
		expect(clock.rate).toBe(1);
	});
});

describe("frames that wait", () => {
	interface FakeFrame extends VideoFrame {
		readonly closed: () => boolean;
	}
	/** As much of a frame as a queue uses. */
	function picture(ptsMs: number): DecodedPicture<string> & { frame: FakeFrame } {
		let closed = false;
		const frame = {
			close: () => {
				closed = true;
			},
			closed: () => closed,
		};
		return { ptsMs, about: `frame at ${ptsMs}`, frame: frame as unknown as FakeFrame };
	}

	it("come out when they are due, each once and in order", () => {
		const queue = new PictureQueue<string>();
		for (const pts of [0, 33, 67]) queue.push(picture(pts));
		expect(queue.takeDue(-10)).toBeUndefined();
		expect(queue.takeDue(40)?.ptsMs).toBe(0);
		expect(queue.takeDue(40)?.ptsMs).toBe(33);
		expect(queue.takeDue(40)).toBeUndefined();
		expect(queue.nextMs).toBe(67);
		expect(queue.takeDue(66.5)?.ptsMs).toBe(67);
	});

	it("are left out, and closed, when they are too late and a newer one is due", () => {
		const queue = new PictureQueue<string>();
		const pictures = [0, 33, 67, 100].map(picture);
		for (const one of pictures) queue.push(one);
		expect(queue.dropLate(150, 100)).toBe(2);
		expect(pictures.map(({ frame }) => frame.closed())).toEqual([true, true, false, false]);
		expect(queue.nextMs).toBe(67);
		expect(queue.clear()).toBe(2);
		expect(pictures.every(({ frame }) => frame.closed())).toBe(true);
	});

	it("are shown, however late, where nothing newer is there", () => {
		const queue = new PictureQueue<string>();
		queue.push(picture(0));
		expect(queue.dropLate(10_000, 100)).toBe(0);
		expect(queue.takeDue(10_000)?.ptsMs).toBe(0);
	});
});
