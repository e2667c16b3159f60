/**
 * What could have been had by who knew the link in advance: a dynamic programme over (unit, lag in 10 ms, rung). A
 * rung for each unit, so that each is complete at the viewer before the lowest rung alone would have *finished playing*
 * it; the most bits, less a little for each switch. Units that the lowest rung alone had to skip are skipped here, too.
 * Near an upper bound: deadlines are at the ends of units only, the connection has no window and no start-up, and
 * who stalls more than the lowest rung may exceed it.
 */
import { FRAME_MS } from "./media.ts";
import { qualities, type RunResult, type World } from "./model.ts";

/** In units of the best rung's mean bits of a unit. */
const SWITCH_COST = 0.02;
const BUCKET_MS = 10;
const NONE = -1;

/** The lowest rung alone: its result, and when it had played each unit (Infinity: never). */
export interface Floor {
	readonly result: RunResult;
	readonly unitPlayedAt: Float64Array;
}

/** States after one unit: bucket × rung. */
interface Layer {
	readonly unit: number;
	/** Where the link's service is when the unit is through; the lag, exactly. */
	readonly served: Float64Array;
	readonly score: Float64Array;
	/** Index of the state before; NONE: nobody comes here. */
	readonly from: Int32Array;
}

export function oracleResult(world: World, floor: Floor): RunResult {
	return resultOf(world, floor, bestPath(world, floor));
}

/** The rung of each unit; -1 for those that the lowest rung skips. */
export function bestPath(world: World, floor: Floor): Int8Array {
	const { media } = world;
	const layers: Layer[] = [];
	for (let unit = 0; unit < media.unitCount; unit++) {
		if (Number.isFinite(floor.unitPlayedAt[unit]!)) layers.push(nextLayer(world, floor, unit, layers.at(-1)));
	}
	const path = new Int8Array(media.unitCount).fill(NONE);
	const last = layers.at(-1);
	if (last === undefined) return path;
	let state = last.score.reduce((best, score, index) => (score > last.score[best]! ? index : best), 0);
	for (const { unit, from } of layers.toReversed()) {
		path[unit] = state % media.ladder.rungs.length;
		state = from[state]!;
	}
	return path;
}

function nextLayer(world: World, floor: Floor, unit: number, before: Layer | undefined): Layer {
	const { link, media } = world;
	const rungs = media.ladder.rungs.length;
	const topBytes = (media.ladder.rungs.at(-1)!.bitrateBps * media.unitMs) / 8000;
	const firstAt = Math.max((unit + 1) * media.unitMs - FRAME_MS, world.joinAt);
	const playedAt = floor.unitPlayedAt[unit]!;
	const deadline = playedAt - link.roundTrip(playedAt) / 2;
	const edges = serviceEdges(world, firstAt, deadline);
	const limit = link.served(deadline);
	const layer = emptyLayer(unit, edges.length * rungs);
	for (let rung = 0; rung < rungs; rung++) {
		const bytes = media.unitBytes(rung, unit);
		const live = servedLive(world, unit, rung);
		for (let state = 0; state < (before?.score.length ?? 1); state++) {
			const past = before?.score[state] ?? 0;
			if (past === Number.NEGATIVE_INFINITY) continue;
			const through = Math.max((before?.served[state] ?? 0) + bytes, live);
			// The lowest is always allowed: it is late only by what the buckets have rounded.
			if (through > limit && rung > 0) continue;
			const isSwitch = before !== undefined && state % rungs !== rung;
			const score = past + bytes / topBytes - (isSwitch ? SWITCH_COST : 0);
			const slot = bucketOf(edges, through) * rungs + rung;
			if (score <= layer.score[slot]!) continue;
			layer.score[slot] = score;
			layer.served[slot] = through;
			layer.from[slot] = before === undefined ? NONE : state;
		}
	}
	return layer;
}

function emptyLayer(unit: number, states: number): Layer {
	return {
		unit,
		served: new Float64Array(states),
		score: new Float64Array(states).fill(Number.NEGATIVE_INFINITY),
		from: new Int32Array(states).fill(NONE),
	};
}

/** The link's service at the lower edge of each bucket of lag. */
function serviceEdges({ link }: World, from: number, to: number): Float64Array {
	const count = Math.max(1, Math.ceil((to - from) / BUCKET_MS) + 1);
	return Float64Array.from({ length: count }, (_, index) => link.served(from + index * BUCKET_MS));
}

/** The last whose edge is not above `served`. */
function bucketOf(edges: Float64Array, served: number): number {
	let low = 0;
	let high = edges.length;
	while (high - low > 1) {
		const middle = (low + high) >> 1;
		if (edges[middle]! <= served) low = middle;
		else high = middle;
	}
	return low;
}

/** Where the link's service is when the unit is through, if nothing waits before it: each frame as it comes. */
function servedLive({ link, media, joinAt }: World, unit: number, rung: number): number {
	const end = (unit + 1) * media.framesPerUnit;
	let served = 0;
	for (let frame = unit * media.framesPerUnit; frame < end; frame++) {
		const at = Math.max(media.frameAt(frame), joinAt);
		served = Math.max(served, link.served(at) + media.bytes(rung, frame, end));
	}
	return served;
}

function resultOf(world: World, floor: Floor, path: Int8Array): RunResult {
	const { media, setting } = world;
	const quality = qualities(setting.ladder);
	const { result } = floor;
	let bytes = 0;
	let qualityMs = 0;
	let change = 0;
	let switches = 0;
	let last = NONE;
	for (const [unit, rung] of path.entries()) {
		if (rung === NONE) continue;
		bytes += media.unitBytes(rung, unit);
		qualityMs += quality[rung]! * media.unitMs;
		if (last !== NONE && last !== rung) {
			switches++;
			change += Math.abs(quality[rung]! - quality[last]!);
		}
		last = rung;
	}
	const shownMs = Math.max(result.durationMs - result.startupMs, 1);
	const meanQuality = qualityMs / shownMs;
	const qualityChangePerS = (1000 * change) / shownMs;
	const { timeline: _, ...rest } = result;
	return {
		...rest,
		contender: "oracle",
		meanBps: (bytes * 8000) / result.durationMs,
		meanQuality,
		qualityChangePerS,
		switches,
		switchesPerMin: (switches * 60_000) / result.durationMs,
		u: result.u - result.meanQuality + meanQuality + 2 * (result.qualityChangePerS - qualityChangePerS),
		deliveredBytes: bytes,
		...(result.timeline && { timeline: { ...result.timeline, playing: shifted(world, floor, path) } }),
	};
}

/** For a plot: the floor's time line with the oracle's rungs. */
function shifted({ media, joinAt }: World, { result, unitPlayedAt }: Floor, path: Int8Array): number[] {
	let unit = 0;
	return result.timeline!.playing.map((rung, point) => {
		const at = joinAt + point * 100;
		while (unit < media.unitCount - 1 && !(unitPlayedAt[unit]! > at && path[unit] !== NONE)) unit++;
		return rung === NONE ? NONE : path[unit]!;
	});
}
