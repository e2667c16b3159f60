/** The section `publish`: from single values to what publishers are told and held to. */
import { resolve } from "node:path";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import type { ChannelConfig } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import type { ConfigShape } from "./config-schema.ts";
import type { ListenAddress } from "./listen-address.ts";

export interface PublishConfig {
	/** Undefined: nobody publishes by RTMP without TLS. */
	readonly rtmp: RtmpConfig | undefined;
	/** Undefined: nobody publishes by RTMPS. */
	readonly rtmps: RtmpsConfig | undefined;
	readonly http: boolean;
	readonly second: "refuse" | "take-over";
	readonly setupTimeout: Milliseconds;
	readonly idleTimeout: Milliseconds;
	readonly returnWithin: Milliseconds;
}

export interface RtmpConfig {
	readonly listen: ListenAddress;
	readonly maxConnections: number;
	readonly maxConnectionsPerAddress: number;
}

export interface RtmpsConfig extends RtmpConfig {
	/** PEM; absolute. */
	readonly certFile: string;
	readonly keyFile: string;
}

/** @param folder of the configuration file */
export function buildPublish({ publish }: ConfigShape, folder: string): PublishConfig | undefined {
	if (publish === undefined) return undefined;
	const { enabled, tls, ...rtmp } = publish.rtmp;
	const files = tls && { certFile: resolve(folder, tls.certFile), keyFile: resolve(folder, tls.keyFile) };
	return {
		rtmp: enabled ? rtmp : undefined,
		rtmps: files && { ...rtmp, ...files, listen: tls.listen },
		http: publish.http,
		second: publish.second === "replace" ? "take-over" : "refuse",
		setupTimeout: milliseconds(publish.setupTimeoutMs),
		idleTimeout: milliseconds(publish.idleTimeoutMs),
		returnWithin: milliseconds(publish.returnWithinMs),
	};
}

/** A channel waits for a publisher whom nobody lets in. */
export function refusePublishedWithoutSection(
	channels: readonly ChannelConfig[],
	publish: PublishConfig | undefined,
	findings: Findings,
): void {
	if (publish !== undefined) return;
	const text = 'is what somebody publishes, but nobody is let in; add the section "publish: {}"';
	for (const { stream, ladder } of channels) {
		if (ladder.source.kind === "published") findings.value(["channels", stream, "source"], text);
		for (const [index, rendition] of ladder.renditions.entries()) {
			if (rendition.kind !== "ready" || rendition.input.kind !== "published") continue;
			findings.value(["channels", stream, "renditions", index, "from"], text);
		}
	}
}
