/** A configuration in a few lines for people. */
import type { InputSpec, RenditionSpec } from "../ladder/ladder-config.ts";
import { sourceLabel, withoutSecrets } from "../ladder/source-arguments.ts";
import type { ChannelConfig, ChannelTemplate, Config, ReportsConfig } from "./config.ts";
import type { DistributionConfig, DistributorConfig } from "./config-distribution.ts";
import type { PublishConfig } from "./config-publish.ts";
import { formatListenAddress } from "./listen-address.ts";

export function summarizeConfig({
	http,
	api,
	channels,
	templates,
	policy,
	delivery,
	reports,
	distribution,
	publish,
}: Config): string {
	return [
		`viewers   ${http.listen.map(formatListenAddress).join(", ")}, at most ${delivery.maxViewers}`,
		`API       ${formatListenAddress(api.listen)}${api.login === undefined ? "" : ", which asks for its token"}`,
		`policy    ${policy.kind}`,
		`reports   ${reportsText(reports)}`,
		...(distribution === undefined ? [] : [`packets   ${distributionText(distribution)}`]),
		...(publish === undefined ? [] : [`publish   ${publishText(publish, templates.length > 0)}`]),
		...channels.flatMap((channel) => summarizeChannel("channel", channel)),
		...templates.flatMap((template) => summarizeChannel("pattern", template)),
	].join("\n");
}

function reportsText({ network, status, nats }: ReportsConfig): string {
	const kinds = [...(network ? ["network"] : []), ...(status ? ["status"] : [])];
	const here = kinds.length === 0 ? "none here" : `${kinds.join(" and ")} here`;
	return nats === undefined ? here : `${here}, and those passed on over NATS at ${nats.url.host}`;
}

function publishText({ rtmp, rtmps, rtsp, http, second, maxStreams }: PublishConfig, hasPatterns: boolean): string {
	const ways = [
		...(rtmp === undefined ? [] : [`RTMP at ${formatListenAddress(rtmp.listen)}`]),
		...(rtmps === undefined ? [] : [`RTMPS at ${formatListenAddress(rtmps.listen)}`]),
		...(rtsp?.listen === undefined ? [] : [`RTSP at ${formatListenAddress(rtsp.listen)}`]),
		...(rtsp?.tls === undefined ? [] : [`RTSPS at ${formatListenAddress(rtsp.tls.listen)}`]),
		...(http ? ["HTTP"] : []),
	];
	const next = second === "refuse" ? "is refused" : "takes over";
	const most = hasPatterns ? `; patterns make ${maxStreams} channels at most` : "";
	return `${ways.join(", ") || "no way in"}; a second publisher of a stream ${next}${most}`;
}

function distributionText({ engine, distributor, rules, rulesFile }: DistributionConfig): string {
	const port = "socket" in distributor ? `the distributor at ${distributor.socket}` : portText(engine, distributor);
	const file = rulesFile === undefined ? "" : ` and those of ${rulesFile}`;
	return `distributed by ${port}, ${rules.length} rules here${file}`;
}

const portText = (engine: string, { device, backend }: DistributorConfig): string =>
	[
		`engine ${engine}`,
		...(device === undefined ? [] : [`on ${device}`]),
		...(backend === undefined ? [] : [backend]),
	].join(" ");

function summarizeChannel(
	what: "channel" | "pattern",
	{ label, ladder, onDemand, pull }: ChannelConfig | ChannelTemplate,
): string[] {
	const { source, renditions, unitDuration, audio, codec = "h264" } = ladder;
	const isReady = source.kind === "ready";
	const theirs = `audio of ${audio?.from ?? "the first that has any"}`;
	const ours = `audio ${audio?.codec ?? "aac"} ${rate(audio?.bitsPerSecond ?? 0)}`;
	const sound = audio === undefined ? "no audio" : isReady ? theirs : ours;
	const picture = renditions.length === 0 ? "no video" : `video ${codec}`;
	const when = onDemand === undefined ? "always on" : "on demand";
	return [
		`${what}   /${label}.ts from ${pull === undefined ? sourceLabel(source) : withoutSecrets(pull.url.reveal())}: units of ${unitDuration} ms, ${picture}, ${sound}, ${when}`,
		...renditions.map((rendition) => `  ${rendition.name.padEnd(10)}${renditionText(rendition)}`),
	];
}

function renditionText(rendition: RenditionSpec): string {
	switch (rendition.kind) {
		case "copy":
			return "the source as it is";
		case "ready":
			return `ready-made, ${inputText(rendition.input)}`;
		case "encode":
			return `${rendition.width}x${rendition.height} ${rate(rendition.bitsPerSecond)} ${rendition.preset}`;
	}
}

function inputText(input: InputSpec): string {
	switch (input.kind) {
		case "published":
			return `published as ${input.stream}`;
		case "url":
			return `from ${sourceLabel(input)}`;
		case "described":
			return `RTP as ${input.sdpFile} says`;
	}
}

const rate = (bitsPerSecond: number): string =>
	bitsPerSecond >= 1e6 ? `${bitsPerSecond / 1e6} Mbit/s` : `${bitsPerSecond / 1e3} kbit/s`;
