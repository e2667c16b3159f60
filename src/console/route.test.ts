import { expect, test } from "vitest";
import { hashOf, type Route, readRoute } from "./route.ts";

const ROUTES: readonly Exclude<Route, { kind: "unknown" }>[] = [
	{ kind: "overview" },
	{ kind: "publishers" },
	{ kind: "counters" },
	{ kind: "distribution" },
	{ kind: "rule", name: "cam-1" },
	{ kind: "viewers", channel: undefined },
	{ kind: "viewers", channel: "live/demo" },
	{ kind: "viewer", id: "04e1f885b5f92332" },
	{ kind: "wall", channel: undefined },
	{ kind: "wall", channel: "live/demo" },
	{ kind: "channel", channel: "live/cam 1" },
];

test("every page's address leads back to it", () => {
	for (const route of ROUTES) expect(readRoute(hashOf(route))).toEqual(route);
});

test("an empty address is the overview", () => {
	expect([readRoute(""), readRoute("#"), readRoute("#/")]).toEqual(Array(3).fill({ kind: "overview" }));
});

test("what is no page is said to be none, and a broken escape does no harm", () => {
	for (const hash of [
		"#/nowhere",
		"#/viewer",
		"#/channel/live",
		"#/wall/a/b/c",
		"#/counters/x",
		"#/distribution/x",
		"#/rule",
		"#/viewer/%E0/%",
	]) {
		expect(readRoute(hash).kind, hash).toBe("unknown");
	}
	expect(readRoute("#/viewer/%E0")).toEqual({ kind: "viewer", id: "%E0" });
});
