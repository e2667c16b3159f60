import { beforeEach, describe, expect, test } from "vitest";
import { name, picture } from "../../test/kit/access-units.ts";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { ModelLink } from "../../test/kit/model-link.ts";
import { textPackaging } from "../../test/kit/text-packaging.ts";
import { bitsPerSecond, epochMs, milliseconds } from "../base/units.ts";
import { Channel } from "../channel/channel.ts";
import { LaneSet } from "../delivery/lane-set.ts";
import type { Session } from "../delivery/media-endpoint.ts";
import { NarrowLink } from "../delivery/narrow-link.ts";
import { Viewer } from "../delivery/viewer.ts";
import { fixedPolicy } from "../switching/fixed.ts";
import type { ServerFigures } from "../switching/state.ts";
import { SwitchControl } from "../switching/switch-control.ts";
import type { ReportedFigures } from "../wire/viewer-report.ts";
import { ViewerReports } from "./viewer-reports.ts";

const KEY = "k".repeat(43);
const [HIGH, LOW] = [name("high"), name("low")];

let clock: ManualClock;
let reports: ViewerReports;
let channel: Channel;
let server: ServerFigures;

beforeEach(() => {
	clock = new ManualClock();
	channel = new Channel({ renditions: [HIGH, LOW], unitMs: milliseconds(1000), ringMs: milliseconds(6000), clock });
	// Pictures of 40 ms, from the second unit on.
	for (let at = 0; at < 3000; at += 40) {
		for (const rendition of [HIGH, LOW]) channel.appendVideo(rendition, picture(at, { key: at % 1000 === 0 }));
	}
	server = { cpuIdle: 0.5, memoryUsed: 0.5, eventLoopDelayMs: milliseconds(1) };
	reports = new ViewerReports({ clock, serverFigures: () => server, maxAge: milliseconds(10_000) });
});

function join(sessionKey = KEY): Session {
	const lanes = new LaneSet(channel);
	const viewer = new Viewer({
		...{ id: "v", lanes, packaging: textPackaging, chunked: true, wish: "auto", clock },
		...{ maxLag: milliseconds(3000), switchPatience: milliseconds(500) },
		control: new SwitchControl(fixedPolicy({ rendition: LOW })),
		decide: () => ({ kind: "hold", because: { cause: "policy", text: "test" } }),
		onSwitch: () => {},
		onDrop: () => {},
	});
	const programme = {
		...{ app: name("live"), stream: name("a"), lanes, bitrateOf: () => bitsPerSecond(2.5e6) },
		...{ claim: () => () => {}, ready: () => Promise.resolve() },
	};
	const session = {
		...{ viewer, programme, sessionKey, remoteAddress: "", userAgent: "", connectedAt: epochMs(0) },
		link: new NarrowLink(clock),
	};
	reports.joined(session);
	return session;
}

const take = (figures: ReportedFigures, more: { sequence?: number; ageMs?: number; sessionKey?: string } = {}) =>
	reports.take({ sessionKey: KEY, server: "status", receivedAtEpochMs: clock.wall(), ageMs: 0, figures, ...more });

test("figures are the viewer's from when they were reported, and what is not said stays", () => {
	const { viewer } = join();
	clock.advance(5000);
	expect(take({ cpuIdle: 0.9, bufferMs: 700 })).toEqual({ kind: "applied", answer: { mbKbps: 2500 } });
	clock.advance(1000);
	take({ cpuIdle: 0.4, smoothUpTo: "high", hidden: true }, { ageMs: 600 });
	expect(viewer.figures).toEqual({
		buffer: { value: 700, at: 5000, source: "reported" },
		cpuIdle: { value: 0.4, at: 5400, source: "reported" },
		hidden: { value: true, at: 5400, source: "reported" },
		smoothUpTo: { value: "high", at: 5400, source: "reported" },
	});
});

test("a rendition that the channel does not have is none", () => {
	const { viewer } = join();
	take({ smoothUpTo: "ultra" });
	expect(viewer.figures).toEqual({});
});

test("a viewer that has left is unknown; so is one that another took the session of, without harm to that", () => {
	const [older, newer] = [join(), join()];
	reports.left(older);
	expect(take({ stalls: 1 })).toMatchObject({ kind: "applied" });
	expect([reports.told(newer), reports.told(older)]).toEqual([{ stalls: 1 }, undefined]);
	reports.left(newer);
	expect(take({ stalls: 2 })).toEqual({ kind: "unknown" });
});

describe("the share of frames that the decoder dropped", () => {
	const shareAfter = (...told: ReportedFigures[]): number | undefined => {
		const { viewer } = join();
		for (const figures of told) {
			take(figures);
			clock.advance(1000);
		}
		return viewer.figures.droppedShare?.value;
	};

	test.each<[string, ReportedFigures[], number | undefined]>([
		["nothing can be said of one report", [{ droppedFrames: 50, shownFrames: 100 }], undefined],
		[
			"of frames shown and dropped",
			[
				{ droppedFrames: 0, shownFrames: 0 },
				{ droppedFrames: 5, shownFrames: 20 },
			],
			0.2,
		],
		["of the channel's pictures in the time between", [{ droppedFrames: 0 }, { droppedFrames: 5 }], 0.2],
		[
			"none",
			[
				{ droppedFrames: 7, shownFrames: 10 },
				{ droppedFrames: 7, shownFrames: 35 },
			],
			0,
		],
		[
			"a player that began again",
			[
				{ droppedFrames: 90, shownFrames: 10 },
				{ droppedFrames: 1, shownFrames: 9 },
			],
			undefined,
		],
		["a count that cannot be is not believed", [{ droppedFrames: 0 }, { droppedFrames: 900 }], undefined],
	])("%s", (_, told, share) => {
		expect(shareAfter(...told)).toBe(share);
	});
});

describe("what the connection shows", () => {
	test("bounds what is believed of the viewer's bandwidth, and is told", () => {
		const { viewer } = join();
		const link = new ModelLink(viewer.control.link, { rateBps: 1e6, roundTripMs: 40 });
		link.stream({ bitrateBps: 3e6, durationMs: 4000 });
		clock.advanceTo(link.now);
		const { capacity, basis } = viewer.control.link.state(clock.now())!;
		expect(basis).toBe("busy");
		const outcome = take({ bandwidthBps: 1e10 });
		expect(outcome).toMatchObject({ kind: "implausible", answer: { etpKbps: Math.round(capacity! / 1000) } });
		expect(viewer.figures.bandwidth?.value).toBeCloseTo(4 * capacity!);
		expect(take({ bandwidthBps: 3 * capacity! })).toMatchObject({ kind: "applied" });
	});

	test("is nothing while it has not been busy: then the viewer is believed", () => {
		const { viewer } = join();
		expect(take({ bandwidthBps: 1e10 })).toMatchObject({ kind: "applied" });
		expect(viewer.figures.bandwidth?.value).toBe(1e10);
	});
});

test("a server under duress says so in every answer", () => {
	join();
	server = { ...server, duress: { level: "freeze", text: "test" } };
	expect(take({ stalls: 0 })).toMatchObject({ answer: { du: true } });
});
