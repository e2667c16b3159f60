/** One run of the fuzzer against one reader: a thread that reads, and a watch over it. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { makeCorpus } from "./corpus.ts";
import type { Container } from "./structure.ts";
import type { Finding, Summary, WorkerOrder } from "./worker.ts";

export interface FuzzOrder {
	readonly reader: Container;
	readonly seed: number;
	readonly from: number;
	readonly inputs: number;
}

export interface FuzzReport {
	readonly order: FuzzOrder;
	/** Undefined where the reader hung. */
	readonly summary: Summary | undefined;
	/** Sentences: what is wrong, where the input lies, and the command that repeats it. */
	readonly findings: readonly string[];
	readonly tookMs: number;
}

/** An input that is read for so long hangs. */
const HANG_MS = 20_000;
const LOOK_MS = 1000;

export async function runFuzz(order: FuzzOrder): Promise<FuzzReport> {
	const corpus = await makeCorpus(order.reader);
	const start = performance.now();
	const progress = new SharedArrayBuffer(8);
	const findings: string[] = [];
	const { seed, from, inputs } = order;
	const told = await work({ corpus, seed, from, inputs, progress });
	for (const finding of told.findings) findings.push(describe(order, finding));
	if (told.hung) {
		const index = new Float64Array(progress)[0]!;
		const made = await work({ corpus, seed, from: index, inputs: 1, progress, onlyMake: true });
		const complaint = `is still being read after ${HANG_MS / 1000} s`;
		findings.push(describe(order, { ...made.findings[0]!, complaint }));
	}
	return { order, summary: told.summary, findings, tookMs: performance.now() - start };
}

interface Told {
	readonly findings: Finding[];
	summary?: Summary;
	hung: boolean;
}

async function work(order: WorkerOrder): Promise<Told> {
	const told: Told = { findings: [], hung: false };
	const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: order });
	const progress = new Float64Array(order.progress);
	let seen = -1;
	let since = performance.now();
	const watch = setInterval(() => {
		const now = performance.now();
		if (progress[0] !== seen) since = now;
		seen = progress[0]!;
		if (now - since < HANG_MS) return;
		told.hung = true;
		void worker.terminate();
	}, LOOK_MS);
	try {
		await new Promise<void>((resolve, reject) => {
			worker.on("message", (message: Finding | Summary) => {
				if (message.kind === "finding") told.findings.push(message);
				else told.summary = message;
			});
			worker.on("error", reject);
			worker.on("exit", () => resolve());
		});
	} finally {
		clearInterval(watch);
	}
	return told;
}

function describe({ reader, seed }: FuzzOrder, { index, complaint, input }: Finding): string {
	const path = join(tmpdir(), `penstock-fuzz-${reader}-${seed}-${index}.bin`);
	writeFileSync(path, input);
	const command = `npm run fuzz -- --reader ${reader} --seed ${seed} --from ${index} --inputs 1`;
	return `${reader}, input ${index} of seed ${seed}: ${complaint}\n  ${input.length} bytes in ${path}\n  again: ${command}`;
}
