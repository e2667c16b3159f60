/**
 * Mutated conversations against RTMP's machine: `npm run fuzz:rtmp -- [--inputs N] [--seed S] [--from I]`. A million
 * inputs where nothing else is said; the same seed gives the same inputs. Exit code 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { fuzzRtmp } from "./rtmp-run.ts";
import { rtmpSpecimens } from "./rtmp-specimens.ts";

const { values } = parseArgs({
	options: {
		inputs: { type: "string", default: "1000000" },
		seed: { type: "string", default: "1" },
		from: { type: "string", default: "0" },
	},
});
const order = { seed: Number(values.seed), from: Number(values.from), inputs: Number(values.inputs) };
const start = performance.now();
const { inputs, bytes, accessUnits, faults, findings } = fuzzRtmp(await rtmpSpecimens(), order);
const seconds = ((performance.now() - start) / 1000).toFixed(1);
console.log(
	`rtmp: ${inputs} inputs of ${Math.round(bytes / inputs)} bytes on average in ${seconds} s, ` +
		`${accessUnits} access units, ${faults} faults; ${findings.length} findings`,
);
for (const finding of findings) console.log(finding);
process.exit(findings.length > 0 ? 1 : 0);
