/**
 * The server-driven contenders, with the real policies. Each is made from plain settings, so that a worker can make it.
 */

import { parseName } from "../../src/base/name.ts";
import { type AdaptiveSettings, adaptivePolicy } from "../../src/switching/adaptive.ts";
import { fixedPolicy } from "../../src/switching/fixed.ts";
import { DESIGN_THRESHOLDS, thresholdPolicy } from "../../src/switching/threshold.ts";
import type { Contender, World } from "./model.ts";
import type { Floor } from "./oracle.ts";
import { PushRun } from "./push-run.ts";

export interface FixedChoice {
	readonly rung: "low" | "mid" | "high";
}

const fixedRun = (world: World, rung: number): PushRun => {
	const rendition = parseName(world.setting.ladder.rungs[rung]!.name, "rung");
	return new PushRun(world, { policy: fixedPolicy({ rendition }), blind: true }).run();
};

/** The lowest rung alone, with what the oracle needs of it. */
export function floorOf(world: World): Floor {
	const { player } = fixedRun(world, 0);
	return { result: player.result("fixed-low"), unitPlayedAt: player.unitPlayedAt };
}

export function fixed({ rung }: FixedChoice): Contender {
	const name = `fixed-${rung}`;
	const indexOf = (count: number): number => ({ low: 0, mid: count >> 1, high: count - 1 })[rung];
	return { name, run: (world) => fixedRun(world, indexOf(world.setting.ladder.rungs.length)).player.result(name) };
}

/** The design's own example, given the server's estimate of the bandwidth as if the viewer had reported it. */
export function threshold(): Contender {
	const policy = thresholdPolicy({ minServerCpuIdle: DESIGN_THRESHOLDS.minServerCpuIdle, renditions: [] });
	return {
		name: policy.name,
		run: (world) => new PushRun(world, { policy, figures: true }).run().player.result(policy.name),
	};
}

export function adaptive(settings: Partial<AdaptiveSettings> = {}): Contender {
	return {
		name: "adaptive",
		run: (world) => new PushRun(world, { policy: adaptivePolicy(settings) }).run().player.result("adaptive"),
	};
}
