/** Channels whose renditions come ready-made: each with an input of its own, and nothing that an encoder of ours would do. */
import { isIP } from "node:net";
import { resolve } from "node:path";
import { clauseOf } from "../base/errors.ts";
import type { InputSpec, RenditionSpec } from "../ladder/ladder-config.ts";
import { sourceArguments } from "../ladder/source-arguments.ts";
import type { ChannelConfig } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import type { ChannelShape, RenditionShape } from "./config-schema.ts";
import { type Path, pathText, shown } from "./problem.ts";

interface ReadyInput {
	readonly channel: ChannelShape;
	/** The channel's name. */
	readonly stream: string;
	readonly path: Path;
	readonly findings: Findings;
	/** Of the configuration file; relative paths start there. */
	readonly folder: string;
}

const ENCODER_KEYS = ["width", "height", "bitrateBps", "preset", "copy"] as const;

export function buildReadyRenditions({ channel, stream, path, findings, folder }: ReadyInput): RenditionSpec[] {
	const names = new Set<string>();
	return (channel.renditions ?? []).map((rendition, index) => {
		const at = [...path, "renditions", index];
		const name = findings.name([...at, "name"], rendition.name, "the rendition's name");
		if (name === "auto") findings.value([...at, "name"], 'is "auto", which leaves the choice to the server');
		if (names.has(name))
			findings.value([...at, "name"], `is ${shown(name)}, as another rendition's is; names are unique`);
		names.add(name);
		for (const key of ENCODER_KEYS) {
			if (rendition[key] === undefined) continue;
			const text = `${pathText([...at, key])} does not go with from: what comes ready-made stays as it is`;
			findings.key([...at, key], text);
		}
		return { name, kind: "ready", input: inputOf(rendition, { stream, path: at, findings, folder }) };
	});
}

function inputOf(
	rendition: RenditionShape,
	{ stream, path, findings, folder }: Omit<ReadyInput, "channel">,
): InputSpec {
	const { from } = rendition;
	if (from === "publish") {
		const given = rendition.stream ?? `${stream}_${rendition.name}`;
		return { kind: "published", stream: findings.name([...path, "stream"], given, "the stream") };
	}
	if (from === undefined) {
		const allowed =
			'"publish" or a URL, as that of the other renditions: an encoder of ours and one of yours do not go together';
		findings.wrong([...path, "from"], undefined, allowed);
		return { kind: "url", url: "" };
	}
	if (rendition.stream !== undefined) {
		findings.key([...path, "stream"], `${pathText([...path, "stream"])} goes with from: publish alone`);
	}
	if (typeof from === "object") return describedInput(from, { path, findings, folder });
	const input = { kind: "url", url: from } as const;
	try {
		sourceArguments(input, { kind: "probe" });
	} catch (thrown) {
		findings.value([...path, "from"], `is neither "publish" nor a URL that is opened: ${clauseOf(thrown)}`);
	}
	return input;
}

function describedInput(
	{ sdp, localAddress }: Extract<RenditionShape["from"], object>,
	{ path, findings, folder }: Pick<ReadyInput, "path" | "findings" | "folder">,
): InputSpec {
	if (localAddress !== undefined && isIP(localAddress) === 0) {
		findings.wrong([...path, "from", "localAddress"], localAddress, "an IP address of this machine");
	}
	const sdpFile = resolve(folder, sdp);
	return { kind: "described", sdpFile, ...(localAddress !== undefined && { localAddress }) };
}

/** What an encoder of ours would do, and a source for it. */
export function refuseKeysOfReady(channel: ChannelShape, path: Path, findings: Findings): void {
	for (const key of ["source", "frameRate", "video"] as const) {
		if (channel[key] === undefined) continue;
		const text = `${pathText([...path, key])} does not go with renditions that have "from"; leave one of the two out`;
		findings.key([...path, key], text);
	}
	const { audio, renditions = [] } = channel;
	if (audio === "none") return;
	for (const key of ["codec", "bitrateBps", "sampleRateHz"] as const) {
		if (audio[key] === undefined) continue;
		const text = `${pathText([...path, "audio", key])} does not go with renditions that have "from": their sound stays as it is`;
		findings.key([...path, "audio", key], text);
	}
	if (audio.from === undefined || renditions.some(({ name }) => name === audio.from)) return;
	findings.wrong([...path, "audio", "from"], audio.from, "the name of one of the renditions");
}

export function refuseAudioFrom({ audio }: ChannelShape, path: Path, findings: Findings): void {
	if (audio === "none" || audio.from === undefined) return;
	const text = `${pathText([...path, "audio", "from"])} goes with renditions that have "from" alone`;
	findings.key([...path, "audio", "from"], text);
}

/** What is published goes to one place. */
export function refuseSharedInputs(channels: readonly ChannelConfig[], findings: Findings): void {
	const takers = new Map<string, string>();
	const take = (label: string, path: Path): void => {
		const taker = takers.get(label);
		if (taker === undefined) takers.set(label, pathText(path));
		else findings.value(path, `takes the stream ${shown(label)}, as ${taker} does; each goes to one place`);
	};
	for (const { app, stream, ladder } of channels) {
		const path = ["channels", stream];
		if (ladder.source.kind === "published") take(`${app}/${stream}`, [...path, "source"]);
		for (const [index, rendition] of ladder.renditions.entries()) {
			if (rendition.kind !== "ready" || rendition.input.kind !== "published") continue;
			take(`${app}/${rendition.input.stream}`, [...path, "renditions", index, "stream"]);
		}
	}
}
