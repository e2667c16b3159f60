import { readFileSync } from "node:fs";
import { isIPv4, isIPv6, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressOfRequest, readRequest } from "./distributor.ts";
import { parseAddress } from "./distributor-address.ts";
import { changeAnswerOf, descriptionOf, sortLine, statsOf } from "./distributor-answer.ts";
import { DROP_REASONS } from "./distributor-drops.ts";
import { readLine } from "./distributor-line.ts";
import { mediaClassOf } from "./distributor-media.ts";
import { Refusal, type RefusalCode } from "./distributor-refusal.ts";
import { endpointText, readRule } from "./distributor-rule.ts";

function vectors<Vector>(name: string): Vector[] {
	const file = new URL(`../../test/vectors/distributor/${name}.json`, import.meta.url);
	return JSON.parse(readFileSync(file, "utf8"));
}

interface PacketVector {
	readonly name: string;
	readonly frame: string;
	readonly class?: string;
	readonly reason?: string;
	readonly view?: { readonly payloadOffset: number; readonly payloadLength: number };
}

interface RewriteVector {
	readonly name: string;
	readonly rule: { readonly receivers: readonly { readonly vlan?: number }[] };
	readonly received: string;
	readonly frame?: string;
	readonly reason?: string;
}

interface Step {
	readonly send?: Readonly<Record<string, unknown>>;
	readonly line?: string;
	readonly lineHex?: string;
	readonly answer?: { readonly id: number | null; readonly ok: boolean; readonly error?: { readonly code: string } };
}

/** Judged by a line alone, whatever the table holds. */
const OF_THE_LINE: readonly RefusalCode[] = [
	"JSON_INVALID",
	"ID_INVALID",
	"VERB_UNKNOWN",
	"KEY_UNKNOWN",
	"KEY_MISSING",
	"VALUE_INVALID",
	"PROTOCOL_UNSUPPORTED",
];

/** The code with which a line is refused; undefined where it is taken. */
function refusalOf(line: Uint8Array): string | undefined {
	try {
		const addressed = addressOfRequest(readLine(line));
		if ("refusal" in addressed) return addressed.refusal.code;
		readRequest(addressed);
		return undefined;
	} catch (thrown) {
		if (thrown instanceof Refusal) return thrown.code;
		throw thrown;
	}
}

const bytesOf = ({ send, line, lineHex }: Step): Uint8Array =>
	lineHex === undefined ? Buffer.from(line ?? JSON.stringify(send)) : Buffer.from(lineHex, "hex");

test("the drop reasons are those of the vectors, in their order", () => {
	expect(DROP_REASONS).toEqual(vectors("drop-reasons"));
});

test.each(vectors<PacketVector>("packets").filter(({ view }) => view !== undefined))(
	"the payload of $name is classified",
	({ frame, view, class: medium, reason }) => {
		const from = view!.payloadOffset;
		const payload = Buffer.from(frame, "hex").subarray(from, from + view!.payloadLength);
		expect(mediaClassOf(payload)).toBe(medium);
		expect(reason).toBe(medium === undefined ? "no-media" : undefined);
	},
);

/** The 16-bit one's complement sum. */
function sum(bytes: Uint8Array): number {
	let total = 0;
	for (const [index, byte] of bytes.entries()) total += index % 2 === 0 ? byte << 8 : byte;
	while (total > 0xffff) total = (total & 0xffff) + (total >> 16);
	return total;
}

test.each(vectors<RewriteVector>("rewrites"))("$name: the rule is one, the frame has valid checksums", (vector) => {
	const rule = readRule(vector.rule, []);
	if (vector.frame === undefined) {
		expect(DROP_REASONS).toContain(vector.reason);
		return;
	}
	const frame = Buffer.from(vector.frame, "hex");
	const packet = frame.subarray(rule.receivers[0]!.vlan === undefined ? 14 : 18);
	const six = packet[0]! >> 4 === 6;
	const udp = packet.subarray(six ? 40 : 20);
	const addresses = packet.subarray(six ? 8 : 12, six ? 40 : 20);
	const length = Buffer.from([0, 17, udp.length >> 8, udp.length & 0xff]);
	expect(sum(Buffer.concat([addresses, length, udp]))).toBe(0xffff);
	if (!six) expect(sum(packet.subarray(0, 20))).toBe(0xffff);
	expect(vector.received).toContain(udp.subarray(8).toString("hex"));
});

describe("the conversations' lines", () => {
	test.each(vectors<{ name: string; steps: Step[] }>("conversations"))("$name", ({ steps }) => {
		for (const step of steps) {
			if (step.answer === undefined) continue;
			const code = step.answer.error?.code;
			const expected = OF_THE_LINE.find((one) => one === code);
			expect(refusalOf(bytesOf(step)), JSON.stringify(step)).toBe(expected);
		}
	});
});

describe("a line", () => {
	test("may not have a key twice, however it is written", () => {
		expect(refusalOf(Buffer.from('{"id":1,"do":"lease","leaseMs":500,"lease\\u004ds":600}'))).toBe("JSON_INVALID");
		expect(
			refusalOf(Buffer.from('{"id":1,"do":"hello","protocol":1,"controller":"\\"protocol\\":{["}')),
		).toBeUndefined();
	});

	test("is refused or read, never anything else", () => {
		const request = fc.record({
			id: fc.nat(),
			do: fc.constantFrom("rule.put", "batch", "stats"),
			rule: fc.jsonValue(),
		});
		const line = fc.oneof(
			fc.string(),
			fc.json(),
			request.map((one) => JSON.stringify(one)),
		);
		fc.assert(fc.property(line, (text) => void refusalOf(Buffer.from(text))));
		fc.assert(fc.property(fc.uint8Array(), (bytes) => void refusalOf(bytes)));
	});
});

describe("addresses", () => {
	const known = (text: string): string => parseAddress(text)!.text;

	test("are what Node takes for addresses, in the form that Node gives them", () => {
		const four = fc.ipV4();
		const six = fc.ipV6();
		fc.assert(
			fc.property(fc.oneof(four, six), (text) => {
				const parsed = parseAddress(text);
				if (parsed === undefined) return;
				const family = isIPv4(text) ? "ipv4" : "ipv6";
				expect(parsed.text).toBe(new SocketAddress({ address: text, family }).address);
				expect(parseAddress(parsed.text)).toEqual(parsed);
			}),
			{ numRuns: 1000 },
		);
	});

	test("never are what Node does not take for one", () => {
		const text = fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f:.]{2,20}$/));
		fc.assert(
			fc.property(text, (one) => {
				if (parseAddress(one) !== undefined) expect(isIPv4(one) || isIPv6(one)).toBe(true);
			}),
			{ numRuns: 2000 },
		);
	});

	test("have one text for all their forms", () => {
		expect(known("FD00:0:0:1::0001")).toBe("fd00:0:0:1::1");
		expect(known("fd00::192.0.2.1")).toBe("fd00::c000:201");
		expect(known("1:2:3:4:5:6:7::")).toBe("1:2:3:4:5:6:7:0");
		expect(endpointText({ address: "fd00::1", port: 5004 })).toBe("[fd00::1]:5004");
	});
});

describe("what a distributor says", () => {
	test("is sorted, and what is neither answer nor event is told", () => {
		expect(sortLine({ id: 3, ok: true, changed: true })).toMatchObject({ kind: "answer", id: 3 });
		expect(sortLine({ id: null, ok: false, error: { code: "JSON_INVALID", text: "x" } })).toMatchObject({
			kind: "refused",
			id: null,
			code: "JSON_INVALID",
		});
		expect(sortLine({ event: "lease.ended", rules: ["cam-1"] })).toMatchObject({ kind: "event" });
		expect(sortLine({ event: "moon.rises" })).toEqual({ kind: "unknown-event" });
		expect(sortLine({ id: 1 })).toMatchObject({ kind: "malformed" });
	});

	test("is never trusted to have a form", () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				sortLine(value);
				changeAnswerOf(value);
				const fields = typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
				descriptionOf(fields);
				statsOf(fields);
			}),
		);
	});
});
