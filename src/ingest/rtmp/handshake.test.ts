import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HANDSHAKE } from "../../../test/kit/rtmp-script.ts";
import type { PenstockError } from "../../base/errors.ts";
import { Handshake } from "./handshake.ts";

const random = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, index) => (index * 7) % 251);

interface Shaken {
	readonly sent: Buffer;
	readonly faults: PenstockError[];
	readonly isDone: boolean;
	/** Bytes behind the handshake. */
	readonly left: number;
}

function shake(bytes: Uint8Array, cuts: readonly number[] = []): Shaken {
	const sent: Uint8Array[] = [];
	const faults: PenstockError[] = [];
	const sink = { send: (one: Uint8Array) => sent.push(one), fault: (error: PenstockError) => faults.push(error) };
	const handshake = new Handshake(sink, random);
	let from = 0;
	let left = 0;
	for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
		if (handshake.isDone) left += to - from;
		else left += to - from - handshake.push(bytes.subarray(from, to));
		from = to;
	}
	return { sent: Buffer.concat(sent), faults, isDone: handshake.isDone, left };
}

test("the simple form: S0, S1 and what the client said, whatever the cuts; what follows is left alone", () => {
	const expected = Buffer.concat([
		Uint8Array.of(3),
		new Uint8Array(8),
		random(1536).subarray(8),
		HANDSHAKE.slice(1, 1537),
	]);
	fc.assert(
		fc.property(fc.array(fc.nat(), { maxLength: 8 }), fc.nat(300), (cuts, more) => {
			const { sent, faults, isDone, left } = shake(Buffer.concat([HANDSHAKE, new Uint8Array(more)]), cuts);
			expect(Buffer.compare(sent, expected)).toBe(0);
			expect([faults, isDone, left]).toEqual([[], true, more]);
		}),
	);
});

test("nothing is said before C1 is whole", () => {
	const { sent, isDone } = shake(HANDSHAKE.subarray(0, 1536));
	expect([sent.length, isDone]).toEqual([0, false]);
	expect(shake(HANDSHAKE.subarray(0, 1537)).sent).toHaveLength(1 + 2 * 1536);
});

test.for([
	[6, "RTMP_UNSUPPORTED", "RTMPE"],
	[0x16, "RTMP_SYNTAX", "TLS"],
	["G".charCodeAt(0), "RTMP_SYNTAX", "HTTP"],
	[0, "RTMP_SYNTAX", "none of RTMP's"],
] as const)("a first byte %s is refused: %s, %s", ([first, code, words]) => {
	const { sent, faults, isDone } = shake(Uint8Array.of(first, 1, 2));
	expect(sent.length).toBe(0);
	expect(isDone).toBe(false);
	expect(faults.map((fault) => fault.code)).toEqual([code]);
	expect(faults[0]!.message).toContain(words);
});

describe("the form with digests", () => {
	const hmac = (key: Uint8Array | string, data: Uint8Array): Buffer => createHmac("sha256", key).update(data).digest();
	const cut = (bytes: Uint8Array, at: number): Buffer =>
		Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 32)]);
	const tail = "f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae";
	const serverKey = Buffer.concat([Buffer.from("Genuine Adobe Flash Media Server 001"), Buffer.from(tail, "hex")]);

	/** @param block where the block with the digest begins */
	const placeOf = (bytes: Uint8Array, block: number): number =>
		block + 4 + (bytes.subarray(block, block + 4).reduce((sum, byte) => sum + byte, 0) % 728);

	const clientFirst = (block: number, seed: number): Buffer => {
		const bytes = Buffer.from(Uint8Array.from({ length: 1536 }, (_, index) => (index * seed) % 253));
		bytes.set([10, 0, 32, 2], 4);
		const at = placeOf(bytes, block);
		bytes.set(hmac("Genuine Adobe Flash Player 001", cut(bytes, at)), at);
		return bytes;
	};

	test.for([8, 772])("is answered in kind where the block at byte %s has the client's", (block) => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 250 }), (seed) => {
				const first = clientFirst(block, seed);
				const { sent } = shake(Buffer.concat([Uint8Array.of(3), first]));
				const [one, two] = [sent.subarray(1, 1537), sent.subarray(1537)];
				expect(one.readUInt32BE(4)).not.toBe(0);
				const ours = placeOf(one, block);
				const expected = hmac("Genuine Adobe Flash Media Server 001", cut(one, ours));
				expect(one.subarray(ours, ours + 32)).toEqual(expected);
				const theirs = placeOf(first, block);
				const key = hmac(serverKey, first.subarray(theirs, theirs + 32));
				expect(two.subarray(-32)).toEqual(hmac(key, two.subarray(0, -32)));
			}),
			{ numRuns: 30 },
		);
	});

	test("is not meant where the digest is wrong", () => {
		const first = clientFirst(8, 3);
		first[700]! ^= 1;
		const { sent } = shake(Buffer.concat([Uint8Array.of(3), first]));
		expect(sent.subarray(1537)).toEqual(first);
	});
});
