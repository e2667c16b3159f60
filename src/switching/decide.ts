/**
 * The one place where a viewer's rendition is decided: a wish comes first, the policy else, and over both of them what
 * the server can bear (the design's fourth parameter), so that no policy has to know of it.
 *
 * Under duress nobody is led up by a policy. When the server sheds load, nobody has the best rendition of its channel
 * either, whether a policy or a wish would have it: the next one takes its place. A channel with one rendition, and
 * who must leave a rendition that has gone, are left alone.
 */
import { type Decision, goTo, hold, type Policy, type ServerDuress, type SwitchingState } from "./state.ts";

export function decide(policy: Policy, state: SwitchingState): Decision {
	const decision = state.wish === "auto" ? policy.decide(state) : followWish(state);
	const { duress } = state.server;
	return duress === undefined ? decision : bear(state, decision, duress);
}

function followWish(state: SwitchingState): Decision {
	const wished = state.renditions.find(({ name }) => name === state.wish);
	if (wished === undefined || !wished.available) return hold("unavailable", `"${state.wish}" is not there now`);
	return goTo(state, wished.name, "wish", `"${state.wish}" was asked for`);
}

/** What becomes of a decision while the server is under duress. */
function bear(state: SwitchingState, decision: Decision, { level, text }: ServerDuress): Decision {
	const there = state.renditions.filter(({ available }) => available);
	const target = decision.kind === "switch" ? decision.to : state.current;
	const to = there.findIndex(({ name }) => name === target);
	const from = there.findIndex(({ name }) => name === state.current);
	if (state.wish === "auto" && from >= 0 && to >= 0 && to < from) {
		return hold("server", `no climb to "${target}" now: ${text}`);
	}
	const next = there[1];
	if (level !== "shed" || to !== 0 || next === undefined) return decision;
	return goTo(state, next.name, "server", `"${target}" is withdrawn from everybody now: ${text}`);
}
