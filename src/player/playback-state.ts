/** From one state of a player to the next, by what happens. */
import type { PlayerState } from "./player-model.ts";

export type Happening =
	/** The user's. */
	| "play"
	| "pause"
	/** The connection's. */
	| "connected"
	| "lost"
	| "ended"
	| "failed"
	/** The renderer's: nothing is left to show; something is shown (again). */
	| "starved"
	| "shown";

/** Something is fetched, or will be. */
export const isActive = (state: PlayerState): boolean => !["idle", "paused", "ended", "failed"].includes(state);

export function stateAfter(state: PlayerState, happening: Happening): PlayerState {
	if (happening === "play") return isActive(state) ? state : "connecting";
	if (!isActive(state)) return state;
	switch (happening) {
		case "pause":
			return "paused";
		case "ended":
		case "failed":
			return happening;
		case "lost":
			return "waiting";
		case "connected":
			return state === "connecting" || state === "waiting" ? "buffering" : state;
		// What is shown and what is missing without a connection is the rest of the one before: it is being waited for.
		case "starved":
			return state === "playing" ? "stalled" : state;
		case "shown":
			return state === "buffering" || state === "stalled" ? "playing" : state;
	}
}
