/**
 * Mutated RTP against the way in: datagrams of real encodes, changed, lost, doubled, late, of strangers. Each input goes
 * to a session of its own, an intact stream of another source follows it; what comes out is judged.
 * `depacketizers-fuzz.ts` runs it by hand, `depacketizers.test.ts` for a short while with the other tests.
 */
import { PenstockError } from "../../src/base/errors.ts";
import { senderCompound } from "../../src/media/rtp/rtcp-writer.ts";
import { RtpSession } from "../../src/media/rtp/session.ts";
import { ManualClock } from "../kit/manual-clock.ts";
import type { Feed } from "./depacketizers-corpus.ts";
import { RtpJudge } from "./depacketizers-judge.ts";
import { Draft } from "./draft.ts";
import { Random } from "./random.ts";

export interface DepacketizerReport {
	readonly inputs: number;
	readonly datagrams: number;
	readonly accessUnits: number;
	readonly faults: number;
	/** Sentences: which input, and what is wrong. */
	readonly findings: readonly string[];
}

const MOST_FINDINGS = 5;
/** CPU time that an input may take, three times running; it takes a few milliseconds at most. */
const MOST_MS = 60;
const LONGEST_DATAGRAM = 4096;
const EXTREMES = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0xffffffff];
const RTP_HEADER_BYTES = 12;
/** Of a payload, where its heads and lengths stand. */
const PAYLOAD_HEAD_BYTES = 12;
const INTACT_SSRC = 0x0bad_cafe;

/** Some inputs, by their numbers. */
export function fuzzFeed(feed: Feed, seed: number, from: number, inputs: number): DepacketizerReport {
	const draft = new Draft(LONGEST_DATAGRAM);
	const total = { inputs: 0, datagrams: 0, accessUnits: 0, faults: 0 };
	const findings: string[] = [];
	for (let index = from; index < from + inputs && findings.length < MOST_FINDINGS; index++) {
		const input = makeInput(feed, draft, new Random(seed, index));
		let verdict = examine(feed, input);
		for (let again = 0; again < 2 && verdict.tookMs > MOST_MS; again++) verdict = examine(feed, input);
		if (verdict.tookMs > MOST_MS) verdict.complaint ??= `takes ${Math.round(verdict.tookMs)} ms of CPU time`;
		if (verdict.complaint) findings.push(`${feed.name}, input ${index} of seed ${seed}: ${verdict.complaint}`);
		total.inputs++;
		total.datagrams += input.length;
		total.accessUnits += verdict.accessUnits;
		total.faults += verdict.faults;
	}
	return { ...total, findings };
}

interface Arrival {
	readonly bytes: Uint8Array;
	readonly afterMs: number;
}

function makeInput(feed: Feed, draft: Draft, random: Random): Arrival[] {
	const datagrams = [...feed.datagrams];
	const from = random.oneIn(3) ? random.below(datagrams.length) : 0;
	const kept = datagrams.slice(from, from + random.between(1, 60));
	const changes = random.between(0, 8);
	for (let i = 0; i < changes && kept.length > 0; i++) {
		const at = random.below(kept.length);
		switch (random.below(6)) {
			case 0:
				kept.splice(at, random.between(1, 3));
				break;
			case 1:
				kept.splice(random.below(kept.length + 1), 0, kept[at]!);
				break;
			case 2:
				kept.splice(Math.min(kept.length, at + random.between(1, 9)), 0, ...kept.splice(at, 1));
				break;
			case 3:
				kept.splice(at, 0, rtcp(random));
				break;
			default:
				kept[at] = changed(draft, kept[at]!, random);
		}
	}
	const waits = [0, 0, 0, 0, 1, 5, 30, 300, 20_000];
	return kept.map((bytes) => ({ bytes, afterMs: random.pick(waits) }));
}

function changed(draft: Draft, bytes: Uint8Array, random: Random): Uint8Array {
	draft.take(bytes);
	for (let times = random.between(1, 3); times > 0 && draft.length > 0; times--) {
		const head = random.oneIn(2) ? random.below(RTP_HEADER_BYTES) : RTP_HEADER_BYTES + random.below(PAYLOAD_HEAD_BYTES);
		const at = random.oneIn(3) ? random.below(draft.length) : Math.min(head, draft.length - 1);
		switch (random.below(6)) {
			case 0:
				draft.bytes[at]! ^= 1 << random.below(8);
				break;
			case 1:
				draft.bytes[at] = random.next();
				break;
			case 2:
				draft.write(at, random.pick([1, 2, 4]), random.pick(EXTREMES));
				break;
			case 3:
				draft.remove(at, random.between(1, 20));
				break;
			case 4:
				draft.insert(at, draft.bytes.slice(at, Math.min(draft.length, at + random.between(1, 300))));
				break;
			default:
				draft.length = at;
		}
	}
	return draft.content.slice();
}

function rtcp(random: Random): Uint8Array {
	const ssrc = random.oneIn(2) ? INTACT_SSRC - 1 : random.next();
	const ntp = { seconds: random.oneIn(4) ? 0 : random.next(), fraction: random.next() };
	const counts = { packetCount: random.next(), octetCount: random.next(), blocks: [] };
	const compound = senderCompound({ ssrc, ntp, rtpTimestamp: random.next(), ...counts }, "name");
	if (random.oneIn(3)) compound[random.below(compound.length)] = random.next();
	return compound;
}

interface Verdict {
	complaint: string | undefined;
	readonly accessUnits: number;
	readonly faults: number;
	readonly tookMs: number;
}

function examine(feed: Feed, input: readonly Arrival[]): Verdict {
	const clock = new ManualClock();
	const judge = new RtpJudge(feed);
	const session = new RtpSession(clock, judge);
	const stream = session.add(feed.description);
	if (stream instanceof PenstockError) throw stream;
	const cpu = process.threadCpuUsage();
	const start = performance.now();
	const piece = new Uint8Array(LONGEST_DATAGRAM);
	const push = (bytes: Uint8Array): void => {
		piece.set(bytes);
		session.push(stream, piece.subarray(0, bytes.length));
		piece.fill(0xa5, 0, bytes.length); // nobody may have kept a view
		judge.look(session, bytes.length, clock.time.pending);
	};
	try {
		for (const { bytes, afterMs } of input) {
			clock.advance(afterMs);
			push(bytes);
		}
		// A sender that begins afresh must come through, whatever came before it.
		clock.advance(1000);
		judge.mark();
		for (let times = 0; times < feed.repeats; times++) for (const bytes of feed.intact(INTACT_SSRC, times)) push(bytes);
		clock.advance(1000);
		session.end();
		judge.end(session, clock.time.pending);
	} catch (error) {
		judge.complaint ??= `throws ${error instanceof Error ? error.stack : String(error)}`;
	}
	const wallMs = performance.now() - start;
	const { user, system } = process.threadCpuUsage(cpu);
	const { complaint, accessUnits, faults } = judge;
	return { complaint, accessUnits, faults, tookMs: wallMs < MOST_MS ? 0 : (user + system) / 1000 };
}
