/** The section `publish`: from single values to what publishers are told and held to. */
import { resolve } from "node:path";
import { type BitsPerSecond, bitsPerSecond, type Milliseconds, milliseconds } from "../base/units.ts";
import type { Network } from "../distribution/network.ts";
import type { CertificateFiles } from "./certificate.ts";
import type { ChannelPlan } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import type { ConfigShape } from "./config-schema.ts";
import type { PortRange } from "./config-values.ts";
import type { ListenAddress } from "./listen-address.ts";

export interface PublishConfig {
	/** Undefined: nobody publishes by RTMP without TLS. */
	readonly rtmp: RtmpConfig | undefined;
	/** Undefined: nobody publishes by RTMPS. */
	readonly rtmps: RtmpsConfig | undefined;
	/** Undefined: RTSP is not listened for. */
	readonly rtsp: RtspConfig | undefined;
	readonly http: boolean;
	/** Channels that are made of patterns. */
	readonly maxStreams: number;
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

export interface RtmpsConfig extends RtmpConfig, CertificateFiles {}

export interface RtspConfig {
	/** Undefined: without TLS there is none. */
	readonly listen: ListenAddress | undefined;
	/** Undefined: with TLS there is none. */
	readonly tls: RtspsConfig | undefined;
	readonly maxConnections: number;
	readonly maxConnectionsPerAddress: number;
	readonly sessionTimeout: Milliseconds;
	/** Streams that are no channel's may be published. */
	readonly relay: boolean;
	/** Undefined: media go on the connections alone. */
	readonly udp: RtspUdpConfig | undefined;
}

export interface RtspsConfig extends CertificateFiles {
	readonly listen: ListenAddress;
}

export interface RtspUdpConfig {
	readonly ports: PortRange;
	/** Of one receiver. */
	readonly packetsPerSecond: number;
	readonly rate: BitsPerSecond;
	/** Undefined: nothing goes to groups. */
	readonly multicast: { readonly groups: Network; readonly ttl: number } | undefined;
}

/** @param folder of the configuration file */
export function buildPublish({ publish }: ConfigShape, folder: string, findings: Findings): PublishConfig | undefined {
	if (publish === undefined) return undefined;
	const { enabled, tls, ...rtmp } = publish.rtmp;
	const files = tls && filesIn(folder, tls);
	refuseGroups(publish.rtsp.multicast?.groups, findings);
	return {
		rtmp: enabled ? rtmp : undefined,
		rtmps: files && { ...rtmp, ...files, listen: tls.listen },
		rtsp: publish.rtsp.enabled || publish.rtsp.tls ? buildRtsp(publish.rtsp, folder) : undefined,
		http: publish.http,
		maxStreams: publish.maxStreams,
		second: publish.second === "replace" ? "take-over" : "refuse",
		setupTimeout: milliseconds(publish.setupTimeoutMs),
		idleTimeout: milliseconds(publish.idleTimeoutMs),
		returnWithin: milliseconds(publish.returnWithinMs),
	};
}

const filesIn = (folder: string, { certFile, keyFile }: CertificateFiles): CertificateFiles => ({
	certFile: resolve(folder, certFile),
	keyFile: resolve(folder, keyFile),
});

function buildRtsp(shape: NonNullable<ConfigShape["publish"]>["rtsp"], folder: string): RtspConfig {
	const { enabled, listen, tls, maxConnections, maxConnectionsPerAddress, sessionTimeoutMs, relay, udp } = shape;
	const { ports, receiverPacketsPerSecond, receiverBitsPerSecond, multicast } = shape;
	const byUdp = {
		...{ ports, multicast, packetsPerSecond: receiverPacketsPerSecond },
		rate: bitsPerSecond(receiverBitsPerSecond),
	};
	return {
		...{ maxConnections, maxConnectionsPerAddress, relay },
		listen: enabled ? listen : undefined,
		tls: tls && { listen: tls.listen, ...filesIn(folder, tls) },
		sessionTimeout: milliseconds(sessionTimeoutMs),
		udp: udp ? byUdp : undefined,
	};
}

function refuseGroups(groups: Network | undefined, findings: Findings): void {
	if (groups === undefined) return;
	const { bytes, prefixBits, text } = groups;
	if (bytes.length === 4 && bytes[0]! >= 224 && bytes[0]! < 240 && prefixBits >= 8) return;
	findings.wrong(["publish", "rtsp", "multicast", "groups"], text, 'groups of IPv4, such as "239.255.80.0/24"');
}

/** A channel, or a pattern, waits for a publisher whom nobody lets in. */
export function refusePublishedWithoutSection(
	channels: readonly (ChannelPlan & { readonly key: string })[],
	publish: PublishConfig | undefined,
	findings: Findings,
): void {
	const text = 'is what somebody publishes, but nobody is let in; add the section "publish: {}"';
	for (const { key, ladder, pull } of channels) {
		const path = ["channels", key, "source"];
		if (pull !== undefined && publish?.rtsp === undefined) {
			findings.value(path, 'is pulled by RTSP, which is switched off; add the section "publish: {}"');
		}
		if (publish !== undefined || pull !== undefined) continue;
		if (ladder.source.kind === "published") findings.value(path, text);
		for (const [index, rendition] of ladder.renditions.entries()) {
			if (rendition.kind !== "ready" || rendition.input.kind !== "published") continue;
			findings.value(["channels", key, "renditions", index, "from"], text);
		}
	}
}
