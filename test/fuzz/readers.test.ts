/** A short run of the fuzzer, and what takes long inputs to see: time and memory that must not grow. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, test } from "vitest";
import type { StreamSink } from "../../src/media/stream-reader.ts";
import { type Corpus, makeCorpus } from "./corpus.ts";
import { Draft } from "./draft.ts";
import { makeInput } from "./mutate.ts";
import { Random } from "./random.ts";
import { runFuzz } from "./run.ts";
import { READERS, TARGETS } from "./targets.ts";

const KIB = 1024;
const ATTEMPTS = 6;
const PIECE_BYTES = 1400;
const NOTHING: StreamSink = { accessUnit: () => {} };

describe.concurrent("1000 mutated streams break no promise of a reader", () => {
	test.for(READERS)("%s", { timeout: 120_000 }, async (reader, { expect: expectHere }) => {
		const { summary, findings } = await runFuzz({ reader, seed: 1, from: 0, inputs: 1000 });
		expectHere(findings).toEqual([]);
		// Else nothing of this would mean anything: most inputs reach the sink, and most have something wrong.
		expectHere(summary!.accessUnits).toBeGreaterThan(10_000);
		expectHere(summary!.faults).toBeGreaterThan(500);
		expectHere(summary!.waits).toBeLessThan(100);
	});
});

describe.for(READERS)("%s", (reader) => {
	const target = TARGETS[reader];
	let corpus: Corpus;

	beforeAll(async () => {
		corpus = await makeCorpus(reader);
	});

	/** Bytes made to cost a reader more than they are worth: what looks like a beginning, again and again. */
	function hostile(length: number): Map<string, Uint8Array> {
		const made = new Map<string, Uint8Array>();
		for (const byte of [0, 0x47, 0xff]) made.set(`only 0x${byte.toString(16)}`, new Uint8Array(length).fill(byte));
		const random = new Random(1);
		made.set(
			"noise",
			Uint8Array.from({ length }, () => random.next()),
		);
		const [{ bytes, parts }] = corpus.specimens as [Corpus["specimens"][0]];
		const heads = new Map(parts.map(({ at }) => [bytes.subarray(at + 4, at + 8).toString(), at]));
		for (const at of [...heads.values()].slice(0, 12)) {
			for (const headBytes of [8, 16, 188]) {
				const head = bytes.subarray(at, at + headBytes);
				const repeated = new Uint8Array(length);
				for (let to = 0; to + headBytes <= length; to += headBytes) repeated.set(head, to);
				made.set(`${headBytes} bytes from byte ${at} on`, repeated);
			}
		}
		return made;
	}

	function cpuMs(bytes: Uint8Array): number {
		const start = process.threadCpuUsage();
		const opened = target.open(NOTHING);
		for (let at = 0; at < bytes.length; at += PIECE_BYTES) opened.push(bytes.subarray(at, at + PIECE_BYTES));
		opened.end();
		const { user, system } = process.threadCpuUsage(start);
		return (user + system) / 1000;
	}

	test("four times as much of the same costs about four times as much", () => {
		const short = hostile(128 * KIB);
		const long = hostile(512 * KIB);
		const slow: string[] = [];
		for (const [what, bytes] of short) {
			// The compiler's and the collector's time comes and goes, and the kernel counts it by ticks: slow is what is
			// slow each time.
			const times: string[] = [];
			for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
				const [one, four] = [cpuMs(bytes), cpuMs(long.get(what)!)];
				if (four <= 8 * one + 20) break;
				times.push(`${one} ms, then ${four} ms`);
			}
			if (times.length === ATTEMPTS) slow.push(`${what}: ${times.join("; ")}`);
		}
		expect(slow).toEqual([]);
	});

	test("a long life among broken streams leaves nothing behind", () => {
		setFlagsFromString("--expose-gc");
		const collect = runInNewContext("gc") as () => void;
		const draft = new Draft(48 * KIB);
		const opened = target.open(NOTHING);
		const usedAfter = (from: number, to: number): number => {
			for (let index = from; index < to; index++) {
				makeInput(draft, reader, corpus.specimens, new Random(2, index));
				opened.push(draft.content);
			}
			collect();
			const { heapUsed, arrayBuffers } = process.memoryUsage();
			return heapUsed + arrayBuffers - opened.heldBytes;
		};
		const early = usedAfter(0, 1000);
		const late = usedAfter(1000, 5000);
		// 4000 inputs are some 15 MiB.
		expect(late - early).toBeLessThan(3 * KIB * KIB);
	});
});
