/**
 * One channel of the configuration, or a pattern that makes channels: from single values that are right to what its host
 * and its ladder want.
 */
import { resolve } from "node:path";
import { Secret } from "../access/secret.ts";
import { clauseOf } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import type { SourceSpec } from "../ladder/ladder-config.ts";
import { DEFAULT_TIMEOUTS, type FfmpegTools, type LadderConfig, type RenditionSpec } from "../ladder/ladder-config.ts";
import { sourceArguments } from "../ladder/source-arguments.ts";
import { OPUS_SAMPLE_RATE_HZ } from "../media/opus.ts";
import { parsePullUrl } from "../rtsp/pull-url.ts";
import type { ChannelConfig, ChannelPlan, ChannelTemplate, PullConfig } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import { buildReadyRenditions, refuseAudioFrom, refuseKeysOfReady } from "./config-ready.ts";
import { type ChannelShape, type ConfigShape, DEFAULT_RENDITIONS, type RenditionShape } from "./config-schema.ts";
import { refuseUnpublished, templateNameOf } from "./config-templates.ts";
import { type Path, pathText, shown } from "./problem.ts";

const DEFAULT_APP = "live";
const DEFAULT_RING_MS = 8000;
const DEFAULT_AUDIO_BPS = 128_000;
const DEFAULT_FRAME_RATE = { numerator: 30, denominator: 1 };
const DEFAULT_PICTURE = { width: 1280, height: 720 };
/** `rule://cam-1` is the rule of the distribution plane with that name. */
const RULE_SCHEME = "rule://";

export interface ChannelInput {
	readonly key: string;
	readonly channel: ChannelShape;
	readonly shape: ConfigShape;
	readonly tools: FfmpegTools;
	readonly folder: string;
	readonly findings: Findings;
}

/** What stands under one key of `channels`. */
export type ChannelEntry =
	| { readonly kind: "channel"; readonly channel: ChannelConfig }
	| { readonly kind: "template"; readonly template: ChannelTemplate }
	| { readonly kind: "refused" };

/** Whatever is wrong with it is noted. */
export function buildChannel(input: ChannelInput): ChannelEntry {
	const { key, channel, findings } = input;
	const { app: givenApp = DEFAULT_APP } = channel;
	const template = templateNameOf(key, channel, givenApp, findings);
	if (template !== undefined) {
		const { label, pattern } = template;
		refuseUnpublished(channel, key, findings);
		if (pattern === undefined || channel.source !== "publish") return { kind: "refused" };
		return { kind: "template", template: { key, label, pattern, ...buildPlan(input, label) } };
	}
	const path = ["channels", key];
	const stream = findings.name(path, key, "the channel's name", "key");
	const app = findings.name([...path, "app"], givenApp, "the app");
	const label = `${app}/${stream}`;
	return { kind: "channel", channel: { app, stream, label, ...buildPlan(input, label) } };
}

/** @param label for messages */
function buildPlan(input: ChannelInput, label: string): ChannelPlan {
	const { key, channel, shape, tools, folder, findings } = input;
	const path = ["channels", key];
	const shapes = channel.video === "none" ? [] : (channel.renditions ?? DEFAULT_RENDITIONS);
	const isReady = channel.renditions?.some(({ from }) => from !== undefined) ?? false;
	const renditions = isReady
		? buildReadyRenditions({ channel, stream: key, path, findings, folder })
		: buildRenditions(shapes, path, findings);
	const source = buildSource({ channel, renditions, isReady, folder, path, findings });
	checkSource(source, path, findings);
	if (channel.video === "none") refuseKeysWithoutVideo(channel, path, findings);
	else refuseCopyMismatch(channel, source, path, findings);
	if (isReady) refuseKeysOfReady(channel, path, findings);
	else refuseAudioFrom(channel, path, findings);
	refuseOpusRate(channel, path, findings);
	const ringMs = channel.ringMs ?? Math.max(DEFAULT_RING_MS, 3 * channel.unitMs);
	if (ringMs < 2 * channel.unitMs) {
		findings.wrong([...path, "ringMs"], ringMs, `at least two units (unitMs is ${channel.unitMs})`);
	}
	const ladder: LadderConfig = {
		channel: label,
		source,
		renditions,
		...(channel.codec === undefined ? {} : { codec: channel.codec }),
		...(channel.frameRate === undefined ? {} : { frameRate: channel.frameRate }),
		...(channel.audio === "none" ? {} : { audio: audioSpec(channel.audio) }),
		unitDuration: milliseconds(channel.unitMs),
		tools,
		timeouts: {
			...DEFAULT_TIMEOUTS,
			start: milliseconds(shape.ffmpeg.startTimeoutMs),
			hang: milliseconds(shape.ffmpeg.hangMs),
		},
	};
	const onDemand = channel.onDemand ? { onDemand: { idle: milliseconds(channel.idleMs) } } : {};
	const pull = buildPull(channel, path, findings);
	return { ring: milliseconds(ringMs), ...onDemand, ladder, ...(pull && { pull }) };
}

const audioSpec = (audio: Exclude<ChannelShape["audio"], "none">): NonNullable<LadderConfig["audio"]> => ({
	codec: audio.codec ?? "aac",
	bitsPerSecond: bitsPerSecond(audio.bitrateBps ?? DEFAULT_AUDIO_BPS),
	...(audio.from === undefined ? {} : { from: audio.from as Name }),
	...(audio.sampleRateHz === undefined ? {} : { sampleRateHz: audio.sampleRateHz }),
});

/** A programme of audio alone has nothing that could be scaled, encoded as pictures or timed by them. */
function refuseKeysWithoutVideo(channel: ChannelShape, path: Path, findings: Findings): void {
	for (const key of ["renditions", "codec", "frameRate"] as const) {
		if (channel[key] === undefined) continue;
		findings.key([...path, key], `${pathText([...path, key])} does not go with video: none; leave one of the two out`);
	}
	if (channel.audio === "none") findings.value([...path, "audio"], "is none, and so is video; nothing would be left");
}

function refuseOpusRate({ audio }: ChannelShape, path: Path, findings: Findings): void {
	if (audio === "none" || audio.codec !== "opus" || audio.sampleRateHz === undefined) return;
	if (audio.sampleRateHz === OPUS_SAMPLE_RATE_HZ) return;
	const allowed = `${OPUS_SAMPLE_RATE_HZ} (or left out) with codec: opus, which has no other`;
	findings.wrong([...path, "audio", "sampleRateHz"], audio.sampleRateHz, allowed);
}

function buildRenditions(shapes: readonly RenditionShape[], above: Path, findings: Findings): RenditionSpec[] {
	const firstOf = new Map<string, number>();
	let before: number | undefined;
	return shapes.map((rendition, index) => {
		const path = [...above, "renditions", index];
		const name = findings.name([...path, "name"], rendition.name, "the rendition's name");
		if (name === "auto")
			findings.value([...path, "name"], 'is "auto", which leaves the choice to the server; take another name');
		const twin = firstOf.get(name);
		if (twin === undefined) firstOf.set(name, index);
		else
			findings.value([...path, "name"], `is ${shown(name)}, as renditions[${twin}].name already is; names are unique`);
		if (rendition.copy === true) {
			refuseKeysBesideCopy(rendition, path, findings);
			return { name, kind: "copy" };
		}
		const { bitrateBps } = rendition;
		if (before !== undefined && bitrateBps !== undefined && bitrateBps > before) {
			findings.wrong(
				[...path, "bitrateBps"],
				bitrateBps,
				`at most ${before}: renditions go from the best to the lowest`,
			);
		}
		before = bitrateBps ?? before;
		return encodedRendition(name, rendition, path, findings);
	});
}

function encodedRendition(name: Name, rendition: RenditionShape, path: Path, findings: Findings): RenditionSpec {
	const { width, height, bitrateBps, preset = "veryfast" } = rendition;
	for (const [key, given] of Object.entries({ width, height, bitrateBps })) {
		if (given === undefined) findings.wrong([...path, key], undefined, 'given (or "copy: true" instead of all three)');
	}
	const bitrate = bitsPerSecond(bitrateBps ?? 0);
	return { name, kind: "encode", width: width ?? 0, height: height ?? 0, bitsPerSecond: bitrate, preset };
}

function refuseKeysBesideCopy(rendition: RenditionShape, path: Path, findings: Findings): void {
	for (const key of ["width", "height", "bitrateBps", "preset"] as const) {
		if (rendition[key] === undefined) continue;
		findings.key([...path, key], `${pathText([...path, key])} does not go with copy: a copy is the source as it is`);
	}
}

/** What a copied rendition, whose pictures nobody touches, cannot go with. */
function refuseCopyMismatch(channel: ChannelShape, source: SourceSpec, path: Path, findings: Findings): void {
	const copies = (channel.renditions ?? []).flatMap(({ copy }, index) => (copy === true ? [index] : []));
	const [first, second] = copies;
	if (first === undefined) return;
	const at = [...path, "renditions", first, "copy"];
	if (second !== undefined) {
		findings.value([...path, "renditions", second, "copy"], `is the second copy of one source; one is enough`);
	}
	if (channel.frameRate !== undefined) {
		findings.value(at, "does not go with frameRate: a copy has the source's; leave one of the two out");
	}
	if (source.kind === "test-pattern") findings.value(at, "has nothing to copy: the test pattern is not encoded");
}

interface SourceInput {
	readonly channel: ChannelShape;
	readonly renditions: readonly RenditionSpec[];
	readonly isReady: boolean;
	readonly folder: string;
	readonly path: Path;
	readonly findings: Findings;
}

function buildSource({ channel, renditions, isReady, folder, path, findings }: SourceInput): SourceSpec {
	const { source } = channel;
	if (source === undefined || isReady) {
		const allowed = 'text or a map of keys and values, unless every rendition has "from"';
		if (!isReady) findings.wrong([...path, "source"], undefined, allowed);
		return { kind: "ready" };
	}
	if (source === "publish" || (typeof source === "object" && "pull" in source)) return { kind: "published" };
	if (typeof source === "string" && source !== "test") {
		if (source.startsWith(RULE_SCHEME)) return { kind: "rule", rule: source.slice(RULE_SCHEME.length) };
		if (source.includes("://")) return { kind: "url", url: source };
		return { kind: "file", path: resolve(folder, source), loop: true };
	}
	if (typeof source === "object" && "file" in source) {
		return { kind: "file", path: resolve(folder, source.file), loop: source.loop };
	}
	if (typeof source === "object" && "url" in source) return { kind: "url", url: source.url };
	if (typeof source === "object" && "rule" in source) {
		return {
			kind: "rule",
			rule: source.rule,
			...(source.sdp !== undefined && { sdpFile: resolve(folder, source.sdp) }),
		};
	}
	const picture = typeof source === "object" ? source.test : {};
	const best = renditions.find((rendition) => rendition.kind === "encode") ?? DEFAULT_PICTURE;
	return {
		kind: "test-pattern",
		width: picture.width ?? best.width,
		height: picture.height ?? best.height,
		frameRate: picture.frameRate ?? channel.frameRate ?? DEFAULT_FRAME_RATE,
	};
}

const PULL_TRANSPORTS = { auto: "udp-first", udp: "udp", tcp: "interleaved" } as const;

function buildPull({ source }: ChannelShape, above: Path, findings: Findings): PullConfig | undefined {
	if (typeof source !== "object" || !("pull" in source)) return undefined;
	try {
		parsePullUrl(source.pull);
	} catch (thrown) {
		const path = [...above, "source", "pull"];
		const text = `${pathText(path)}: ${clauseOf(thrown)}`;
		findings.problems.push({ code: "CONFIG_VALUE", path, at: "value", text });
	}
	return { url: new Secret(source.pull), transport: PULL_TRANSPORTS[source.transport] };
}

/** Asks the ladder whether it would open this. */
function checkSource(source: SourceSpec, above: Path, findings: Findings): void {
	if (source.kind === "ready") return;
	if (source.kind === "rule") {
		findings.name([...above, "source"], source.rule, "the rule");
		return;
	}
	try {
		sourceArguments(source, { kind: "probe" });
	} catch (thrown) {
		const path = [...above, "source"];
		const text = `${pathText(path)}: ${clauseOf(thrown)}`;
		findings.problems.push({ code: "CONFIG_VALUE", path, at: "value", text });
	}
}
