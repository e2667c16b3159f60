import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyDamage, anySizes, cut, damaged } from "../../test/kit/random-units.ts";
import type { PenstockError } from "../base/errors.ts";
import {
	MOST_BODY_BYTES,
	MOST_HEADER_BYTES,
	MOST_HEADER_LINES,
	type RtspRequest,
	type RtspResponse,
	writePacket,
	writeRequest,
	writeResponse,
} from "./rtsp-message.ts";
import { RtspReader } from "./rtsp-reader.ts";

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

interface Seen {
	/** Requests, responses and packets in the order in which they came, as values that compare. */
	readonly things: unknown[];
	readonly faults: PenstockError[];
	readonly reader: RtspReader;
}

function readAll(chunks: readonly Uint8Array[], takesPackets = true): Seen {
	const things: unknown[] = [];
	const faults: PenstockError[] = [];
	const shown = ({ headers, body, ...rest }: RtspRequest | RtspResponse): void =>
		void things.push({ ...rest, fields: headers.entries, body: Buffer.from(body).toString("hex") });
	const reader = new RtspReader({
		request: shown,
		response: shown,
		packet: (channel, payload) => things.push({ channel, payload: Buffer.from(payload).toString("hex") }),
		fault: (error) => faults.push(error),
	});
	reader.takesPackets = takesPackets;
	for (const chunk of chunks) {
		reader.push(chunk);
		// What the reader was handed is the caller's again.
		chunk.fill(0x5a);
	}
	return { things, faults, reader };
}

const readText = (text: string, takesPackets = true): Seen => readAll([bytesOf(text)], takesPackets);
const codes = ({ faults }: Seen): string[] => faults.map(({ code }) => code);

/** As FFmpeg, GStreamer, VLC and a camera send them. */
const CONVERSATION = Buffer.concat([
	bytesOf("OPTIONS rtsp://127.0.0.1:8554/live/cam RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: Lavf59.27.100\r\n\r\n"),
	bytesOf(
		"ANNOUNCE rtsp://127.0.0.1:8554/live/cam RTSP/1.0\r\nContent-Type: application/sdp\r\nCSeq: 2\r\nContent-Length: 7\r\n\r\nv=0\r\n\r\n",
	),
	writePacket(0, Uint8Array.from([0x80, 96, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 0x24, 0, 0, 0])),
	writePacket(1, new Uint8Array(0)),
	bytesOf("\r\nRTSP/1.0 200 OK\r\nCSeq: 7\nSession: 12345678;timeout=60\r\n\r\n"),
	bytesOf("TEARDOWN rtsp://127.0.0.1:8554/live/cam/ RTSP/1.0\nCSeq:9\nSession:12345678\n\n"),
]);

describe("the reader of RTSP", () => {
	test("gives requests, responses and packets in their order, fields trimmed and named in lower case", () => {
		const { things, faults, reader } = readAll([Uint8Array.from(CONVERSATION)]);
		expect(faults).toEqual([]);
		expect(things).toEqual([
			expect.objectContaining({ method: "OPTIONS", target: "rtsp://127.0.0.1:8554/live/cam", version: "1.0" }),
			expect.objectContaining({ method: "ANNOUNCE", body: "763d300d0a0d0a" }),
			{ channel: 0, payload: "806000010000000001020304240000" + "00" },
			{ channel: 1, payload: "" },
			expect.objectContaining({
				status: 200,
				reason: "OK",
				fields: [
					["cseq", "7"],
					["session", "12345678;timeout=60"],
				],
			}),
			expect.objectContaining({
				method: "TEARDOWN",
				fields: [
					["cseq", "9"],
					["session", "12345678"],
				],
			}),
		]);
		expect([reader.heldBytes, reader.isWithin]).toEqual([0, false]);
	});

	test("gives the same however the bytes are cut, whole or damaged", () => {
		fc.assert(
			fc.property(anySizes, fc.option(anyDamage), fc.boolean(), (sizes, damage, takesPackets) => {
				const bytes = damage === null ? Uint8Array.from(CONVERSATION) : damaged(CONVERSATION, damage);
				const [expected, seen] = [readAll([bytes.slice()], takesPackets), readAll(cut(bytes, sizes), takesPackets)];
				expect(seen.things).toEqual(expected.things);
				expect(seen.faults.map(String)).toEqual(expected.faults.map(String));
				expect(seen.faults.length).toBeLessThanOrEqual(1);
			}),
			{ numRuns: 2000 },
		);
	});

	test("gives one byte at a time what it gives at once", () => {
		const expected = readAll([Uint8Array.from(CONVERSATION)]).things;
		expect(readAll(cut(Uint8Array.from(CONVERSATION), [1])).things).toEqual(expected);
	});

	test("never throws, and keeps no more than its limits, whatever comes", () => {
		const most = MOST_HEADER_BYTES + MOST_BODY_BYTES + 32 * 1024;
		fc.assert(
			fc.property(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 40 }), fc.boolean(), (chunks, framed) => {
				const { reader, faults } = readAll(framed ? [Uint8Array.of(0x24, 0, 0xff, 0xff), ...chunks] : chunks);
				expect(reader.heldBytes).toBeLessThanOrEqual(most);
				for (const { code } of faults) expect(["RTSP_MALFORMED", "RTSP_LIMIT"]).toContain(code);
			}),
		);
	});

	test("reads nothing behind a fault", () => {
		const seen = readText(`\x16\x03\x01\x02${CONVERSATION.toString("latin1")}`);
		expect([seen.things, codes(seen), seen.reader.heldBytes]).toEqual([[], ["RTSP_MALFORMED"], 0]);
	});

	test("takes a packet for a fault where none may come, at its first byte", () => {
		expect(codes(readText("$", false))).toEqual(["RTSP_MALFORMED"]);
	});
});

describe("the reader of RTSP takes no more than", () => {
	const head = "OPTIONS * RTSP/1.0\r\n";

	test(`${MOST_HEADER_BYTES} bytes of header, and says so before its end comes`, () => {
		const fit = `${head}X: ${"x".repeat(MOST_HEADER_BYTES - head.length - 7)}\r\n\r\n`;
		expect(fit.length).toBe(MOST_HEADER_BYTES);
		expect(readText(fit).things.length).toBe(1);
		expect(codes(readText(`${head}X: ${"x".repeat(MOST_HEADER_BYTES)}`))).toEqual(["RTSP_LIMIT"]);
	});

	test(`${MOST_HEADER_LINES} lines of header`, () => {
		const lines = (count: number): string => `${head}${"X: 1\r\n".repeat(count)}\r\n`;
		expect(readText(lines(MOST_HEADER_LINES)).things.length).toBe(1);
		expect(codes(readText(lines(MOST_HEADER_LINES + 1)))).toEqual(["RTSP_LIMIT"]);
	});

	test(`${MOST_BODY_BYTES} bytes of body, before any of them comes`, () => {
		const seen = readText(`${head}Content-Length: ${MOST_BODY_BYTES + 1}\r\n\r\n`);
		expect([codes(seen), seen.things]).toEqual([["RTSP_LIMIT"], []]);
		const waiting = readText(`${head}Content-Length: ${MOST_BODY_BYTES}\r\n\r\n`);
		expect([waiting.reader.isWithin, waiting.reader.heldBytes]).toEqual([true, 0]);
	});

	test("a few milliseconds for a line of spaces", () => {
		const began = performance.now();
		readText(`${head}X: a${" ".repeat(15_000)}b\r\n${"Y: ".padEnd(900, " ")}\r\n\r\n`);
		expect(performance.now() - began).toBeLessThan(100);
	});
});

describe("a message that could be read in two ways is refused:", () => {
	const hidden = "DESCRIBE rtsp://h/live/hidden RTSP/1.0\r\nCSeq: 2\r\n\r\n";
	const withField = (field: string): string => `OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n${field}\r\n\r\n${hidden}`;
	test.each([
		["two lengths", withField("Content-Length: 0\r\nContent-Length: 53")],
		["a list of lengths", withField("Content-Length: 0, 0")],
		["a signed length", withField("Content-Length: +0")],
		["a length in hexadecimal", withField("Content-Length: 0x35")],
		["an empty length", withField("Content-Length:")],
		["a Transfer-Encoding", withField("Transfer-Encoding: chunked")],
		["a folded field", withField("X: a\r\n b: c")],
		["space before the colon", withField("Content-Length : 53")],
		["a field without a colon", withField("Content-Length 53")],
		["a field without a name", withField(": 53")],
		["NUL in a value", withField("X: a\0b")],
		["a bare CR", withField("X: a\rContent-Length: 53")],
		["a space in the URL", `OPTIONS rtsp://h/a b RTSP/1.0\r\n\r\n${hidden}`],
		["HTTP", `GET /live/cam HTTP/1.1\r\n\r\n${hidden}`],
		["no version", `OPTIONS *\r\n\r\n${hidden}`],
		["a method in lower case", `options * RTSP/1.0\r\n\r\n${hidden}`],
	])("%s", (_, text) => {
		const seen = readText(text);
		expect([seen.things, codes(seen)]).toEqual([[], ["RTSP_MALFORMED"]]);
	});

	test("but the same length twice is one", () => {
		expect(
			readText(withField(`Content-Length: ${hidden.length}\r\nContent-Length: ${hidden.length}`)).things.length,
		).toBe(1);
	});
});

describe("what is written", () => {
	const anyText = fc.string({ unit: "binary", maxLength: 80 });

	test("is one message with as many fields as were given, whatever stands in them", () => {
		fc.assert(
			fc.property(anyText, anyText, anyText, anyText, fc.option(fc.uint8Array({ maxLength: 50 })), (...made) => {
				const [target, session, range, why, body] = made;
				const message = {
					headers: [
						["CSeq", "1"],
						["Session", session],
						["Range", range],
					] as const,
					...(body !== null && { body }),
				};
				const request = readAll([writeRequest("PLAY", `rtsp://h/${target}`, message)]);
				const response = readAll([writeResponse(404, message, why)]);
				for (const { things, faults } of [request, response]) {
					expect(faults).toEqual([]);
					expect(things.length).toBe(1);
					const { fields } = things[0] as { fields: [string, string][] };
					expect(fields.map(([name]) => name).filter((name) => name !== "content-length")).toEqual([
						"cseq",
						"session",
						"range",
					]);
				}
			}),
			{ numRuns: 1000 },
		);
	});

	test("holds no line that a value brought with it", () => {
		const text = Buffer.from(writeResponse(200, { headers: [["Session", "1\r\nLocation: rtsp://evil/"]] })).toString(
			"latin1",
		);
		expect(text).toBe("RTSP/1.0 200 OK\r\nSession: 1  Location: rtsp://evil/\r\n\r\n");
	});
});
