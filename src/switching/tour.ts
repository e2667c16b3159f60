/**
 * The policy `tour`: leads every viewer from rendition to rendition, up and down again, whatever its figures say. For
 * demonstrations, and to try how a player takes a switch.
 */
import type { Milliseconds } from "../base/units.ts";
import { goTo, hold, type Policy } from "./state.ts";

export interface TourSettings {
	/** How long each rendition is shown. */
	readonly stay: Milliseconds;
}

export function tourPolicy({ stay }: TourSettings): Policy {
	return {
		name: "tour",
		decide(state) {
			const there = state.renditions.filter(({ available }) => available);
			if (there.length === 0) return hold("unavailable", "no rendition has a unit");
			// From the lowest up to the best and down again: neither end is shown twice in a row.
			const lap = Math.max(1, 2 * (there.length - 1));
			const step = Math.floor(state.now / stay) % lap;
			const fromLowest = step < there.length ? step : lap - step;
			const next = there[there.length - 1 - fromLowest]!;
			return goTo(state, next.name, "policy", `policy tour shows "${next.name}" now`);
		},
	};
}
