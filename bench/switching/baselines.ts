/** The client-driven contenders, each made from nothing, so that a worker can make it. Named as in the results. */
import { BufferRule } from "./client-bba.ts";
import { ThroughputRule } from "./client-hls.ts";
import { lasContender } from "./client-las.ts";
import { PredictiveRule } from "./client-mpc.ts";
import { segmentContender } from "./client-session.ts";
import type { Contender } from "./model.ts";

export const las = (): Contender => lasContender("las");
export const hls = (): Contender => segmentContender("hls", () => new ThroughputRule());
export const bba = (): Contender => segmentContender("bba", () => new BufferRule());
export const mpc = (): Contender => segmentContender("mpc", () => new PredictiveRule());
