/** A rendition as somebody names it, for a viewer that is here: the API, or the viewer itself. */
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { Session } from "../delivery/media-endpoint.ts";

/**
 * What the viewer is sent from its next unit on; "auto" leaves it to the policy.
 * @throws PenstockError RENDITION_NOT_FOUND
 */
export function chooseRendition({ viewer, programme }: Session, asked: string): void {
	viewer.wish = asked === "auto" ? asked : renditionOf(programme, asked, ["auto"]);
}

/**
 * @param besides what could have been asked for instead of a rendition
 * @throws PenstockError RENDITION_NOT_FOUND
 */
export function renditionOf(
	{ app, stream, lanes }: Session["programme"],
	asked: string,
	besides: readonly string[] = [],
): Name {
	const { renditions } = lanes.channel;
	const rendition = renditions.find(({ name }) => name === asked);
	if (rendition !== undefined) return rendition.name;
	const known = [...besides, ...renditions.map(({ name }) => name)].join(", ");
	const text = `${app}/${stream} has no rendition ${JSON.stringify(asked)}; there is ${known}.`;
	throw new PenstockError("RENDITION_NOT_FOUND", text);
}
