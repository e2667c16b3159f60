/**
 * Broken RTSP and SDP against their readers and machines: `npm run fuzz:rtsp -- [--inputs N] [--side client|server|sdp]
 * [--seed S] [--from I]`. A million inputs each where nothing else is said; the same seed gives the same inputs. Exit
 * code 1 when a promise was broken; each finding comes with the command that repeats it.
 */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Draft } from "./draft.ts";
import { Random } from "./random.ts";
import { examineRtsp } from "./rtsp-examine.ts";
import { makeRtspInput, type RtspSide } from "./rtsp-inputs.ts";

export const RTSP_SIDES = ["client", "server", "sdp"] as const satisfies readonly RtspSide[];
const LONGEST_INPUT = 96 * 1024;
const MOST_FINDINGS = 10;

export interface RtspFuzzReport {
	readonly findings: readonly string[];
	readonly inputs: number;
	readonly things: number;
	readonly faults: number;
}

export async function fuzzRtsp(side: RtspSide, seed: number, from: number, inputs: number): Promise<RtspFuzzReport> {
	// A fault's stack costs more than all the rest of it. What is thrown has one when it is repeated alone.
	const limit = Error.stackTraceLimit;
	if (inputs > 1) Error.stackTraceLimit = 0;
	const draft = new Draft(LONGEST_INPUT);
	const findings: string[] = [];
	const total = { things: 0, faults: 0 };
	let index = from;
	for (; index < from + inputs && findings.length < MOST_FINDINGS; index++) {
		const random = new Random(seed, index);
		makeRtspInput(draft, side, random);
		const { complaint, things, faults } = await examineRtsp(draft.content, side, random);
		total.things += things;
		total.faults += faults;
		if (complaint === undefined) continue;
		const path = join(tmpdir(), `penstock-fuzz-rtsp-${side}-${seed}-${index}.bin`);
		writeFileSync(path, draft.content);
		const again = `node test/fuzz/rtsp.ts --side ${side} --seed ${seed} --from ${index} --inputs 1`;
		findings.push(`${side}, input ${index} of seed ${seed}: ${complaint}\n  in ${path}\n  again: ${again}`);
	}
	Error.stackTraceLimit = limit;
	return { findings, inputs: index - from, ...total };
}

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			inputs: { type: "string", default: "1000000" },
			side: { type: "string", multiple: true, default: [...RTSP_SIDES] },
			seed: { type: "string", default: "1" },
			from: { type: "string", default: "0" },
		},
	});
	let failed = false;
	for (const side of RTSP_SIDES.filter((one) => values.side.includes(one))) {
		const start = performance.now();
		const { findings, inputs, things, faults } = await fuzzRtsp(
			side,
			Number(values.seed),
			Number(values.from),
			Number(values.inputs),
		);
		const seconds = ((performance.now() - start) / 1000).toFixed(1);
		console.log(
			`${side}: ${inputs} inputs in ${seconds} s, ${things} things read, ${faults} faults; ${findings.length} findings`,
		);
		for (const finding of findings) console.log(finding);
		failed ||= findings.length > 0;
	}
	process.exitCode = failed ? 1 : 0;
}

if (import.meta.main) await main();
