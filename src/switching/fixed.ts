/** The policy `fixed`: every viewer gets one rendition, whatever its figures say. */
import type { Name } from "../base/name.ts";
import { goTo, hold, type Policy } from "./state.ts";

export interface FixedSettings {
	readonly rendition: Name;
}

export function fixedPolicy(settings: FixedSettings): Policy {
	const { rendition } = settings;
	return {
		name: "fixed",
		decide(state) {
			const target = state.renditions.find(({ name }) => name === rendition);
			if (target === undefined) return hold("unavailable", `the channel has no rendition "${rendition}"`);
			if (!target.available) return hold("unavailable", `"${rendition}" is not there now`);
			return goTo(state, rendition, "policy", `policy fixed wants "${rendition}"`);
		},
	};
}
