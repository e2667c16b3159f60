/** What a policy sees, for tests: the design's ladder of 8, 4 and 2 Mbit/s, a viewer of whom nothing is known, in `low`. */
import { bitsPerSecond, milliseconds } from "../../src/base/units.ts";
import type { RenditionFacts, SwitchingState } from "../../src/switching/state.ts";
import { name } from "./access-units.ts";

export const HIGH = name("high");
export const MID = name("mid");
export const LOW = name("low");

const rendition = (called: string, bitrate: number): RenditionFacts => ({
	name: name(called),
	bitrate: bitsPerSecond(bitrate),
	streamBitrate: bitsPerSecond(bitrate * 1.05),
	available: true,
});

export const switchingState = (overrides: Partial<SwitchingState> = {}): SwitchingState => ({
	now: milliseconds(0),
	renditions: [rendition("high", 8e6), rendition("mid", 4e6), rendition("low", 2e6)],
	current: LOW,
	wish: "auto",
	viewer: {},
	server: { cpuIdle: 0.8, memoryUsed: 0.2, eventLoopDelayMs: milliseconds(1) },
	position: {
		...{ moment: "unit-end", unit: milliseconds(1000) },
		...{ remaining: milliseconds(0), waitingBytes: 0, lag: milliseconds(0) },
	},
	history: [],
	...overrides,
});
