/** The shape of the section `publish`: keys, ranges, defaults. */
import * as z from "zod";
import {
	bitrateBps,
	durationMs,
	flag,
	listenAddress,
	network,
	oneOf,
	portRange,
	text,
	wholeNumber,
} from "./config-values.ts";

const tls = (listen: string) =>
	z.strictObject({
		listen: listenAddress("0.0.0.0").prefault(listen),
		certFile: text("the path of a file"),
		keyFile: text("the path of a file"),
	});

const rtmp = z.strictObject({
	enabled: flag().prefault(true),
	listen: listenAddress("0.0.0.0").prefault("0.0.0.0:1935"),
	maxConnections: wholeNumber(1, 100_000).prefault(1000),
	/** Of each listener, with TLS and without. */
	maxConnectionsPerAddress: wholeNumber(1, 100_000).prefault(100),
	/** Absent: there is no RTMPS. */
	tls: tls("0.0.0.0:1936").optional(),
});

const multicast = z.strictObject({
	/** Of IPv4; each stream that is watched so has one group of it. */
	groups: network(),
	ttl: wholeNumber(1, 255).prefault(1),
});

const rtsp = z.strictObject({
	enabled: flag().prefault(true),
	listen: listenAddress("0.0.0.0").prefault("0.0.0.0:8554"),
	/** Absent: there is no RTSPS. */
	tls: tls("0.0.0.0:8322").optional(),
	maxConnections: wholeNumber(1, 100_000).prefault(1000),
	/** Of each listener, with TLS and without. */
	maxConnectionsPerAddress: wholeNumber(1, 100_000).prefault(100),
	/** Without a request or a sign of life. */
	sessionTimeoutMs: durationMs(5000, 600_000).prefault(60_000),
	/** Whether streams that are no channel's may be published, for RTSP's players. */
	relay: flag().prefault(true),
	/** Whether media go by UDP. */
	udp: flag().prefault(true),
	/** Of the server's own ports for media. */
	ports: portRange().prefault("20000-29999"),
	/** What is sent to one player's port by UDP, at most. */
	receiverPacketsPerSecond: wholeNumber(100, 1_000_000).prefault(10_000),
	receiverBitsPerSecond: bitrateBps(100_000, 1e10).prefault(50_000_000),
	/** Absent: nothing goes to groups. */
	multicast: multicast.optional(),
});

export const publish = z.strictObject({
	rtmp: rtmp.prefault({}),
	rtsp: rtsp.prefault({}),
	/** Whether the listeners for viewers take streams by PUT and POST. */
	http: flag().prefault(true),
	/** Channels that patterns make, at most; each costs an encoder. */
	maxStreams: wholeNumber(1, 10_000).prefault(16),
	/** What becomes of a second publisher of a stream. */
	second: oneOf(["refuse", "replace"]).prefault("refuse"),
	/** From a connection's beginning to the start of the publication. */
	setupTimeoutMs: durationMs(500, 120_000).prefault(10_000),
	/** Without an access unit. */
	idleTimeoutMs: durationMs(500, 600_000).prefault(10_000),
	/** How long viewers wait for a publisher that has left. */
	returnWithinMs: durationMs(0, 600_000).prefault(10_000),
});
