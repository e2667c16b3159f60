/**
 * Channels whose name is a pattern, as in rights: `*` for either part. Each stream that it has becomes a channel of its
 * own while somebody publishes it.
 */
import { parsePattern, type StreamPattern } from "../access/pattern.ts";
import type { ChannelTemplate } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import type { ChannelShape } from "./config-schema.ts";
import { pathText } from "./problem.ts";

export interface TemplateName {
	/** `live/*` */
	readonly label: string;
	/** Undefined where the text is none; that has been noted. */
	readonly pattern: StreamPattern | undefined;
}

/**
 * What the key of a channel says, where it or its app has a `*`.
 * @param app that of the channel, or the one by default
 * @returns undefined where the key names one stream
 */
export function templateNameOf(
	key: string,
	channel: ChannelShape,
	app: string,
	findings: Findings,
): TemplateName | undefined {
	const label = key.includes("/") ? key : `${app}/${key}`;
	if (!label.includes("*")) return undefined;
	const path = ["channels", key];
	if (key.includes("/") && channel.app !== undefined) {
		const text = `${pathText([...path, "app"])} does not go with a key that has the app already; leave one of the two out`;
		findings.key([...path, "app"], text);
	}
	const pattern = parsePattern(label);
	if (pattern === undefined) {
		const text = `${pathText(path)} is no pattern: "*" stands for a whole name, as in "*" (of its app), "live/*" or "*/*"`;
		findings.key(path, text);
	}
	return { label, pattern };
}

/** Only what is published says by itself how it is called. */
export function refuseUnpublished({ source, renditions }: ChannelShape, key: string, findings: Findings): void {
	const path = ["channels", key];
	const allowed = '"publish": a pattern makes channels of what is published';
	if (source !== "publish") findings.wrong([...path, "source"], source, allowed);
	const index = renditions?.findIndex(({ from }) => from !== undefined) ?? -1;
	if (index < 0) return;
	const text = `${pathText([...path, "renditions", index, "from"])} does not go with a pattern, which takes one stream for each channel; name the channel`;
	findings.key([...path, "renditions", index, "from"], text);
}

/** The first pattern that has a stream takes it. */
export function refuseHiddenTemplates(templates: readonly ChannelTemplate[], findings: Findings): void {
	for (const [index, { key, pattern }] of templates.entries()) {
		const before = templates.slice(0, index).find((other) => hasAllOf(other.pattern, pattern));
		if (before === undefined) continue;
		const text = `${pathText(["channels", key])} never takes a stream: ${JSON.stringify(before.label)}, which stands before it, has all of its streams; put it first`;
		findings.key(["channels", key], text);
	}
}

const hasAllOf = (one: StreamPattern, other: StreamPattern): boolean =>
	(one.app === undefined || one.app === other.app) && (one.stream === undefined || one.stream === other.stream);
