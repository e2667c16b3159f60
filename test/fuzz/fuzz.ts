/**
 * Mutated streams against the readers: `npm run fuzz -- [--inputs N] [--reader ts|rtp|mp4|flv] [--seed S] [--from I]`.
 * A million inputs each where nothing else is said, two readers at a time. The same seed gives the same inputs.
 * Exit code 1 when a reader broke a promise; each finding comes with the command that repeats it.
 */
import { parseArgs } from "node:util";
import { type FuzzReport, runFuzz } from "./run.ts";
import { READERS } from "./targets.ts";

const AT_ONCE = 2;

function readOptions(): { seed: number; from: number; inputs: number; readers: (typeof READERS)[number][] } {
	const { values } = parseArgs({
		options: {
			inputs: { type: "string", default: "1000000" },
			reader: { type: "string", multiple: true, default: [...READERS] },
			seed: { type: "string", default: "1" },
			from: { type: "string", default: "0" },
		},
	});
	const readers = READERS.filter((reader) => values.reader.includes(reader));
	const unknown = values.reader.filter((reader) => !READERS.some((known) => known === reader));
	if (unknown.length > 0) throw new Error(`no reader "${unknown[0]}"; there are ${READERS.join(", ")}.`);
	return { seed: Number(values.seed), from: Number(values.from), inputs: Number(values.inputs), readers };
}

function tell({ order, summary, findings, tookMs }: FuzzReport): void {
	const seconds = `${(tookMs / 1000).toFixed(1)} s`;
	if (summary === undefined) console.log(`${order.reader}: hung, after ${seconds}`);
	else {
		const { inputs, bytes, accessUnits, faults, waits } = summary;
		const share = ((100 * waits) / inputs).toFixed(1);
		console.log(
			`${order.reader}: ${inputs} inputs of ${Math.round(bytes / inputs)} bytes on average in ${seconds}, ` +
				`${accessUnits} access units, ${faults} faults, ${share} % with a wait behind; ${findings.length} findings`,
		);
	}
	for (const finding of findings) console.log(finding);
}

const { readers, ...rest } = readOptions();
const waiting = [...readers];
let failed = false;
async function runWaiting(): Promise<void> {
	for (let reader = waiting.shift(); reader !== undefined; reader = waiting.shift()) {
		const report = await runFuzz({ reader, ...rest });
		tell(report);
		failed ||= report.findings.length > 0;
	}
}
await Promise.all(Array.from({ length: AT_ONCE }, runWaiting));
process.exit(failed ? 1 : 0);
