/**
 * Mutated conversations put to RTMP's machine: each is pushed in pieces by chance, with leave to publish given at once,
 * and everything that comes out is judged as every reader's is; besides, that the machine ends once, is silent then, and
 * says no more than its share.
 */
import type { PenstockError } from "../../src/base/errors.ts";
import { MOST_HELD_AS_PUBLISHER, MOST_HELD_AS_STRANGER } from "../../src/ingest/rtmp/message.ts";
import { flv } from "../../src/media/flv/flv.ts";
import type { StreamReader, StreamSink } from "../../src/media/stream-reader.ts";
import { RtmpMachine } from "../kit/rtmp-machine.ts";
import { HANDSHAKE } from "../kit/rtmp-script.ts";
import { Draft } from "./draft.ts";
import { Judge } from "./judge.ts";
import { makeInput } from "./mutate.ts";
import { Random } from "./random.ts";
import type { RtmpSpecimen } from "./rtmp-specimens.ts";
import type { Target } from "./targets.ts";

const PIECE_BYTES = 64 * 1024;
const LONGEST_INPUT = 48 * 1024;
const PIECES = [1, 20, 188, 1500, 6000, PIECE_BYTES];
/** CPU time of one input, three times running. */
const MOST_MS = 40;
const MOST_FINDINGS = 10;
/** What it may say for each byte that it hears, behind the answers that everybody gets. */
const SAYS_AT_MOST = 20;
const SAYS_ALWAYS = 8192;

/** The machine as a reader: what ends the connection is a fault, too. */
class RtmpReader implements StreamReader {
	complaint: string | undefined;
	faults = 0;
	readonly #machine: RtmpMachine;
	readonly #sink: StreamSink;
	#received = 0;
	#closes = 0;

	constructor(sink: StreamSink) {
		this.#sink = sink;
		this.#machine = new RtmpMachine({
			accessUnit: (accessUnit) => sink.accessUnit(accessUnit),
			decodeInformation: (decode) => sink.decodeInformation!(decode),
			unitStart: (unit) => sink.unitStart!(unit),
			fault: (error) => this.#fault(error),
		});
	}

	get heldBytes(): number {
		return this.#machine.connection.heldBytes;
	}

	push(bytes: Uint8Array): void {
		this.#received += bytes.length;
		this.#machine.connection.push(bytes);
		this.#check();
	}

	end(): void {
		this.#machine.connection.gone();
		this.#check();
	}

	#check(): void {
		const { connection, publications, closes, sentLate } = this.#machine;
		for (const because of closes.slice(this.#closes)) if (because !== undefined) this.#fault(because);
		this.#closes = closes.length;
		const said = connection.counts.sentBytes;
		if (closes.length > 1) this.complaint ??= "ends twice";
		if (sentLate > 0) this.complaint ??= "speaks after its end";
		if (publications === 0 && this.heldBytes > MOST_HELD_AS_STRANGER)
			this.complaint ??= "keeps too much of a stranger's";
		if (closes.length > 0 && this.heldBytes > 0) this.complaint ??= `keeps ${this.heldBytes} bytes after its end`;
		if (said > SAYS_AT_MOST * this.#received + SAYS_ALWAYS) this.complaint ??= `says ${said} bytes`;
	}

	#fault(error: PenstockError): void {
		this.faults++;
		this.#sink.fault!(error);
	}
}

const TARGET: Target = {
	open: (sink) => new RtmpReader(sink),
	packaging: flv,
	codes: ["RTMP_SYNTAX", "RTMP_LIMIT", "RTMP_UNSUPPORTED", "NAME_INVALID", "FLV_SYNTAX", "STREAM_UNSUPPORTED"],
	heldLimit: MOST_HELD_AS_PUBLISHER + PIECE_BYTES,
	patience: 0,
	timeModulus: 2 ** 31 * 90,
};

export interface RtmpFuzzOrder {
	readonly seed: number;
	readonly from: number;
	readonly inputs: number;
}

export interface RtmpFuzzReport {
	readonly inputs: number;
	readonly bytes: number;
	readonly accessUnits: number;
	readonly faults: number;
	/** Sentences, with the index of the input. */
	readonly findings: readonly string[];
}

export function fuzzRtmp(specimens: readonly RtmpSpecimen[], { seed, from, inputs }: RtmpFuzzOrder): RtmpFuzzReport {
	if (inputs > 1) Error.stackTraceLimit = 0;
	const draft = new Draft(LONGEST_INPUT);
	const findings: string[] = [];
	const total = { bytes: 0, accessUnits: 0, faults: 0 };
	let done = 0;
	for (; done < inputs && findings.length < MOST_FINDINGS; done++) {
		const random = new Random(seed, from + done);
		const specimen = random.pick(specimens);
		// Of the container of this name nothing is signed again, as nothing of RTMP is.
		makeInput(draft, "flv", [specimen], random);
		const before = random.oneIn(32) ? [] : [HANDSHAKE, specimen.prelude];
		const input = Buffer.concat([...before, draft.content]);
		const { complaint, accessUnits, faults } = examine(input, random);
		total.bytes += input.length;
		total.accessUnits += accessUnits;
		total.faults += faults;
		if (complaint !== undefined) findings.push(`input ${from + done} of seed ${seed}: ${complaint}`);
	}
	return { inputs: done, ...total, findings };
}

type Verdict = Pick<Judge, "complaint" | "accessUnits" | "faults" | "digest">;

function examine(input: Uint8Array, random: Random): Verdict {
	const size = random.pick(PIECES);
	const digesting = random.oneIn(4);
	let tookMs = Number.POSITIVE_INFINITY;
	let verdict: Verdict | undefined;
	for (let attempt = 0; attempt < 3 && tookMs > MOST_MS; attempt++) {
		const cpu = process.threadCpuUsage();
		verdict = read(input, size, digesting);
		const { user, system } = process.threadCpuUsage(cpu);
		// A byte at a time is the test's own doing.
		tookMs = size === 1 ? 0 : (user + system) / 1000;
	}
	if (verdict!.complaint === undefined && tookMs > MOST_MS) return { ...verdict!, complaint: `takes ${tookMs} ms` };
	if (!digesting || verdict!.complaint !== undefined) return verdict!;
	const other = read(input, random.pick(PIECES), true);
	return other.digest === verdict!.digest
		? verdict!
		: { ...verdict!, complaint: "cut otherwise it gives something else" };
}

function read(input: Uint8Array, size: number, digesting: boolean): Verdict {
	const piece = new Uint8Array(PIECE_BYTES);
	const judge = new Judge(TARGET, piece.buffer, digesting);
	const reader = new RtmpReader(judge);
	try {
		for (let at = 0; at < input.length; at += size) {
			const part = input.subarray(at, at + size);
			piece.set(part);
			judge.push(reader, piece.subarray(0, part.length));
			piece.fill(0xa5, 0, part.length);
		}
		judge.end(reader);
	} catch (error) {
		judge.complaint ??= `throws ${error instanceof Error ? error.stack : String(error)}`;
	}
	const { accessUnits, faults, digest } = judge;
	return { complaint: judge.complaint ?? reader.complaint, accessUnits, faults, digest };
}
