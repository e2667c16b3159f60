/** The console's addresses: what stands behind the `#`. */

export type Route =
	| { readonly kind: "overview" }
	| { readonly kind: "channel"; readonly channel: string }
	| { readonly kind: "viewers"; readonly channel: string | undefined }
	| { readonly kind: "viewer"; readonly id: string }
	/** Without a channel: the first that there is. */
	| { readonly kind: "wall"; readonly channel: string | undefined }
	| { readonly kind: "publishers" }
	| { readonly kind: "counters" }
	| { readonly kind: "distribution" }
	| { readonly kind: "rule"; readonly name: string }
	| { readonly kind: "unknown"; readonly path: string };

export function readRoute(hash: string): Route {
	const [path = "", query = ""] = hash.replace(/^#/, "").split("?", 2);
	const [kind = "", ...rest] = path.split("/").filter(Boolean).map(decoded);
	const [first, second] = rest;
	if (kind === "" && rest.length === 0) return { kind: "overview" };
	if ((kind === "publishers" || kind === "counters" || kind === "distribution") && rest.length === 0) return { kind };
	if (kind === "rule" && first !== undefined && rest.length === 1) return { kind, name: first };
	if (kind === "viewers" && rest.length === 0)
		return { kind, channel: new URLSearchParams(query).get("channel") ?? undefined };
	if (kind === "viewer" && first !== undefined && rest.length === 1) return { kind, id: first };
	if (kind === "wall" && rest.length === 0) return { kind, channel: undefined };
	if ((kind === "wall" || kind === "channel") && second !== undefined && rest.length === 2)
		return { kind, channel: `${first}/${second}` };
	return { kind: "unknown", path };
}

export function hashOf(route: Exclude<Route, { kind: "unknown" }>): string {
	switch (route.kind) {
		case "overview":
			return "#/";
		case "publishers":
			return "#/publishers";
		case "counters":
			return "#/counters";
		case "distribution":
			return "#/distribution";
		case "rule":
			return `#/rule/${encodeURIComponent(route.name)}`;
		case "viewers":
			return route.channel === undefined ? "#/viewers" : `#/viewers?channel=${encodeURIComponent(route.channel)}`;
		case "viewer":
			return `#/viewer/${encodeURIComponent(route.id)}`;
		case "wall":
			return route.channel === undefined ? "#/wall" : `#/wall/${pathOf(route.channel)}`;
		case "channel":
			return `#/channel/${pathOf(route.channel)}`;
	}
}

/** Whether both are the same page, perhaps about something else. */
export const sameRoute = (a: Route, b: Route): boolean => JSON.stringify(a) === JSON.stringify(b);

const pathOf = (channel: string): string => channel.split("/").map(encodeURIComponent).join("/");

/** A part that is no proper escape is taken as it stands: somebody typed it. */
function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		return part;
	}
}
