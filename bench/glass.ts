/**
 * Glass to glass: how old a picture is when a browser shows it. Penstock's player, both kinds of renderer, in each
 * packaging, against HLS in hls.js and HTTP-FLV of node-media-server in mpegts.js, all of the same encode and read by the
 * same eye in the same browser; how soon the first picture is there; and what a switch looks like when a link falls.
 * Method: docs/benchmarks.md.
 */
import { comparisons, delayResults, firstFrameResults, playRounds } from "./glass/delays.ts";
import { measureFalls } from "./glass/link-falls.ts";
import { glassOptions } from "./glass/options.ts";
import { measurePath } from "./glass/path.ts";
import { writePlots } from "./glass/plots.ts";
import { startStage } from "./glass/stage.ts";
import { type Result, report } from "./kit/report.ts";

const options = glassOptions();
const stage = await startStage({ withPeers: true });
const turns = await playRounds(stage, options.contenders, options);
await stage.stop();
const delays = delayResults(turns);
const path: Result[] = options.parts.path ? await measurePath(options.times) : [];
const falls = options.parts.link ? await measureFalls(options.falls) : undefined;
report(
	"glass",
	[...delays, ...comparisons(delays), ...firstFrameResults(turns), ...path, ...(falls?.results ?? [])],
	options,
);
if (options.plotsDirectory !== undefined) {
	for (const file of writePlots(options.plotsDirectory, turns, falls)) console.log(file);
}
process.exit(0);
