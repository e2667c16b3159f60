/** Payloads of H.264 and HEVC by hand: how pictures begin and end, what holes cost, what broken senders send. */
import { expect, test } from "vitest";
import { described, openRtp, rtpPacket } from "../../../test/kit/rtp-rig.ts";
import { toBase64 } from "./text-bytes.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
/** x264, Main: 640×360 and 320×180. */
const SPS = hex("674d401ed900a02ff97011000003000100000300320f162e48");
const SMALL_SPS = hex("674d400cd901419f9f011000000300100000030320f142a480");
const PPS = hex("68ebc3cb20");
const IDR = hex("65 88 11 22 33 44");
const SLICE = hex("41 9a 01 02 03");
const SECOND_SLICE = hex("41 1a 05 06");
const SEI = hex("06 05 01 aa 80");
const AUD = hex("09 f0");
const SPROP = { "packetization-mode": "1", "sprop-parameter-sets": [SPS, PPS].map(toBase64).join(",") };

const lengthed = (...nals: readonly Uint8Array[]): Uint8Array =>
	Buffer.concat(nals.flatMap((nal) => [Uint8Array.of(nal.length >> 8, nal.length), nal]));
const stapA = (...nals: readonly Uint8Array[]): Uint8Array => Buffer.concat([Uint8Array.of(0x78), lengthed(...nals)]);
const fuA = (nal: Uint8Array, part: Uint8Array, flags: number): Uint8Array =>
	Buffer.concat([Uint8Array.of((nal[0]! & 0xe0) | 28, flags | (nal[0]! & 0x1f)), part]);

/** Payloads, each with what its packet says: "." where the marker is, "gap" before it where one is lost. */
type Step = readonly [payload: Uint8Array, timestamp: number, marker?: "." | "", before?: "gap"];

function send(steps: readonly Step[], parameters: Record<string, string> = SPROP, waitForKey = false) {
	const rig = openRtp([described("H264", 90_000, parameters)], { waitForKey });
	let number = 0;
	for (const [payload, timestamp, marker, before] of steps) {
		if (before === "gap") number++;
		rig.push(rtpPacket({ number, timestamp, marker: marker === ".", payload }));
		rig.clock.advance(300);
		number++;
	}
	rig.session.end();
	const pictures = rig.accessUnits.map(({ data, key }) => `${key ? "key " : ""}${nalsIn(data)}`);
	return { ...rig, pictures, counts: rig.streams[0]!.counts, messages: rig.faults.map(({ message }) => message) };
}

/** The types of the NAL units, which fill the data to its last byte. */
function nalsIn(data: Uint8Array): string {
	const types: number[] = [];
	let at = 0;
	for (; at < data.length; at += 4 + Buffer.from(data).readUInt32BE(at)) types.push(data[at + 4]! & 0x1f);
	expect(at).toBe(data.length);
	return types.join(" ");
}

test("single NAL units, an aggregate and fragments are one picture; sets and delimiters are not in its data", () => {
	const half = [IDR.subarray(1, 3), IDR.subarray(3, 4), IDR.subarray(4)] as const;
	const { pictures, accessUnits, decodes, messages } = send([
		[stapA(AUD, SPS, PPS, SEI), 100],
		[fuA(IDR, half[0], 0x80), 100],
		[fuA(IDR, half[1], 0), 100],
		[fuA(IDR, half[2], 0x40), 100],
		[SECOND_SLICE, 100, "."],
		[SLICE, 3700, "."],
	]);
	expect(pictures).toEqual(["key 6 5 1", "1"]);
	expect(Buffer.from(accessUnits[0]!.data).includes(Buffer.from(IDR))).toBe(true);
	expect(accessUnits[1]!.pts - accessUnits[0]!.pts).toBe(3600);
	expect(decodes).toMatchObject([{ video: { codec: "h264", width: 640, height: 360 } }]);
	expect(messages).toEqual([]);
});

test("a picture without a marker ends where the next timestamp begins; the last one may lack its end, and is dropped", () => {
	const { pictures, counts } = send([
		[IDR, 100],
		[SLICE, 3700],
		[SECOND_SLICE, 3700],
		[SLICE, 7300],
	]);
	expect([pictures, counts.dropped]).toEqual([["key 5", "1 1"], 1]);
});

test("parameter sets may come in the stream alone, with the picture or with a marker of their own before it", () => {
	expect(send([[stapA(SPS, PPS, IDR), 1, "."]], {}).pictures).toEqual(["key 5"]);
	expect(
		send(
			[
				[SPS, 1, "."],
				[PPS, 1, "."],
				[IDR, 1, "."],
			],
			{},
		).pictures,
	).toEqual(["key 5"]);
	expect(
		send(
			[
				[SLICE, 1, "."],
				[IDR, 2, "."],
			],
			{},
		).pictures,
	).toEqual([]);
});

test("a camera that changes its resolution gives new decode information, before the picture that needs it", () => {
	const { decodes, pictures } = send([
		[stapA(SPS, PPS), 1],
		[IDR, 1, "."],
		[stapA(SPS, PPS), 2],
		[IDR, 2, "."],
		[stapA(SMALL_SPS, PPS), 3],
		[IDR, 3, "."],
	]);
	expect(decodes.map(({ video }) => video?.codec === "h264" && [video.width, video.height, video.sps.length])).toEqual([
		[640, 360, 1],
		[320, 180, 1],
	]);
	expect(pictures).toEqual(["key 5", "key 5", "key 5"]);
});

test("a picture that lost a packet in its middle or at its end is dropped whole; the next one comes", () => {
	const lost = send([
		[IDR, 1, "."],
		[SLICE, 2],
		[SECOND_SLICE, 2, ".", "gap"],
		[SLICE, 3],
		[SLICE, 4, ".", "gap"],
		[SLICE, 5, "."],
	]);
	expect(lost.pictures).toEqual(["key 5", "1", "1"]);
	expect(lost.accessUnits.map(({ pts }) => pts - lost.accessUnits[0]!.pts)).toEqual([0, 3, 4]);
	expect(lost.counts).toMatchObject({ lost: 2, dropped: 2, badPayloads: 0 });
	expect(lost.messages).toEqual([expect.stringMatching(/^RTP_LOST: .*1 packets before number 3 /), expect.anything()]);
});

test("behind a hole a picture counts as whole only if it begins like one", () => {
	const second = send([
		[IDR, 1, "."],
		[SECOND_SLICE, 2, ".", "gap"],
		[SLICE, 3, "."],
	]);
	expect(second.pictures).toEqual(["key 5", "1"]);
	expect(second.counts.dropped).toBe(1);
	const middle = send([
		[IDR, 1, "."],
		[fuA(SLICE, SLICE.subarray(1), 0x40), 2, ".", "gap"],
		[SLICE, 3, "."],
	]);
	expect(middle.pictures).toEqual(["key 5", "1"]);
	for (const first of [SLICE, stapA(AUD, SLICE), SEI]) {
		expect(
			send([
				[IDR, 1, "."],
				[first, 2, "", "gap"],
				[SLICE, 2, "."],
			]).counts.dropped,
			nalsIn(lengthPrefixed(first)),
		).toBe(0);
	}
});

const lengthPrefixed = (nal: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.of(0, 0, 0, nal.length), nal]);

test("a key picture whose parameter sets may be what was lost is dropped; not where the description alone has them", () => {
	const inBand = send([
		[stapA(SPS, PPS, IDR), 1, "."],
		[IDR, 2, ".", "gap"],
		[stapA(SPS, PPS, IDR), 3, "."],
	]);
	expect(inBand.pictures).toEqual(["key 5", "key 5"]);
	expect(
		send([
			[IDR, 1, "."],
			[IDR, 2, ".", "gap"],
		]).pictures,
	).toEqual(["key 5", "key 5"]);
});

test("where it is asked for, nothing that may refer to a lost picture is given before the next key picture", () => {
	const steps: Step[] = [
		[SLICE, 1, "."],
		[IDR, 2, "."],
		[SLICE, 3, "."],
		[SLICE, 5, ".", "gap"],
		[SLICE, 6, "."],
		[IDR, 7, "."],
		[SLICE, 8, "."],
	];
	const waiting = send(steps, SPROP, true);
	expect(waiting.pictures).toEqual(["key 5", "1", "key 5", "1"]);
	expect(waiting.counts).toMatchObject({ lost: 1, dropped: 3 });
	expect(send(steps).pictures.length).toBe(7);
});

test("what broken or strange senders send is told by code, left out, and the stream goes on", () => {
	const broken: readonly Step[] = [
		[hex("7c 05 aa bb"), 2, "."], // FU-A without its beginning, though nothing is lost
		[fuA(IDR, IDR.subarray(1), 0x80), 3, "."], // and without its end
		[hex("78 00 09 41"), 4, "."], // STAP-A that claims too much
		[hex("79 00 00 00 02 41 9a"), 5, "."], // STAP-B
		[hex("7c 85"), 6, "."], // FU-A of nothing
		[hex("1f"), 7, "."],
	];
	for (const step of broken) {
		const { pictures, messages, counts } = send([[IDR, 1, "."], step, [SLICE, 100, "."]]);
		expect(pictures).toEqual(["key 5", "1"]);
		expect(messages).toEqual([expect.stringMatching(/^RTP_PAYLOAD: RTP stream of payload type 96 \(H264\): /)]);
		expect(counts.badPayloads).toBe(1);
	}
	const nonsense = send([
		[IDR, 1, "."],
		[stapA(hex("67 00"), hex("68"), IDR), 2, "."],
		[SLICE, 3, "."],
	]);
	expect(nonsense.pictures).toEqual(["key 5", "1"]);
	expect(nonsense.messages.length).toBe(1);
});

test("a picture larger than any is told and left out, and no more is kept of it than the bound", () => {
	const rig = openRtp([described("H264", 90_000, SPROP)]);
	const part = new Uint8Array(60_000).fill(0xd5);
	for (let number = 0; number < 100; number++) {
		const flags = number === 0 ? 0x80 : number === 99 ? 0x40 : 0;
		rig.push(rtpPacket({ number, timestamp: 1, marker: number === 99, payload: fuA(IDR, part, flags) }));
		expect(rig.session.heldBytes).toBeLessThanOrEqual(4 * 2 ** 20);
	}
	rig.push(rtpPacket({ number: 100, timestamp: 2, marker: true, payload: IDR }));
	expect(rig.accessUnits.length).toBe(1);
	expect(rig.faults.map(({ code }) => code)).toEqual(["RTP_PAYLOAD"]);
});

test("HEVC: aggregates and fragments with headers of two and three bytes (RFC 7798, 4.4)", () => {
	const sets = [
		"40010c01ffff01600000030090000003000003003f928090",
		"42010101600000030090000003000003003fa0050201696592a4932bc05a020000030002000003003210",
		"4401c172b46240",
	].map(hex);
	const idr = hex("26 01 af 11 22 33");
	const slice = hex("02 01 d0 44 55");
	const rig = openRtp([described("H265", 90_000)]);
	const ap = Buffer.concat([hex("60 01"), lengthed(...sets)]);
	const fu = (part: string, flags: number): Uint8Array =>
		Buffer.concat([hex("62 01"), Uint8Array.of(flags | 19), hex(part)]);
	for (const [number, [payload, timestamp, marker]] of [
		[ap, 1, false] as const,
		[fu("af 11", 0x80), 1, false] as const,
		[fu("22 33", 0x40), 1, true] as const,
		[slice, 2, true] as const,
	].entries()) {
		rig.push(rtpPacket({ number, timestamp, marker, payload }));
	}
	expect(rig.faults).toEqual([]);
	expect(rig.decodes).toMatchObject([{ video: { codec: "hevc", width: 640, height: 360 } }]);
	expect(rig.accessUnits.map(({ key, data }) => [key, Buffer.from(data).toString("hex")])).toEqual([
		[true, Buffer.from(lengthPrefixed(idr)).toString("hex")],
		[false, Buffer.from(lengthPrefixed(slice)).toString("hex")],
	]);
});
