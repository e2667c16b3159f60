import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ChunkScribe, type SentMessage } from "../../../test/kit/rtmp-chunks.ts";
import type { PenstockError } from "../../base/errors.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { LARGEST_MEDIA_BYTES, MOST_HELD_AS_STRANGER, type RtmpMessage } from "./message.ts";

interface Read {
	readonly messages: Omit<RtmpMessage, "offset">[];
	readonly faults: PenstockError[];
	readonly reader: ChunkReader;
}

/** Pushes copies that are wiped afterwards, so that a view which is kept is found. */
function read(bytes: Uint8Array, cuts: readonly number[] = [], chunkSize = 128): Read {
	const messages: Omit<RtmpMessage, "offset">[] = [];
	const faults: PenstockError[] = [];
	const reader = new ChunkReader({
		message: ({ type, ms, streamId, body }) => messages.push({ type, ms, streamId, body }),
		fault: (error) => faults.push(error),
	});
	reader.setChunkSize(chunkSize);
	let from = 0;
	for (const to of new Set([...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b))) {
		const piece = Uint8Array.from(bytes.subarray(from, to));
		reader.push(piece);
		piece.fill(0xee);
		from = to;
	}
	return { messages, faults, reader };
}

const message = (overrides: Partial<SentMessage> = {}): SentMessage => {
	return { chunkStream: 4, type: 9, ms: 0, streamId: 1, body: new Uint8Array(300).fill(5), ...overrides };
};

const asRead = ({ type, ms, streamId, body }: SentMessage): Omit<RtmpMessage, "offset"> => {
	return { type, ms, streamId, body };
};

const anyMs = fc.oneof(fc.nat(100_000), fc.integer({ min: 0xff_fff0, max: 0x100_000f }), fc.nat(2 ** 32 - 1));
const anyMessage = fc.record({
	chunkStream: fc.constantFrom(2, 3, 6, 63, 64, 319, 320, 65_599),
	type: fc.constantFrom(8, 9, 18, 20),
	ms: anyMs,
	streamId: fc.constantFrom(0, 1, 2 ** 31),
	// Else they would all be a few bytes.
	body: fc.uint8Array({ maxLength: 700, size: "max" }),
});
const anyFormat = fc.nat(3);
/** Some at a few places, some everywhere. */
const anyCuts = fc.oneof(
	fc.array(fc.nat(), { maxLength: 20 }),
	fc.constant(Array.from({ length: 5000 }, (_, index) => index)),
);

describe("messages", () => {
	const sent = fc.array(fc.tuple(anyMessage, anyFormat), { minLength: 1, maxLength: 12 });
	const chunkSizes = fc.constantFrom(128, 129, 500, 65_536);

	test("come back as they were sent, in every format of header, however the bytes are cut", () => {
		fc.assert(
			fc.property(sent, chunkSizes, fc.boolean(), anyCuts, (all, chunkSize, repeatsExtended, cuts) => {
				const scribe = new ChunkScribe();
				Object.assign(scribe, { chunkSize, repeatsExtended });
				const bytes = Buffer.concat(all.map(([one, format]) => scribe.write(one, format)));
				// Where the end is a header that may go on, the last message waits; a further one brings it out.
				const flush = scribe.write(message({ chunkStream: 7, body: new Uint8Array(8) }));
				const { messages, faults, reader } = read(Buffer.concat([bytes, flush]), cuts, chunkSize);
				expect(faults).toEqual([]);
				expect(messages.slice(0, -1)).toEqual(all.map(([one]) => asRead(one)));
				expect(reader.heldBytes).toBe(0);
			}),
			{ numRuns: 500 },
		);
	});

	test("of several chunk streams come back when their chunks are mixed", () => {
		const two = fc.tuple(anyMessage, anyMessage, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), anyCuts);
		fc.assert(
			fc.property(two, ([one, other, order, cuts]) => {
				fc.pre(one.chunkStream !== other.chunkStream);
				const scribe = new ChunkScribe();
				const queues = [scribe.chunks(one), scribe.chunks(other)] as const;
				const chunks: Uint8Array[] = [];
				for (const second of order) chunks.push(...queues[second ? 1 : 0].splice(0, 1));
				chunks.push(...queues[0], ...queues[1]);
				const { messages, faults } = read(Buffer.concat(chunks), cuts);
				expect(faults).toEqual([]);
				expect(messages).toHaveLength(2);
				expect(messages).toEqual(expect.arrayContaining([asRead(one), asRead(other)]));
			}),
		);
	});

	test("whose header repeats a time stamp as a delta run on as the specification says, after format 0, too", () => {
		const scribe = new ChunkScribe();
		const bytes = [40, 80, 120].map((ms) => scribe.write(message({ ms }), 3));
		expect(bytes.map(({ length }) => length)).toEqual([12 + 300 + 2, 1 + 300 + 2, 1 + 300 + 2]);
		expect(read(Buffer.concat(bytes)).messages.map(({ ms }) => ms)).toEqual([40, 80, 120]);
	});

	test.for([true, false])(
		"with extended time stamps come back byte by byte, where each chunk repeats them: %s",
		(repeats) => {
			const scribe = new ChunkScribe();
			scribe.repeatsExtended = repeats;
			const sent = message({ ms: 0x1234_5678, body: Uint8Array.from({ length: 400 }, (_, index) => index) });
			const bytes = Buffer.concat([scribe.write(sent), scribe.write(message({ ms: 0x1234_5690 }), 3)]);
			const { messages, faults } = read(
				bytes,
				Array.from({ length: bytes.length }, (_, index) => index),
			);
			expect(faults).toEqual([]);
			expect(messages).toEqual([asRead(sent), asRead(message({ ms: 0x1234_5690 }))]);
		},
	);

	test("begin with format 1 where the chunk stream is new, as librtmp answers pings", () => {
		const { messages, faults } = read(Uint8Array.of(0x42, 0, 0, 0, 0, 0, 2, 4, 0, 7));
		expect(faults).toEqual([]);
		expect(messages).toEqual([{ type: 4, ms: 0, streamId: 0, body: Uint8Array.of(0, 7) }]);
	});

	test("go on behind one that was given up", () => {
		const scribe = new ChunkScribe();
		const [first] = scribe.chunks(message());
		const reader = read(first!).reader;
		expect(reader.heldBytes).toBe(300);
		reader.abort(4);
		expect(reader.heldBytes).toBe(0);
		const again = new ChunkScribe().write(message());
		reader.push(again);
		expect(reader.heldBytes).toBe(0);
	});

	test("wait while the reading is halted, and come when it goes on", () => {
		const scribe = new ChunkScribe();
		const bytes = Buffer.concat([1, 2, 3].map((streamId) => scribe.write(message({ streamId, body: hi(200) }))));
		const seen: number[] = [];
		const reader = new ChunkReader({
			message: ({ streamId }) => {
				seen.push(streamId);
				reader.halt();
			},
			fault: () => {},
		});
		for (const byte of bytes) reader.push(Uint8Array.of(byte));
		expect([seen, reader.isHalted]).toEqual([[1], true]);
		reader.goOn();
		expect(seen).toEqual([1, 2]);
		reader.goOn();
		expect(seen).toEqual([1, 2, 3]);
		reader.goOn();
		expect([seen.length, reader.isHalted, reader.heldBytes]).toEqual([3, false, 0]);
	});
});

const hi = (length: number): Uint8Array => new Uint8Array(length).fill(0x48);

describe("limits", () => {
	const headOf = (type: number, length: number): Uint8Array =>
		Uint8Array.of(4, 0, 0, 0, length >> 16, length >> 8, length, type, 1, 0, 0, 0);

	test.for([
		["a picture of 4 MiB and a byte", headOf(9, LARGEST_MEDIA_BYTES + 1), "RTMP_LIMIT"],
		["a command of 64 KiB and a byte", headOf(20, 65_537), "RTMP_LIMIT"],
		["a message within another", Buffer.concat([headOf(9, 500), hi(128), headOf(9, 500)]), "RTMP_SYNTAX"],
		["a header that refers to none", Uint8Array.of(0xc4, 0, 0), "RTMP_SYNTAX"],
		[
			"17 chunk streams",
			Buffer.concat(Array.from({ length: 17 }, (_, id) => Uint8Array.of(3 + id, ...headOf(9, 0).subarray(1)))),
			"RTMP_LIMIT",
		],
	] as const)("%s ends the reading", ([, bytes, code]) => {
		const { faults, reader } = read(bytes, [1, 5, 13]);
		expect(faults.map((fault) => fault.code)).toEqual([code]);
		reader.push(new ChunkScribe().write(message()));
		expect(faults).toHaveLength(1);
		expect(reader.heldBytes).toBe(0);
	});

	test.for([0, 1, 127, 65_537, 2 ** 31 - 1])("chunks of %s bytes end the reading", (size) => {
		const { faults, reader } = read(new Uint8Array(0));
		reader.setChunkSize(size);
		expect(faults.map(({ code }) => code)).toEqual(["RTMP_LIMIT"]);
	});

	test("SEC7: memory follows what has come and not what was promised", () => {
		const scribe = new ChunkScribe();
		const { reader } = read(scribe.chunks(message({ body: new Uint8Array(4_000_000) }))[0]!);
		expect(reader.heldBytes).toBe(1024);
	});

	test("SEC7: a stranger's unfinished messages take 64 KiB, all chunk streams together", () => {
		const faults: string[] = [];
		const reader = new ChunkReader({ message: () => {}, fault: ({ code }) => faults.push(code) });
		reader.mostHeld = MOST_HELD_AS_STRANGER;
		const scribe = new ChunkScribe();
		let most = 0;
		for (let chunkStream = 3; chunkStream < 19; chunkStream++) {
			const chunks = scribe.chunks(message({ chunkStream, body: new Uint8Array(60_000) }));
			for (const chunk of chunks.slice(0, 100)) {
				reader.push(chunk);
				most = Math.max(most, reader.heldBytes);
			}
		}
		expect(faults).toEqual(["RTMP_LIMIT"]);
		expect(most).toBeLessThanOrEqual(MOST_HELD_AS_STRANGER);
	});

	test("of broken chunks nothing is thrown, and no more is kept than came, twice over", () => {
		const script = fc.tuple(
			fc.array(fc.tuple(anyMessage, anyFormat), { maxLength: 6 }),
			fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 12 }),
			anyCuts,
		);
		fc.assert(
			fc.property(script, ([all, changes, cuts]) => {
				const scribe = new ChunkScribe();
				const bytes = Uint8Array.from(Buffer.concat(all.map(([one, format]) => scribe.write(one, format))));
				for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
				const whole = read(bytes);
				const cutUp = read(bytes, cuts);
				expect(cutUp.messages).toEqual(whole.messages);
				expect(cutUp.faults.map(String)).toEqual(whole.faults.map(String));
				expect(whole.faults.length).toBeLessThanOrEqual(1);
				expect(whole.reader.heldBytes).toBeLessThanOrEqual(2 * bytes.length + 16 * 1024);
			}),
			{ numRuns: 1000 },
		);
	});
});
