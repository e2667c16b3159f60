/**
 * The one place where a viewer's rendition is decided: a wish comes first, the policy else.
 */
import { type Decision, goTo, hold, type Policy, type SwitchingState } from "./state.ts";

export function decide(policy: Policy, state: SwitchingState): Decision {
	if (state.wish === "auto") return policy.decide(state);
	const wished = state.renditions.find(({ name }) => name === state.wish);
	if (wished === undefined || !wished.available) return hold("unavailable", `"${state.wish}" is not there now`);
	return goTo(state, wished.name, "wish", `"${state.wish}" was asked for`);
}
