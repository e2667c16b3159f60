/**
 * Mutated RTP by hand: `npm run fuzz:rtp -- [--inputs N] [--feed h264|hevc|aac|latm|opus|mp2t|ps] [--seed S] [--from I]`.
 * A million inputs each where nothing else is said. Exit code 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { fuzzFeed } from "./depacketizers.ts";
import { FEEDS, makeFeed } from "./depacketizers-corpus.ts";

const { values } = parseArgs({
	options: {
		inputs: { type: "string", default: "1000000" },
		feed: { type: "string", multiple: true, default: [...FEEDS] },
		seed: { type: "string", default: "1" },
		from: { type: "string", default: "0" },
	},
});
// A fault's stack costs more than all the rest of it.
if (values.inputs !== "1") Error.stackTraceLimit = 0;
let failed = false;
for (const name of FEEDS.filter((known) => values.feed.includes(known))) {
	const start = performance.now();
	const report = fuzzFeed(await makeFeed(name), Number(values.seed), Number(values.from), Number(values.inputs));
	const { inputs, datagrams, accessUnits, faults, findings } = report;
	const seconds = ((performance.now() - start) / 1000).toFixed(1);
	console.log(
		`${name}: ${inputs} inputs of ${(datagrams / inputs).toFixed(1)} datagrams on average in ${seconds} s, ` +
			`${accessUnits} access units, ${faults} faults; ${findings.length} findings`,
	);
	for (const finding of findings) console.log(finding);
	failed ||= findings.length > 0;
}
process.exit(failed ? 1 : 0);
