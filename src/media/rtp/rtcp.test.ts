import fc from "fast-check";
import { expect, test } from "vitest";
import { epochMs } from "../../base/units.ts";
import { ntpMiddle, parseRtcp, type ReportBlock, type RtcpPacket } from "./rtcp.ts";
import { goodbyeCompound, ntpOf, receiverCompound, receiverGoodbyeCompound, senderCompound } from "./rtcp-writer.ts";

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const anyBlock: fc.Arbitrary<ReportBlock> = fc.record({
	ssrc: uint32,
	fractionLost: fc.nat(255),
	cumulativeLost: fc.integer({ min: -(2 ** 23), max: 2 ** 23 - 1 }),
	extendedHighest: uint32,
	interarrivalJitter: uint32,
	lastSenderReport: uint32,
	delaySinceSenderReport: uint32,
});
const anyBlocks = fc.array(anyBlock, { maxLength: 31 });
const anyName = fc.string({ unit: fc.constantFrom("a", "z", "X", "0", "9", "@", ".", "-"), maxLength: 255 });
const anyReport = fc.record({
	ssrc: uint32,
	ntp: fc.record({ seconds: uint32, fraction: uint32 }),
	rtpTimestamp: uint32,
	packetCount: uint32,
	octetCount: uint32,
	blocks: anyBlocks,
});
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

test("what is written is read back: receiver's, sender's and last compounds", () => {
	fc.assert(
		fc.property(anyReport, anyName, (report, cname) => {
			const { ssrc, blocks } = report;
			const names: RtcpPacket = { kind: "sourceDescription", names: [{ ssrc, cname }] };
			expect(parseRtcp(receiverCompound(ssrc, blocks, cname))).toEqual([
				{ kind: "receiverReport", ssrc, blocks },
				names,
			]);
			const said = [{ kind: "senderReport", ...report }, names];
			expect(parseRtcp(senderCompound(report, cname))).toEqual(said);
			const goodbye: RtcpPacket = { kind: "goodbye", ssrcs: [ssrc] };
			expect(parseRtcp(goodbyeCompound(report, cname))).toEqual([...said, goodbye]);
			const passedOn: RtcpPacket = { kind: "receiverReport", ssrc, blocks: [] };
			expect(parseRtcp(receiverGoodbyeCompound(ssrc, cname))).toEqual([passedOn, names, goodbye]);
		}),
	);
});

test("every packet of a compound is a multiple of four bytes, whatever the name's length", () => {
	for (let length = 0; length < 12; length++) {
		expect(receiverCompound(1, [], "n".repeat(length)).length % 4).toBe(0);
	}
});

test("NTP's times: the epoch, halves of a second, and the middle 32 bits", () => {
	expect(ntpOf(epochMs(0))).toEqual({ seconds: 2_208_988_800, fraction: 0 });
	expect(ntpOf(epochMs(1500))).toEqual({ seconds: 2_208_988_801, fraction: 2 ** 31 });
	expect(ntpMiddle({ seconds: 0x1234_5678, fraction: 0x9abc_def0 })).toBe(0x5678_9abc);
});

test("feedback and what applications say is read past; padding of the last packet is not content", () => {
	const feedback = hex("81ce00020000000100000002"); // PLI, RFC 4585
	const padded = hex("a0cb000200000001" + "00000004").map((byte, i) => (i === 0 ? 0xa1 : byte));
	expect(parseRtcp(Buffer.concat([receiverCompound(1, [], "a"), feedback, padded]))).toMatchObject([
		{ kind: "receiverReport" },
		{ kind: "sourceDescription" },
		{ kind: "other", type: 206 },
		{ kind: "goodbye", ssrcs: [1] },
	]);
});

test.for([
	["", "cut short"],
	["80c9", "cut short"],
	["80c9000100", "cut short"],
	["40c9000100000001", "of another version"],
	["8060000100000001", "with a packet of another type"],
	["81c9000100000001", "cut short"],
	["80c80001ffffffff", "cut short"],
	["82cb000100000001", "cut short"],
	["81ca00020000000101ff6162", "cut short"],
] as const)("%s is %s", ([bytes, flaw]) => expect(parseRtcp(hex(bytes))).toBe(flaw));

test("a datagram of nothing but tiny packets is not read to its end", () => {
	const tiny = hex("80cb0000");
	expect(parseRtcp(Buffer.concat(Array.from({ length: 64 }, () => tiny)))).toHaveLength(64);
	expect(parseRtcp(Buffer.concat(Array.from({ length: 65 }, () => tiny)))).toBe("with too many packets");
});

test("no damage makes it throw", () => {
	const anyDamage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 });
	fc.assert(
		fc.property(anyReport, anyName, anyDamage, fc.nat(2000), (report, cname, damage, length) => {
			const bytes = goodbyeCompound(report, cname).slice(0, length);
			for (const [at, value] of damage) if (bytes.length > 0) bytes[at % bytes.length] = value;
			parseRtcp(bytes);
		}),
	);
});
