/**
 * Scenes on a real link: the server with a real ladder, viewers in a namespace of their own, a link that plays a trace.
 * What arrives is given to the simulation's player, so that both count the same things in the same way.
 */
import type { Arrivals } from "../../test/kit/arrivals.ts";
import { type LinkedPenstock, startLinkedPenstock } from "../../test/kit/linked-penstock.ts";
import { type DropFigures, fallAndRise } from "../../test/kit/rate-drop.ts";
import type { RateStep } from "../../test/kit/shaped-link-process.ts";
import type { Ladder, RunResult, World } from "./model.ts";
import { Player } from "./player.ts";

/**
 * The ladder of the scenes as a viewer's connection sees it: 0.5, 1.2 and 2.5 Mbit/s of video, with audio and packaging.
 */
export const REAL_LADDER: Ladder = {
	name: "real",
	rungs: [
		{ name: "low", bitrateBps: 0.75e6 },
		{ name: "mid", bitrateBps: 1.48e6 },
		{ name: "high", bitrateBps: 2.77e6 },
	],
};

/** By their names in the simulation; `adaptive-reported` is a player that reports its network. */
export const REAL_CONTENDERS = [
	"adaptive",
	"adaptive-reported",
	"threshold",
	"fixed-low",
	"fixed-mid",
	"fixed-high",
] as const;
export type RealContender = (typeof REAL_CONTENDERS)[number];

export const REAL_UNIT_MS = 500;
export const REAL_RTT_MS = 40;
const QUEUE_BYTES = 200_000;
const WIDE_BPS = 20e6;
const FRAME_MS = 1000 / 30;
const STEP_MS = 100;
/** What the simulation calls bytes are a stream's own; a link counts those of IP and TCP, too. */
const HEADER_FACTOR = 1500 / 1448;
const CALIBRATION_MS = 3000;

/** The design's own thresholds: what a rendition needs, with room. */
const CLIMBS = REAL_LADDER.rungs
	.slice(1)
	.reverse()
	.map(({ name, bitrateBps }) => ({
		...{ rendition: name, minBandwidthBps: Math.round(1.25 * bitrateBps) },
		...{ minViewerCpuIdle: 0, maxViewerMemoryUsed: 1 },
	}));

/** A server with one policy, and from when to when its media goes. */
export class Stage {
	readonly penstock: LinkedPenstock;
	/** `performance.now()` at which a picture of PTS 0 would have been there to send. */
	#mediaZero: number;

	private constructor(penstock: LinkedPenstock, mediaZero: number) {
		this.penstock = penstock;
		this.#mediaZero = mediaZero;
	}

	static async open(policy: "adaptive" | "threshold", rttMs = REAL_RTT_MS): Promise<Stage> {
		const penstock = await startLinkedPenstock({
			link: { down: { rateBps: WIDE_BPS, queueBytes: QUEUE_BYTES }, rttMs },
			unitMs: REAL_UNIT_MS,
			config: {
				switching: { policy, threshold: { minServerCpuIdle: 0, climbs: policy === "threshold" ? CLIMBS : [] } },
			},
		});
		const arrivals = penstock.read("?rendition=low");
		await arrivals.id;
		await arrivals.watchUntil(performance.now() + CALIBRATION_MS);
		await arrivals.process.stop();
		return new Stage(penstock, fastestOf(arrivals) - rttMs / 2);
	}

	close(): Promise<void> {
		return this.penstock.stop();
	}

	/** One viewer on the world's link, from its join to its end. */
	async run(contender: RealContender, world: World): Promise<RunResult> {
		const { penstock } = this;
		const steps = stepsOf(world);
		await penstock.link.setRate(steps[0]!.rateBps);
		const arrivals = await this.#watch(contender);
		const askedAt = await arrivals.asked;
		await penstock.link.play(steps);
		await new Promise((resolve) => setTimeout(resolve, askedAt + world.endAt - world.joinAt - performance.now()));
		await arrivals.process.stop();
		await penstock.link.setRate(WIDE_BPS);
		const player = new Player(world);
		const toWorld = world.joinAt - askedAt;
		// An encoder that was late when the stage was opened has caught up since.
		this.#mediaZero = Math.min(this.#mediaZero, fastestOf(arrivals) - REAL_RTT_MS / 2);
		for (const { at, pts, bytes, rendition } of arrivals.pictures) {
			const madeAt = pts + this.#mediaZero + toWorld;
			const rung = REAL_LADDER.rungs.findIndex(({ name }) => name === rendition);
			player.receive(Math.max(world.joinAt, at + toWorld), madeAt, madeAt + FRAME_MS, rung, bytes);
		}
		return player.result(contender);
	}

	async #watch(contender: RealContender): Promise<Arrivals> {
		const { penstock } = this;
		const [kind, rendition] = contender.split("-");
		if (kind === "fixed") return penstock.read(`?rendition=${rendition}`);
		if (contender !== "adaptive-reported") return penstock.read();
		const { arrivals, url } = await penstock.pass();
		// Only the network: the machine is shared, and its load says nothing of a terminal's.
		penstock.play(url, ["--network-server", new URL(url).origin]);
		return arrivals;
	}

	/** A drop from 10 to 1 Mbit/s and back, so many times; each with a viewer of its own, who has no past. */
	async drops(count: number, narrowMs: number): Promise<DropFigures[]> {
		const figures: DropFigures[] = [];
		for (let turn = 0; turn < count; turn++) {
			await this.penstock.link.setRate(WIDE_BPS);
			const arrivals = this.penstock.read();
			figures.push(
				await fallAndRise(this.penstock, arrivals, {
					...{ wideBps: 10e6, narrowBps: 1e6, narrowMs, settleMs: 2000, unitMs: REAL_UNIT_MS },
					...{ patienceMs: 25_000, backUnderMs: 500, bufferMs: 1000 },
				}),
			);
			await arrivals.process.stop();
		}
		return figures;
	}

	/** Switches a minute on a link that stays as it is, after the first 10 s. */
	async constant(rateBps: number, durationMs: number): Promise<number> {
		await this.penstock.link.setRate(rateBps);
		const arrivals = this.penstock.read();
		await arrivals.id;
		const from = performance.now() + 10_000;
		await arrivals.watchUntil(from + durationMs);
		await arrivals.process.stop();
		await this.penstock.link.setRate(WIDE_BPS);
		return (arrivals.switches(from, from + durationMs) * 60_000) / durationMs;
	}
}

const fastestOf = ({ pictures }: Arrivals): number =>
	pictures.reduce((least, { at, pts }) => Math.min(least, at - pts), Number.POSITIVE_INFINITY);

/** The world's link as rates of a real one. */
function stepsOf({ link, joinAt, endAt }: World): RateStep[] {
	const steps: RateStep[] = [];
	for (let at = joinAt; at < endAt; at += STEP_MS) {
		const rateBps = Math.max(1000, Math.round(link.bytesPerMs(at) * 8000 * HEADER_FACTOR));
		steps.push({ durationMs: STEP_MS, rateBps });
	}
	return steps;
}
