import { describe, expect, test } from "vitest";
import { type Happening, isActive, stateAfter } from "./playback-state.ts";
import type { PlayerState } from "./player-model.ts";

const stateOf = (...happenings: Happening[]): PlayerState => happenings.reduce(stateAfter, "idle" as PlayerState);

describe("a player's state", () => {
	test("goes from nothing to playing by way of connecting and buffering", () => {
		expect(stateOf("play")).toBe("connecting");
		expect(stateOf("play", "connected")).toBe("buffering");
		expect(stateOf("play", "connected", "shown")).toBe("playing");
	});

	test("is stalled while nothing is left to show, and playing again", () => {
		expect(stateOf("play", "connected", "shown", "starved")).toBe("stalled");
		expect(stateOf("play", "connected", "shown", "starved", "shown")).toBe("playing");
	});

	test("is waiting from a lost connection to the next one, whatever is left to be shown", () => {
		const lost = ["play", "connected", "shown", "lost"] as const;
		expect(stateOf(...lost, "shown")).toBe("waiting");
		expect(stateOf(...lost, "starved")).toBe("waiting");
		expect(stateOf(...lost, "starved", "connected", "shown")).toBe("playing");
	});

	test("stays what the user made it, whatever still comes in", () => {
		const late: Happening[] = ["connected", "lost", "ended", "failed", "starved", "shown"];
		for (const happening of late) {
			expect(stateOf("play", "connected", "pause", happening)).toBe("paused");
			expect(stateOf(happening)).toBe("idle");
		}
	});

	test("begins anew from paused, ended and failed, and from nothing else", () => {
		for (const end of ["pause", "ended", "failed"] as const) {
			expect(isActive(stateOf("play", end))).toBe(false);
			expect(stateOf("play", end, "play")).toBe("connecting");
		}
		expect(stateOf("play", "connected", "shown", "play")).toBe("playing");
	});
});
