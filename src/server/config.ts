/**
 * The configuration: one YAML file, and the environment over it, as typed values. Everything that is wrong is told at
 * once, each with its place: `penstock.yaml:7:12: channels.cam1.unitMs is 20 but must be …`.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import type { StreamPattern } from "../access/pattern.ts";
import type { Secret } from "../access/secret.ts";
import { type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import type { BitsPerSecond, Bytes, Milliseconds } from "../base/units.ts";
import type { NatsSettings } from "../cluster/nats-link.ts";
import type { FfmpegTools, LadderConfig } from "../ladder/ladder-config.ts";
import type { AdaptiveSettings } from "../switching/adaptive.ts";
import type { FixedSettings } from "../switching/fixed.ts";
import type { ServerLoadSettings } from "../switching/server-load.ts";
import type { ThresholdSettings } from "../switching/threshold.ts";
import type { TourSettings } from "../switching/tour.ts";
import type { AccessConfig } from "./config-access.ts";
import type { ApiLoginConfig } from "./config-api.ts";
import { buildConfig } from "./config-build.ts";
import type { DistributionConfig } from "./config-distribution.ts";
import { type Environment, overlayEnvironment } from "./config-environment.ts";
import type { PublishConfig } from "./config-publish.ts";
import { configSchema } from "./config-schema.ts";
import { type Position, readConfigSource } from "./config-source.ts";
import type { ListenAddress } from "./listen-address.ts";
import { type Problem, problemsOf } from "./problem.ts";

export interface HttpConfig {
	/** One at least; a listener each, which serve the same. */
	readonly listen: readonly ListenAddress[];
	readonly maxHeaderBytes: Bytes;
	readonly headersTimeout: Milliseconds;
	readonly maxConnections: number;
	/** "*" for everybody. */
	readonly corsOrigins: readonly string[];
}

export interface ApiConfig {
	readonly listen: ListenAddress;
	/** Lower case; names beside the listen address that a request's Host header may carry. */
	readonly allowedHosts: readonly string[];
	/** Whether a viewer who asks for an unknown channel is told which there are. */
	readonly listChannelsTo404: boolean;
	/** Undefined: whoever reaches it may ask. */
	readonly login: ApiLoginConfig | undefined;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal";

export interface LogConfig {
	readonly level: LogLevel;
	/** Absent: pretty on a terminal, else JSON. */
	readonly format?: "pretty" | "json";
}

export interface DeliveryConfig {
	readonly maxViewers: number;
	readonly maxLag: Milliseconds;
	readonly stallTimeout: Milliseconds;
	/** For a channel on demand to have its first unit. */
	readonly startTimeout: Milliseconds;
	readonly drain: Milliseconds;
}

export type PolicyConfig =
	| { readonly kind: "adaptive"; readonly settings: Partial<AdaptiveSettings> }
	| { readonly kind: "threshold"; readonly settings: ThresholdSettings }
	| { readonly kind: "fixed"; readonly settings: FixedSettings }
	| { readonly kind: "tour"; readonly settings: TourSettings }
	| {
			readonly kind: "module";
			/** Absolute. */
			readonly path: string;
			/** As they stand in the file: the module judges them. */
			readonly settings: Readonly<Record<string, unknown>>;
	  };

/** What the server may be asked for (the design's fourth parameter). */
export interface ServerConfig {
	/** Undefined: whatever its figures are, nothing follows. */
	readonly load: ServerLoadSettings | undefined;
	/** The most that its network takes; undefined where nobody knows. */
	readonly egressLimit: BitsPerSecond | undefined;
}

/** All of a channel but its name. */
export interface ChannelPlan {
	readonly ring: Milliseconds;
	/** Absent: always on. */
	readonly onDemand?: {
		/** From the last viewer's leaving to the encoder's end. */
		readonly idle: Milliseconds;
	};
	readonly ladder: LadderConfig;
	/** Absent: nothing is pulled. Else what is pulled stands in the place of a publisher. */
	readonly pull?: PullConfig;
}

export interface ChannelConfig extends ChannelPlan {
	readonly app: Name;
	readonly stream: Name;
	/** `app/stream` */
	readonly label: string;
	/** Of the pattern that it was made of; absent where it stands in the configuration itself. */
	readonly pattern?: string;
}

/** What becomes a channel of each stream that the pattern has, and that somebody publishes. */
export interface ChannelTemplate extends ChannelPlan {
	/** As it stands under `channels`. */
	readonly key: string;
	/** `live/*` */
	readonly label: string;
	readonly pattern: StreamPattern;
}

/** A stream of another RTSP server's, by this server's own client. */
export interface PullConfig {
	/** With user and password, where it has such. */
	readonly url: Secret;
	readonly transport: "udp-first" | "udp" | "interleaved";
}

export interface ReportsConfig {
	/** Whether this server is a network server, and a status server. */
	readonly network: boolean;
	readonly status: boolean;
	/** A report that was on its way for longer is not applied. */
	readonly maxAge: Milliseconds;
	/** Reports a second that one address may send. */
	readonly addressRate: number;
	/** Absent: reports come to this server alone. */
	readonly nats?: NatsSettings;
}

export interface Config {
	readonly http: HttpConfig;
	readonly api: ApiConfig;
	readonly log: LogConfig;
	readonly tools: FfmpegTools;
	readonly delivery: DeliveryConfig;
	readonly policy: PolicyConfig;
	readonly server: ServerConfig;
	readonly reports: ReportsConfig;
	/** Undefined: no packets are distributed. */
	readonly distribution: DistributionConfig | undefined;
	/** Undefined: nobody is let in to publish. */
	readonly publish: PublishConfig | undefined;
	/** Undefined: everybody watches. */
	readonly access: AccessConfig | undefined;
	readonly channels: readonly ChannelConfig[];
	/** The first that has a stream takes it, unless a channel has its name. */
	readonly templates: readonly ChannelTemplate[];
}

const MAX_FILE_BYTES = 1024 * 1024;
const MOST_TOLD = 10;

/** @throws PenstockError CONFIG_FILE, CONFIG_SYNTAX, CONFIG_KEY, CONFIG_VALUE */
export async function loadConfig(file: string, environment: Environment): Promise<Config> {
	const text = await readConfigFile(file);
	return parseConfig(text, { file, environment });
}

export interface ConfigOrigin {
	/** For messages; relative paths inside are relative to its folder. */
	readonly file: string;
	readonly environment: Environment;
}

/** @throws PenstockError CONFIG_SYNTAX, CONFIG_KEY, CONFIG_VALUE: of the first problem; the message has up to ten */
export function parseConfig(text: string, { file, environment }: ConfigOrigin): Config {
	const name = basename(file);
	const source = readConfigSource(text);
	const broken = source.problems.map(({ code, position, text }): Told => ({ code, position, text }));
	if (broken.length > 0) throw configError(name, broken);

	const overlay = overlayEnvironment(source.data, environment);
	const placed = ({ code, path, at, text }: Problem): Told => {
		const variable = overlay.variables.get(path.join("."));
		if (variable !== undefined) return { code, text: `${variable}: ${text}` };
		return { code, position: source.positionOf(path, at), text };
	};
	const strangers = overlay.unknown.map((text): Told => ({ code: "CONFIG_KEY", text }));
	const problems = [...problemsOf(configSchema, overlay.data).map(placed), ...strangers];
	if (problems.length > 0) throw configError(name, problems);

	const built = buildConfig(configSchema.parse(overlay.data), dirname(resolve(file)));
	if (built.kind === "refused") throw configError(name, built.problems.map(placed));
	return built.config;
}

async function readConfigFile(file: string): Promise<string> {
	try {
		const { size } = await stat(file);
		if (size > MAX_FILE_BYTES) {
			const detail = `${file} has ${size} bytes, ${MAX_FILE_BYTES} are the most; is it a configuration?`;
			throw new PenstockError("CONFIG_FILE", detail);
		}
		return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(file));
	} catch (thrown) {
		if (thrown instanceof PenstockError) throw thrown;
		throw new PenstockError("CONFIG_FILE", `${file} ${fileReason(thrown)}.`, { cause: thrown });
	}
}

function fileReason(thrown: unknown): string {
	const code = thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
	switch (code) {
		case "ENOENT":
			return 'does not exist; name the configuration with -c, or try "penstock demo", which needs none';
		case "EACCES":
			return "may not be read by this user; look at its permissions";
		case "EISDIR":
			return "is a folder; name a file in it";
		case "ERR_ENCODING_INVALID_ENCODED_DATA":
			return "is not UTF-8 text";
		default:
			return `cannot be read: ${messageOf(thrown)}`;
	}
}

interface Told {
	readonly code: ErrorCode;
	/** Absent where the file is not at fault. */
	readonly position?: Position;
	readonly text: string;
}

/** All in one, in the order of the file; those of the environment come first. */
function configError(name: string, problems: readonly Told[]): PenstockError {
	const ordered = problems.toSorted((a, b) => lineOf(a) - lineOf(b) || columnOf(a) - columnOf(b));
	const texts = ordered.map(({ position, text }) => {
		const place = position === undefined ? "" : `${name}:${position.line}:${position.column}: `;
		return `${place}${text}${/[.?!]$/.test(text) ? "" : "."}`;
	});
	const { code } = ordered[0]!;
	if (texts.length === 1) return new PenstockError(code, texts[0]!);
	const shown = texts.slice(0, MOST_TOLD).map((text) => `\n  ${text}`);
	const left = texts.length - shown.length;
	const rest = left > 0 ? `\n  and ${left} more.` : "";
	return new PenstockError(code, `${name} has ${texts.length} problems:${shown.join("")}${rest}`);
}

const lineOf = ({ position }: Told): number => position?.line ?? 0;
const columnOf = ({ position }: Told): number => position?.column ?? 0;

/** What building a configuration gives. */
export type Built =
	| { readonly kind: "built"; readonly config: Config }
	| { readonly kind: "refused"; readonly problems: readonly Problem[] };
