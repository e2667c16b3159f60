/**
 * What a viewer's terminal can take, and what it wishes for, as the best rendition that is open to it: the network has
 * no say here. Figures count as long as they are fresh; a cap that rests on dropped frames is lifted by time alone.
 */
import { mbit, percent } from "./figure-text.ts";
import type { Because, Figure, RenditionFacts, SwitchingState } from "./state.ts";

export interface Caps {
	/** Index into the renditions that are there: the best that is open. */
	readonly best: number;
	readonly because: Because;
}

/** Older reports say nothing of now. */
const FRESH_MS = 10_000;
const OPEN: Because = { cause: "policy", text: "nothing speaks against the best" };
/** From a switch until the viewer's terminal may be judged by what it does. */
const SETTLE_MS = 1000;
const MOST_DROPPED = 0.05;
const LEAST_BUFFER_MS = 200;
const LEAST_CPU_IDLE = 0.08;
const MOST_MEMORY = 0.95;
/** Behind the receiver's window and not the network for more than half of the time. */
const MOST_RECEIVER_LIMITED = 0.5;

export function capsOf(state: SwitchingState, there: readonly RenditionFacts[]): Caps {
	const { viewer, now, current, network } = state;
	const lowest = there.length - 1;
	const position = there.findIndex(({ name }) => name === current);
	const below = Math.min(lowest, position + 1);
	let caps: Caps = { best: 0, because: OPEN };
	const cap = (best: number, because: Because): void => {
		if (best > caps.best) caps = { best, because };
	};
	const fresh = <Value>(figure: Figure<Value> | undefined): Value | undefined =>
		figure !== undefined && now - figure.at <= FRESH_MS ? figure.value : undefined;

	if (fresh(viewer.hidden) === true) cap(lowest, { cause: "terminal", text: "nobody looks" });
	const useful = fresh(viewer.maxBitrate);
	if (useful !== undefined) {
		const best = there.findIndex(({ bitrate }) => bitrate <= useful);
		cap(best < 0 ? lowest : best, { cause: "wish", text: `the viewer has no use for more than ${mbit(useful)}` });
	}
	const smooth = fresh(viewer.smoothUpTo);
	const smoothIndex = there.findIndex(({ name }) => name === smooth);
	if (smoothIndex > 0)
		cap(smoothIndex, { cause: "terminal", text: `the viewer plays no better than "${smooth}" smoothly` });
	// What was dropped before the last switch says nothing of what is shown now.
	const since = state.history.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
	const dropped = (viewer.droppedShare?.at ?? since) > since + SETTLE_MS ? fresh(viewer.droppedShare) : undefined;
	if (dropped !== undefined && dropped > MOST_DROPPED) {
		cap(below, { cause: "terminal", text: `the viewer drops ${percent(dropped)} of its frames` });
	}
	const { buffer } = viewer;
	if (
		buffer?.source === "reported" &&
		buffer.at > since + SETTLE_MS &&
		buffer.value < LEAST_BUFFER_MS &&
		now - buffer.at < 2 * SETTLE_MS
	) {
		cap(below, { cause: "network", text: `the viewer has ${Math.round(buffer.value)} ms left to show` });
	}
	// Who is busy and drops nothing stays where it is.
	const idle = viewer.cpuIdle?.source === "emulated" ? undefined : fresh(viewer.cpuIdle);
	if (idle !== undefined && idle < LEAST_CPU_IDLE) {
		cap(position, { cause: "terminal", text: `the viewer's CPU is ${percent(idle)} idle` });
	}
	const memory = viewer.memoryUsed?.source === "emulated" ? undefined : fresh(viewer.memoryUsed);
	if (memory !== undefined && memory > MOST_MEMORY) {
		cap(position, { cause: "terminal", text: `the viewer's memory is ${percent(memory)} used` });
	}
	if (network !== undefined && network.receiverLimited > MOST_RECEIVER_LIMITED) {
		cap(below, { cause: "terminal", text: "the viewer does not take what its network would" });
	}
	return caps;
}
