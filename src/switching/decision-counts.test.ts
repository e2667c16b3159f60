import { expect, test } from "vitest";
import { HIGH, LOW, MID, switchingState } from "../../test/kit/switching-state.ts";
import { DecisionCounts } from "./decision-counts.ts";
import { hold } from "./state.ts";

test("decisions are counted by kind, direction and cause", () => {
	const counts = new DecisionCounts();
	const { renditions } = switchingState();
	const because = { cause: "network", text: "" } as const;
	counts.note(hold("network", ""), LOW, renditions);
	counts.note(hold("network", "other words"), LOW, renditions);
	counts.note(hold("server", ""), LOW, renditions);
	counts.note({ kind: "switch", to: HIGH, because }, MID, renditions);
	counts.note({ kind: "switch", to: LOW, because }, MID, renditions);
	expect([...counts]).toEqual([
		{ kind: "hold", direction: "none", cause: "network", count: 2 },
		{ kind: "hold", direction: "none", cause: "server", count: 1 },
		{ kind: "switch", direction: "up", cause: "network", count: 1 },
		{ kind: "switch", direction: "down", cause: "network", count: 1 },
	]);
});
