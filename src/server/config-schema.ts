/**
 * The shape of a configuration file: sections, keys, ranges, defaults. Unknown keys are refused everywhere.
 * What takes more than one key to judge is in `config-build.ts`.
 */
import * as z from "zod";
import { ADAPTIVE_DEFAULTS } from "../switching/adaptive.ts";
import { type CapabilityBounds, SERVER_LOAD_DEFAULTS } from "../switching/server-load.ts";
import { access, secret } from "./config-schema-access.ts";
import { distribution } from "./config-schema-distribution.ts";
import { publish } from "./config-schema-publish.ts";
import {
	bitrateBps,
	corsOrigin,
	durationMs,
	evenNumber,
	factor,
	flag,
	frameRate,
	listenAddress,
	listenAddresses,
	natsUrl,
	oneOf,
	sampleRate,
	share,
	text,
	wholeNumber,
} from "./config-values.ts";

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
const PRESETS = ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] as const;

const http = z.strictObject({
	/** An address, or a list of them. */
	listen: listenAddresses("0.0.0.0").prefault("0.0.0.0:8080"),
	maxHeaderBytes: wholeNumber(1024, 65_536).prefault(8192),
	headersTimeoutMs: durationMs(100, 120_000).prefault(10_000),
	maxConnections: wholeNumber(1, 1_000_000).prefault(10_000),
	corsOrigins: z.array(corsOrigin()).max(100).prefault(["*"]),
});

const api = z.strictObject({
	listen: listenAddress("127.0.0.1").prefault("127.0.0.1:9998"),
	/** Names, besides the listen address, under which the API may be asked. */
	allowedHosts: z.array(text("a host name")).max(100).prefault([]),
	listChannelsTo404: flag().prefault(true),
	/** Whether whoever asks must show the token; `auto`: unless it listens on the loopback, where there is no token. */
	login: oneOf(["auto", "always", "never"]).prefault("auto"),
	/** Absent: one that Penstock makes at its first start. */
	token: secret.optional(),
});

const log = z.strictObject({
	level: oneOf(LOG_LEVELS).prefault("info"),
	/** Absent: `pretty` on a terminal, else `json`. */
	format: oneOf(["pretty", "json"]).optional(),
});

const ffmpeg = z.strictObject({
	path: text("a path or a name to be found on PATH").prefault("ffmpeg"),
	probePath: text("a path or a name to be found on PATH").prefault("ffprobe"),
	startTimeoutMs: durationMs(1000, 120_000).prefault(15_000),
	hangMs: durationMs(500, 60_000).prefault(3000),
});

const delivery = z.strictObject({
	maxViewers: wholeNumber(1, 1_000_000).prefault(1000),
	maxLagMs: durationMs(500, 60_000).prefault(4000),
	stallTimeoutMs: durationMs(1000, 120_000).prefault(15_000),
	startTimeoutMs: durationMs(500, 120_000).prefault(10_000),
	drainMs: durationMs(0, 600_000).prefault(10_000),
});

/** @param defaults where a bound is not given */
const bounds = (defaults: CapabilityBounds) =>
	z
		.strictObject({
			minCpuIdle: share().prefault(defaults.minCpuIdle),
			maxMemoryUsed: share().prefault(defaults.maxMemoryUsed),
			maxEventLoopDelayMs: durationMs(1, 10_000).prefault(defaults.maxEventLoopDelay),
			maxEgressShare: share().prefault(defaults.maxEgressShare),
			minEncoderSpeed: share().prefault(defaults.minEncoderSpeed),
		})
		.prefault({});

const server = z.strictObject({
	/** The most that an overloaded server asks of its viewers. */
	underDuress: oneOf(["shed", "freeze", "ignore"]).prefault(SERVER_LOAD_DEFAULTS.most),
	/** Absent: nobody knows what its network takes. */
	maxEgressBps: bitrateBps(1_000_000, 1e13).optional(),
	limits: bounds(SERVER_LOAD_DEFAULTS.limits),
	recovery: bounds(SERVER_LOAD_DEFAULTS.recovery),
	shedCpuIdle: share().prefault(SERVER_LOAD_DEFAULTS.shedCpuIdle),
	shedCpuIdleAfterMs: durationMs(0, 600_000).prefault(SERVER_LOAD_DEFAULTS.shedCpuIdleAfter),
	shedAfterMs: durationMs(0, 600_000).prefault(SERVER_LOAD_DEFAULTS.shedAfter),
	recoverAfterMs: durationMs(0, 600_000).prefault(SERVER_LOAD_DEFAULTS.recoverAfter),
	minStayMs: durationMs(0, 600_000).prefault(SERVER_LOAD_DEFAULTS.minStay),
});

const climb = z.strictObject({
	rendition: text("the name of a rendition"),
	minBandwidthBps: bitrateBps(0, 1e11),
	minViewerCpuIdle: share(),
	maxViewerMemoryUsed: share(),
});

const switching = z.strictObject({
	policy: oneOf(["adaptive", "threshold", "fixed", "tour", "module"]).prefault("adaptive"),
	adaptive: z
		.strictObject({
			stallWeight: factor(0.5, 50).prefault(ADAPTIVE_DEFAULTS.stallWeight),
			climbMargin: factor(1, 3).prefault(ADAPTIVE_DEFAULTS.climbMargin),
			dwellMs: durationMs(0, 60_000).prefault(ADAPTIVE_DEFAULTS.dwell),
			longestBanMs: durationMs(0, 600_000).prefault(ADAPTIVE_DEFAULTS.longestBan),
			bufferMs: durationMs(100, 60_000).prefault(ADAPTIVE_DEFAULTS.buffer),
		})
		.prefault({}),
	threshold: z
		.strictObject({
			minServerCpuIdle: share().prefault(0.3),
			climbs: z.array(climb).max(32).prefault([]),
		})
		.prefault({}),
	fixed: z.strictObject({ rendition: text("the name of a rendition") }).optional(),
	tour: z.strictObject({ stayMs: durationMs(250, 3_600_000).prefault(5000) }).prefault({}),
	/** A policy of one's own; its settings are for it to judge. */
	module: z
		.strictObject({ path: text("the path of a module"), settings: z.record(z.string(), z.unknown()).prefault({}) })
		.optional(),
});

const reports = z.strictObject({
	/** Whether this server takes reports of viewers' networks, and of their terminals. */
	network: flag().prefault(true),
	status: flag().prefault(true),
	maxAgeMs: durationMs(1000, 600_000).prefault(10_000),
	addressRate: wholeNumber(1, 1_000_000).prefault(200),
	/** Absent: nobody else's reports are wanted. */
	nats: z
		.strictObject({
			url: natsUrl(),
			token: text("a token").optional(),
			credentialsFile: text("the path of a file").optional(),
			caFile: text("the path of a file").optional(),
		})
		.optional(),
});

const VIDEO_CODECS = ["h264", "hevc", "av1"] as const;
const AUDIO_CODECS = ["aac", "opus"] as const;

const size = () => evenNumber(16, 8192);

const testSource = z.strictObject({
	test: z.strictObject({
		width: size().optional(),
		height: size().optional(),
		frameRate: frameRate().optional(),
	}),
});
const fileSource = z.strictObject({ file: text("the path of a file"), loop: flag().prefault(true) });
const urlSource = z.strictObject({ url: text("a URL") });
const pullSource = z.strictObject({
	pull: text("a URL"),
	/** `auto`: UDP, and the connection where the server has none. */
	transport: oneOf(["auto", "udp", "tcp"]).prefault("auto"),
});
const ruleSource = z.strictObject({ rule: text("the name of a rule"), sdp: text("the path of a file").optional() });

/** RTP by UDP. */
const describedInput = z.strictObject({
	sdp: text("the path of a file"),
	/** Of this machine: where groups are joined. */
	localAddress: text("an IP address").optional(),
});

/** Either what is encoded; or `name` and `copy`; or `name` and `from`, and with `from: publish` perhaps `stream`. */
const rendition = z.strictObject({
	name: text("a name"),
	width: size().optional(),
	height: size().optional(),
	bitrateBps: bitrateBps(10_000, 1e9).optional(),
	preset: oneOf(PRESETS).optional(),
	copy: flag().optional(),
	/** It comes ready-made: "publish", a URL, or RTP as a session description says. */
	from: z.union([z.string(), describedInput]).optional(),
	/** Which stream it is that somebody publishes. Absent: the channel's name, "_" and its own. */
	stream: text("a name").optional(),
});

export const DEFAULT_RENDITIONS = [
	{ name: "high", width: 1280, height: 720, bitrateBps: 2_500_000 },
	{ name: "mid", width: 848, height: 480, bitrateBps: 1_200_000 },
	{ name: "low", width: 480, height: 270, bitrateBps: 500_000 },
	// Most stalls are those of the lowest: it is cheap to have one that nearly every network takes.
	{ name: "lowest", width: 256, height: 144, bitrateBps: 200_000 },
];

const channel = z.strictObject({
	/** Absent: `live`, or that of the key where it is a pattern with both parts. */
	app: text("a name").optional(),
	/** Absent where each rendition comes from an input of its own. */
	source: z.union([z.string(), testSource, fileSource, urlSource, pullSource, ruleSource]).optional(),
	unitMs: durationMs(250, 10_000).prefault(1000),
	/** Absent: 8 s, or three units where that is more. */
	ringMs: durationMs(500, 120_000).optional(),
	onDemand: flag().prefault(false),
	idleMs: durationMs(0, 3_600_000).prefault(10_000),
	/** Left out, or "none": the programme is audio alone. */
	video: oneOf(["none"]).optional(),
	/** Of all encoded renditions, and of a source that is copied. Absent: H.264. */
	codec: oneOf(VIDEO_CODECS).optional(),
	audio: z
		.union([
			z.literal("none"),
			z.strictObject({
				codec: oneOf(AUDIO_CODECS).optional(),
				bitrateBps: bitrateBps(8000, 512_000).optional(),
				sampleRateHz: sampleRate().optional(),
				/** The rendition whose sound it is, where they come ready-made. */
				from: text("the name of a rendition").optional(),
			}),
		])
		.prefault({}),
	frameRate: frameRate().optional(),
	/** From the best to the lowest. Absent: four of them, or none with `video: none`. */
	renditions: z.array(rendition).min(1).max(16).optional(),
});

export const configSchema = z.strictObject({
	http: http.prefault({}),
	api: api.prefault({}),
	log: log.prefault({}),
	ffmpeg: ffmpeg.prefault({}),
	delivery: delivery.prefault({}),
	server: server.prefault({}),
	switching: switching.prefault({}),
	reports: reports.prefault({}),
	/** Absent: no packets are distributed. */
	distribution: distribution.optional(),
	/** Absent: nobody publishes. */
	publish: publish.optional(),
	/** Absent: everybody plays, and who has the key of the first start publishes. */
	access: access.optional(),
	channels: z.record(z.string(), channel),
});

/** A configuration whose every single value is right. */
export type ConfigShape = z.output<typeof configSchema>;
export type ChannelShape = ConfigShape["channels"][string];
export type RenditionShape = NonNullable<ChannelShape["renditions"]>[number];
