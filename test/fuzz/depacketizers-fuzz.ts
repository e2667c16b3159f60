/**
 * Mutated RTP by hand: `npm run fuzz:rtp -- [--inputs N] [--feed h264|hevc|aac|latm|opus|mp2t|ps] [--seed S] [--from I]`.
 * A million inputs each where nothing else is said, which takes most of an hour; how far it is stands on the error
 * output. Exit code 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { type DepacketizerReport, fuzzFeed } from "./depacketizers.ts";
import { FEEDS, type Feed, makeFeed } from "./depacketizers-corpus.ts";

const { values } = parseArgs({
	options: {
		inputs: { type: "string", default: "1000000" },
		feed: { type: "string", multiple: true, default: [...FEEDS] },
		seed: { type: "string", default: "1" },
		from: { type: "string", default: "0" },
	},
});
const [seed, from, inputs] = [Number(values.seed), Number(values.from), Number(values.inputs)];
const TOLD_INPUTS = 50_000;

/** Tells how far it is; ends early where enough is found. */
function fuzzAll(feed: Feed): DepacketizerReport {
	let total: DepacketizerReport = { inputs: 0, datagrams: 0, accessUnits: 0, faults: 0, findings: [] };
	while (total.inputs < inputs) {
		const wanted = Math.min(TOLD_INPUTS, inputs - total.inputs);
		const more = fuzzFeed(feed, seed, from + total.inputs, wanted);
		total = {
			inputs: total.inputs + more.inputs,
			datagrams: total.datagrams + more.datagrams,
			accessUnits: total.accessUnits + more.accessUnits,
			faults: total.faults + more.faults,
			findings: [...total.findings, ...more.findings],
		};
		console.error(`${feed.name}: ${total.inputs} of ${inputs} inputs, ${total.findings.length} findings`);
		if (more.inputs < wanted) break;
	}
	return total;
}

// A fault's stack costs more than all the rest of it.
if (inputs !== 1) Error.stackTraceLimit = 0;
let failed = false;
for (const name of FEEDS.filter((known) => values.feed.includes(known))) {
	const start = performance.now();
	const report = fuzzAll(await makeFeed(name));
	const { datagrams, accessUnits, faults, findings } = report;
	const seconds = ((performance.now() - start) / 1000).toFixed(1);
	console.log(
		`${name}: ${report.inputs} inputs of ${(datagrams / report.inputs).toFixed(1)} datagrams on average in ${seconds} s, ` +
			`${accessUnits} access units, ${faults} faults; ${findings.length} findings`,
	);
	for (const finding of findings) console.log(finding);
	failed ||= findings.length > 0;
}
process.exit(failed ? 1 : 0);
