/**
 * Which URL is which medium's (RFC 2326, appendix C.1.1). A publisher names its media as it likes; players get names of
 * the server's own, so that what they ask for does not depend on who publishes.
 */
import { PenstockError } from "../base/errors.ts";
import { controlsOf, type RtspTarget, readTarget } from "../wire/rtsp-target.ts";
import { attributeOf, type SdpMedia, type SdpSession } from "../wire/sdp.ts";

export const playControl = (medium: number): string => `trackID=${medium}`;

/** The description for players: its controls are the server's, and its ports are agreed upon by SETUP. */
export function forPlayers(description: SdpSession): SdpSession {
	const { origin, name, attributes, media } = description;
	const others = (all: SdpSession["attributes"]) =>
		all.filter(({ name: one }) => one !== "control" && one !== "sendonly");
	return {
		...(origin !== undefined && { origin }),
		name,
		connection: { address: "0.0.0.0" },
		attributes: [...others(attributes), { name: "control", value: "*" }],
		media: media.map(({ kind, protocol, formats, bandwidthKbps, attributes: own }, index) => ({
			...{ kind, port: 0, protocol, formats },
			...(bandwidthKbps !== undefined && { bandwidthKbps }),
			attributes: [...others(own), { name: "control", value: playControl(index) }],
		})),
	};
}

/** The controls of a publisher's media, each as it stands behind the stream's URL; "" where it has none. */
export const publishedControls = ({ media }: SdpSession): readonly string[] => media.map(publishedControl);

function publishedControl({ attributes }: SdpMedia): string {
	const text = attributeOf(attributes, "control") ?? "";
	const target = readTarget(text);
	if (target.kind === "read") return controlsOf(target.value)[0] ?? "";
	return text.replace(/^\/+|\/+$/g, "");
}

/**
 * Which medium a SETUP is for.
 * @returns the error where it is for none, or for more than one
 */
export function mediumOf(target: RtspTarget, controls: readonly string[]): number | PenstockError {
	for (const control of controlsOf(target)) {
		const medium = control === "" ? -1 : controls.indexOf(control);
		if (medium >= 0) return medium;
	}
	const isWhole = target.control === "";
	if (isWhole && controls.length === 1) return 0;
	const known = controls.map((control, medium) => (control === "" ? playControl(medium) : control)).join(", ");
	if (!isWhole)
		return new PenstockError(
			"CHANNEL_NOT_FOUND",
			`${target.app}/${target.stream} has no such track; there are ${known}.`,
		);
	return new PenstockError(
		"RTSP_METHOD",
		`SETUP is for one track of ${target.app}/${target.stream}; there are ${known}.`,
	);
}
