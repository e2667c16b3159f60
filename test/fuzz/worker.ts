/**
 * The fuzzer's loop for one reader, in a thread of its own, so that a reader that hangs can be told from outside and
 * ended. Gets a `WorkerOrder`; says in `order.progress` which input it is at, and sends `Finding`s and a `Summary`.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Corpus } from "./corpus.ts";
import { Draft } from "./draft.ts";
import { Examiner, referenceOf } from "./examine.ts";
import { makeInput } from "./mutate.ts";
import { Random } from "./random.ts";
import { TARGETS } from "./targets.ts";

export interface WorkerOrder {
	readonly corpus: Corpus;
	readonly seed: number;
	/** Index of the first input. */
	readonly from: number;
	readonly inputs: number;
	/** One Float64: the index of the input that is being read. */
	readonly progress: SharedArrayBuffer;
	/** Send what the first input is, and do not read it. */
	readonly onlyMake?: boolean;
}

export interface Finding {
	readonly kind: "finding";
	readonly index: number;
	readonly complaint: string;
	readonly input: Uint8Array;
}

export interface Summary {
	readonly kind: "summary";
	readonly inputs: number;
	readonly bytes: number;
	readonly accessUnits: number;
	readonly faults: number;
	/** Inputs after which the reader waited for the end of something long. */
	readonly waits: number;
}

/** Inputs are cut off here. */
const LONGEST_INPUT = 48 * 1024;
/** After so many findings there is no need for more. */
const MOST_FINDINGS = 10;

function fuzz({ corpus, seed, from, inputs, progress, onlyMake }: WorkerOrder): void {
	const target = TARGETS[corpus.container];
	// A fault's stack costs more than all the rest of it. What is thrown has one when it is repeated alone.
	if (inputs > 1) Error.stackTraceLimit = 0;
	const references = corpus.intact.map((specimen) => referenceOf(target, specimen));
	const examiner = new Examiner(target);
	const draft = new Draft(LONGEST_INPUT);
	const at = new Float64Array(progress);
	const total = { bytes: 0, accessUnits: 0, faults: 0, waits: 0 };
	let findings = 0;
	let done = 0;
	for (; done < inputs && findings < MOST_FINDINGS; done++) {
		const index = from + done;
		at[0] = index;
		const random = new Random(seed, index);
		makeInput(draft, corpus.container, corpus.specimens, random);
		if (onlyMake) {
			tell({ kind: "finding", index, complaint: "", input: draft.content.slice() });
			return;
		}
		const { complaint, accessUnits, faults, waits } = examiner.examine(draft.content, random.pick(references), random);
		total.bytes += draft.length;
		total.accessUnits += accessUnits;
		total.faults += faults;
		if (waits) total.waits++;
		if (complaint === undefined) continue;
		findings++;
		tell({ kind: "finding", index, complaint, input: draft.content.slice() });
	}
	tell({ kind: "summary", inputs: done, ...total });
}

function tell(message: Finding | Summary): void {
	parentPort!.postMessage(message);
}

fuzz(workerData as WorkerOrder);
