/**
 * From a configuration whose single values are right to the types that the rooms want, with everything checked that
 * takes more than one value to judge: names, order of renditions, what a copied rendition can go with.
 */
import { resolve } from "node:path";
import { bytes, milliseconds } from "../base/units.ts";
import type { Built, Config, ReportsConfig } from "./config.ts";
import { buildAccess } from "./config-access.ts";
import { buildApi } from "./config-api.ts";
import { buildPolicy, buildServer } from "./config-capability.ts";
import { buildChannel } from "./config-channel.ts";
import { buildDistribution, refuseRulesWithoutDistribution } from "./config-distribution.ts";
import { Findings } from "./config-findings.ts";
import { buildPublish, refusePublishedWithoutSection } from "./config-publish.ts";
import { refuseSharedInputs } from "./config-ready.ts";
import type { ConfigShape } from "./config-schema.ts";
import { refuseHiddenTemplates } from "./config-templates.ts";
import { formatListenAddress, type ListenAddress } from "./listen-address.ts";

/** @param folder of the configuration file; relative paths start there */
export function buildConfig(shape: ConfigShape, folder: string): Built {
	const findings = new Findings();
	const tools = { ffmpeg: shape.ffmpeg.path, ffprobe: shape.ffmpeg.probePath };
	const entries = Object.entries(shape.channels).map(([key, channel]) =>
		buildChannel({ key, channel, shape, tools, folder, findings }),
	);
	const channels = entries.flatMap((entry) => (entry.kind === "channel" ? [entry.channel] : []));
	const templates = entries.flatMap((entry) => (entry.kind === "template" ? [entry.template] : []));
	refuseHiddenTemplates(templates, findings);
	const distribution = buildDistribution(shape, folder, findings);
	refuseRulesWithoutDistribution(channels, distribution, findings);
	const publish = buildPublish(shape, folder, findings);
	const keyed = channels.map((channel) => ({ ...channel, key: channel.stream }));
	refusePublishedWithoutSection([...keyed, ...templates], publish, findings);
	refuseSharedInputs(channels, findings);
	const access = buildAccess(shape, folder, findings);
	if (entries.length === 0 && distribution === undefined && publish?.rtsp?.relay !== true)
		findings.value(["channels"], 'has no channel; add one, for example "demo: { source: test }"');
	const policy = buildPolicy({ shape, channels: [...channels, ...templates], folder, findings });
	const server = buildServer(shape, findings);
	refuseTwinListeners(shape.http.listen, findings);
	if (findings.problems.length > 0) return { kind: "refused", problems: findings.problems };
	const reports = buildReports(shape, folder);
	const api = buildApi(shape, folder);
	const config = {
		...buildSections(shape),
		api,
		tools,
		policy,
		server,
		reports,
		distribution,
		publish,
		access,
		channels,
		templates,
	};
	return { kind: "built", config };
}

function buildSections(shape: ConfigShape): Pick<Config, "http" | "log" | "delivery"> {
	const { http, log, delivery } = shape;
	return {
		http: {
			listen: http.listen,
			maxHeaderBytes: bytes(http.maxHeaderBytes),
			headersTimeout: milliseconds(http.headersTimeoutMs),
			maxConnections: http.maxConnections,
			corsOrigins: http.corsOrigins,
		},
		log: { level: log.level, ...(log.format === undefined ? {} : { format: log.format }) },
		delivery: {
			maxViewers: delivery.maxViewers,
			maxLag: milliseconds(delivery.maxLagMs),
			stallTimeout: milliseconds(delivery.stallTimeoutMs),
			startTimeout: milliseconds(delivery.startTimeoutMs),
			drain: milliseconds(delivery.drainMs),
		},
	};
}

function refuseTwinListeners(addresses: readonly ListenAddress[], findings: Findings): void {
	const texts = addresses.map(formatListenAddress);
	for (const [index, { port }] of addresses.entries()) {
		const twin = texts.indexOf(texts[index]!);
		if (port === 0 || twin === index) continue;
		const text = `is ${texts[index]}, as http.listen[${twin}] already is; each address stands once`;
		findings.value(["http", "listen", index], text);
	}
}

function buildReports({ reports }: ConfigShape, folder: string): ReportsConfig {
	const { network, status, maxAgeMs, addressRate, nats } = reports;
	return {
		...{ network, status, maxAge: milliseconds(maxAgeMs), addressRate },
		...(nats && {
			nats: {
				url: nats.url,
				...(nats.token !== undefined && { token: nats.token }),
				...(nats.credentialsFile !== undefined && { credentialsFile: resolve(folder, nats.credentialsFile) }),
				...(nats.caFile !== undefined && { caFile: resolve(folder, nats.caFile) }),
			},
		}),
	};
}
