/** The shape of the section `publish`: keys, ranges, defaults. */
import * as z from "zod";
import { durationMs, flag, listenAddress, oneOf, text, wholeNumber } from "./config-values.ts";

const rtmp = z.strictObject({
	enabled: flag().prefault(true),
	listen: listenAddress("0.0.0.0").prefault("0.0.0.0:1935"),
	maxConnections: wholeNumber(1, 100_000).prefault(1000),
	/** Of each listener, with TLS and without. */
	maxConnectionsPerAddress: wholeNumber(1, 100_000).prefault(100),
	/** Absent: there is no RTMPS. */
	tls: z
		.strictObject({
			listen: listenAddress("0.0.0.0").prefault("0.0.0.0:1936"),
			certFile: text("the path of a file"),
			keyFile: text("the path of a file"),
		})
		.optional(),
});

export const publish = z.strictObject({
	rtmp: rtmp.prefault({}),
	/** Whether the listeners for viewers take streams by PUT and POST. */
	http: flag().prefault(true),
	/** What becomes of a second publisher of a stream. */
	second: oneOf(["refuse", "replace"]).prefault("refuse"),
	/** From a connection's beginning to the start of the publication. */
	setupTimeoutMs: durationMs(500, 120_000).prefault(10_000),
	/** Without an access unit. */
	idleTimeoutMs: durationMs(500, 600_000).prefault(10_000),
	/** How long viewers wait for a publisher that has left. */
	returnWithinMs: durationMs(0, 600_000).prefault(10_000),
});
