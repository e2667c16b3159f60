/**
 * The policy `threshold`: the design's own example (S6), with its figures as settings.
 *
 * A rendition is open to a viewer whose three figures pass its thresholds; the lowest is open to all. A viewer goes
 * up to the best rendition that is open to it, but only while the server's CPU is more than `minServerCpuIdle` idle;
 * it goes down as soon as a figure that is known fails the thresholds of the rendition it has, whatever the server's
 * load. A figure that is not known never moves anyone.
 */
import type { Name } from "../base/name.ts";
import { type BitsPerSecond, bitsPerSecond } from "../base/units.ts";
import { mbit, percent } from "./figure-text.ts";
import {
	type Because,
	type Decision,
	goTo,
	hold,
	type Policy,
	type RenditionFacts,
	type SwitchingState,
	type ViewerFigures,
} from "./state.ts";

export interface RenditionThreshold {
	readonly rendition: Name;
	readonly minBandwidth: BitsPerSecond;
	/** The viewer's CPU must be idle by more than this share, 0 to 1. */
	readonly minViewerCpuIdle: number;
	/** The viewer's memory must be used by less than this share, 0 to 1. */
	readonly maxViewerMemoryUsed: number;
}

export interface ThresholdSettings {
	/** Upward switches are considered only while the server's CPU is idle by more than this share, 0 to 1; 0: always. */
	readonly minServerCpuIdle: number;
	/** Renditions that are not named here get the design's thresholds, with the bandwidth scaled to their bit rate. */
	readonly renditions: readonly RenditionThreshold[];
}

/** The design's figures: 10 Mbit/s for its rendition of 8 Mbit/s, CPU 90 % idle, memory 50 % used, server 30 % idle. */
export const DESIGN_THRESHOLDS = {
	bandwidthFactor: 10 / 8,
	minViewerCpuIdle: 0.9,
	maxViewerMemoryUsed: 0.5,
	minServerCpuIdle: 0.3,
} as const;

export function thresholdPolicy(settings: ThresholdSettings): Policy {
	const thresholdOf = (rendition: RenditionFacts): RenditionThreshold =>
		settings.renditions.find((threshold) => threshold.rendition === rendition.name) ?? designThreshold(rendition);
	const judgeOf = (rendition: RenditionFacts, state: SwitchingState): Verdict =>
		judge(thresholdOf(rendition), state.viewer);
	return {
		name: "threshold",
		decide(state) {
			const there = state.renditions.filter(({ available }) => available);
			const lowest = there.at(-1);
			if (lowest === undefined) return hold("unavailable", "no rendition has a unit");
			const open = there.find((one) => one === lowest || judgeOf(one, state).kind === "passed")!;
			const position = there.findIndex(({ name }) => name === state.current);
			const current = there[position];
			if (current === undefined) return goTo(state, open.name, "unavailable", `"${state.current}" is not there now`);

			const verdict = judgeOf(current, state);
			if (current !== lowest && verdict.kind === "failed") {
				return goTo(state, open.name, verdict.because.cause, verdict.because.text);
			}
			if (there.indexOf(open) < position) return climb(state, open, judgeOf(open, state), settings);
			const better = there[position - 1];
			if (better === undefined) return hold("policy", `"${state.current}" is the best`);
			const { cause, text } = judgeOf(better, state).because;
			return hold(cause, text);
		},
	};
}

/** Up to `to`, if the server has the capability (the fourth parameter). */
function climb(state: SwitchingState, to: RenditionFacts, verdict: Verdict, settings: ThresholdSettings): Decision {
	const { cpuIdle } = state.server;
	if (settings.minServerCpuIdle === 0 || (cpuIdle !== undefined && cpuIdle > settings.minServerCpuIdle)) {
		return goTo(state, to.name, verdict.because.cause, verdict.because.text);
	}
	const idle = cpuIdle === undefined ? "not known" : `${percent(cpuIdle)} idle`;
	return hold("server", `the server's CPU is ${idle}; a climb needs more than ${percent(settings.minServerCpuIdle)}`);
}

/** The design's example, scaled to a rendition's bit rate. */
function designThreshold(rendition: RenditionFacts): RenditionThreshold {
	return {
		rendition: rendition.name,
		minBandwidth: bitsPerSecond(rendition.bitrate * DESIGN_THRESHOLDS.bandwidthFactor),
		minViewerCpuIdle: DESIGN_THRESHOLDS.minViewerCpuIdle,
		maxViewerMemoryUsed: DESIGN_THRESHOLDS.maxViewerMemoryUsed,
	};
}

interface Verdict {
	readonly kind: "passed" | "failed" | "unknown";
	readonly because: Because;
}

/** Whether the viewer's figures open a rendition to it: one failed figure closes it, one unknown leaves it undecided. */
function judge(threshold: RenditionThreshold, figures: ViewerFigures): Verdict {
	const { bandwidth, cpuIdle, memoryUsed } = figures;
	const verdict = (kind: Verdict["kind"], cause: Because["cause"], text: string): Verdict => ({
		kind,
		because: { cause, text: `"${threshold.rendition}": ${text}` },
	});
	if (bandwidth !== undefined && bandwidth.value < threshold.minBandwidth) {
		return verdict("failed", "network", `bandwidth ${mbit(bandwidth.value)} < ${mbit(threshold.minBandwidth)}`);
	}
	if (cpuIdle !== undefined && cpuIdle.value <= threshold.minViewerCpuIdle) {
		const text = `viewer's CPU ${percent(cpuIdle.value)} idle ≤ ${percent(threshold.minViewerCpuIdle)}`;
		return verdict("failed", "terminal", text);
	}
	if (memoryUsed !== undefined && memoryUsed.value >= threshold.maxViewerMemoryUsed) {
		const text = `viewer's memory ${percent(memoryUsed.value)} used ≥ ${percent(threshold.maxViewerMemoryUsed)}`;
		return verdict("failed", "terminal", text);
	}
	if (bandwidth === undefined || cpuIdle === undefined || memoryUsed === undefined) {
		const missing = [
			bandwidth === undefined ? "bandwidth" : "",
			cpuIdle === undefined ? "CPU" : "",
			memoryUsed === undefined ? "memory" : "",
		];
		return verdict("unknown", "unknown", `viewer's ${missing.filter(Boolean).join(", ")} not known`);
	}
	const text = `${mbit(bandwidth.value)}, CPU ${percent(cpuIdle.value)} idle, memory ${percent(memoryUsed.value)} used`;
	return verdict("passed", "network", text);
}
