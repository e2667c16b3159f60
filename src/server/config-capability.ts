/**
 * The parts of a configuration that say how a rendition is decided on: the policy, and what the server itself may be
 * asked for.
 */
import { resolve } from "node:path";
import { bitsPerSecond, milliseconds } from "../base/units.ts";
import type { CapabilityBounds, ServerLoadSettings } from "../switching/server-load.ts";
import type { ChannelConfig, PolicyConfig, ServerConfig } from "./config.ts";
import type { Findings } from "./config-findings.ts";
import type { ConfigShape } from "./config-schema.ts";
import { shown } from "./problem.ts";

type LabelledLadder = Pick<ChannelConfig, "label" | "ladder">;

interface PolicyInput {
	readonly shape: ConfigShape;
	/** And patterns. */
	readonly channels: readonly LabelledLadder[];
	/** Of the configuration file; relative paths start there. */
	readonly folder: string;
	readonly findings: Findings;
}

export function buildPolicy(input: PolicyInput): PolicyConfig {
	const { shape, folder, findings } = input;
	const { policy, adaptive, tour, module } = shape.switching;
	switch (policy) {
		case "adaptive": {
			const { stallWeight, climbMargin, dwellMs, longestBanMs, bufferMs } = adaptive;
			const times = {
				dwell: milliseconds(dwellMs),
				longestBan: milliseconds(longestBanMs),
				buffer: milliseconds(bufferMs),
			};
			return { kind: "adaptive", settings: { stallWeight, climbMargin, ...times } };
		}
		case "threshold":
			return buildThreshold(input);
		case "fixed":
			return buildFixed(input);
		case "tour":
			return { kind: "tour", settings: { stay: milliseconds(tour.stayMs) } };
		case "module": {
			const path = ["switching", "module", "path"];
			if (module === undefined) findings.wrong(path, undefined, "the path of a module, as text");
			return { kind: "module", path: resolve(folder, module?.path ?? ""), settings: module?.settings ?? {} };
		}
	}
}

function buildThreshold({ shape, channels, findings }: PolicyInput): PolicyConfig {
	const { minServerCpuIdle, climbs } = shape.switching.threshold;
	const renditions = climbs.map((climb, index) => {
		const path = ["switching", "threshold", "climbs", index, "rendition"];
		const rendition = findings.name(path, climb.rendition, "the rendition");
		const withVideo = channels.filter(({ ladder }) => ladder.renditions.length > 0);
		if (withVideo.length > 0 && lacking(rendition, channels).length === withVideo.length) {
			findings.value(path, `is ${shown(rendition)}, which no channel has`);
		}
		const { minViewerCpuIdle, maxViewerMemoryUsed } = climb;
		return { rendition, minBandwidth: bitsPerSecond(climb.minBandwidthBps), minViewerCpuIdle, maxViewerMemoryUsed };
	});
	return { kind: "threshold", settings: { minServerCpuIdle, renditions } };
}

function buildFixed({ shape, channels, findings }: PolicyInput): PolicyConfig {
	const { fixed } = shape.switching;
	const path = ["switching", "fixed", "rendition"];
	if (fixed === undefined) findings.wrong(path, undefined, "the name of the rendition that everybody gets");
	const rendition = findings.name(path, fixed?.rendition ?? "unnamed", "the rendition");
	const without = fixed === undefined ? [] : lacking(rendition, channels);
	if (without.length > 0) {
		findings.value(path, `is ${shown(rendition)}, which channel ${without[0]!.label} does not have`);
	}
	return { kind: "fixed", settings: { rendition } };
}

/** A channel of audio alone has one rendition, which everybody gets under any policy. */
const lacking = (rendition: string, channels: readonly LabelledLadder[]): LabelledLadder[] =>
	channels.filter(
		({ ladder: { renditions } }) => renditions.length > 0 && !renditions.some(({ name }) => name === rendition),
	);

type BoundsShape = ConfigShape["server"]["limits"];

export function buildServer({ server }: ConfigShape, findings: Findings): ServerConfig {
	const { underDuress, maxEgressBps, limits, recovery, shedCpuIdle } = server;
	refuseLaxRecovery(limits, recovery, findings);
	if (shedCpuIdle > limits.minCpuIdle) {
		const allowed = `at most server.limits.minCpuIdle, which is ${limits.minCpuIdle}`;
		findings.wrong(["server", "shedCpuIdle"], shedCpuIdle, allowed);
	}
	const settings = (most: ServerLoadSettings["most"]): ServerLoadSettings => ({
		most,
		limits: boundsOf(limits),
		recovery: boundsOf(recovery),
		shedCpuIdle,
		shedCpuIdleAfter: milliseconds(server.shedCpuIdleAfterMs),
		shedAfter: milliseconds(server.shedAfterMs),
		recoverAfter: milliseconds(server.recoverAfterMs),
		minStay: milliseconds(server.minStayMs),
	});
	return {
		load: underDuress === "ignore" ? undefined : settings(underDuress),
		egressLimit: maxEgressBps === undefined ? undefined : bitsPerSecond(maxEgressBps),
	};
}

/** With a recovery that is easier than its limit, the server would recover while it is still overloaded. */
function refuseLaxRecovery(limits: BoundsShape, recovery: BoundsShape, findings: Findings): void {
	for (const key of Object.keys(limits) as (keyof BoundsShape)[]) {
		const isLeast = key.startsWith("min");
		if (isLeast ? recovery[key] >= limits[key] : recovery[key] <= limits[key]) continue;
		const allowed = `at ${isLeast ? "least" : "most"} server.limits.${key}, which is ${limits[key]}`;
		findings.wrong(["server", "recovery", key], recovery[key], allowed);
	}
}

const boundsOf = ({ maxEventLoopDelayMs, ...rest }: BoundsShape): CapabilityBounds => ({
	...rest,
	maxEventLoopDelay: milliseconds(maxEventLoopDelayMs),
});
