import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tinyFile } from "../../test/kit/tiny-encodes.ts";
import type { PenstockError } from "../base/errors.ts";
import type { AccessUnit } from "./access-unit.ts";
import { leb128, OBU_FRAME, OBU_TEMPORAL_DELIMITER, parseAv1C } from "./av1.ts";
import { IVF_MAX_FRAME_BYTES, IvfReader } from "./ivf.ts";

const AV1 = parseAv1C(new Uint8Array(Buffer.from("81000c000a0b000000043d06d402f80040", "hex")));

const obu = (type: number, ...payload: number[]): number[] => [(type << 3) | 2, ...leb128(payload.length), ...payload];

function header(fourcc = "AV01", denominator = 90_000, numerator = 1): Buffer {
	const bytes = Buffer.alloc(32);
	bytes.write(`DKIF\0\0 \0${fourcc}`, "latin1");
	bytes.writeUInt32LE(denominator, 16);
	bytes.writeUInt32LE(numerator, 20);
	return bytes;
}

function frame(stamp: number, key: boolean, ...payload: number[]): Buffer {
	const config = key ? [...AV1.sequenceHeader] : [];
	const picture = obu(OBU_FRAME, key ? 0x10 : 0x30, ...payload);
	const data = Buffer.from([...obu(OBU_TEMPORAL_DELIMITER), ...config, ...picture]);
	const head = Buffer.alloc(12);
	head.writeUInt32LE(data.length);
	head.writeBigInt64LE(BigInt(stamp), 4);
	return Buffer.concat([head, data]);
}

function read(pieces: readonly Uint8Array[]): { told: string[]; units: AccessUnit[]; reader: IvfReader } {
	const told: string[] = [];
	const units: AccessUnit[] = [];
	const reader = new IvfReader({
		accessUnit: (unit) => {
			units.push(unit);
			told.push(`${unit.key ? "key" : "picture"} ${unit.pts} ${Buffer.from(unit.data).toString("hex")}`);
		},
		decodeInformation: ({ video }) => void told.push(`config ${video?.codecString} ${video?.width}x${video?.height}`),
		unitStart: ({ time }) => void told.push(`unit ${time}`),
		fault: ({ message }: PenstockError) => void told.push(message),
	});
	for (const piece of pieces) reader.push(piece);
	reader.end();
	return { told, units, reader };
}

describe("IVF", () => {
	it("of FFmpeg gives every picture with its exact time, without delimiters", async () => {
		const encoder = ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-g", "3"];
		const times = ["-enc_time_base", "1:90000", "-fps_mode", "passthrough"];
		const file = await tinyFile("ivf", "192x128", [...encoder, ...times]);
		const { told, units, reader } = read([file]);
		expect(reader.faults).toBe(0);
		expect(told[0]).toMatch(/^config av01\.0\.\d\dM\.08 192x128$/);
		expect(told.filter((text) => /^(config|unit)/.test(text)).slice(1)).toEqual(["unit 0", "unit 27000"]);
		expect(units.map(({ pts, dts, key }) => [pts, dts, key])).toEqual(
			[0, 9000, 18_000, 27_000, 36_000, 45_000].map((time, i) => [time, time, i % 3 === 0]),
		);
	});

	it("says the same however it is cut", () => {
		const stream = Buffer.concat([header(), frame(-585, true, 1), frame(3000, false, 2, 3), frame(2 ** 40, true, 4)]);
		const whole = read([stream]);
		expect(whole.told).toEqual([
			...["config av01.0.00M.08 322x182", "unit -585", "key -585 32021001"],
			...["picture 3000 3203300203", "unit 1099511627776", "key 1099511627776 32021004"],
		]);
		fc.assert(
			fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
				const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
				const pieces = places.slice(1).map((end, i) => stream.subarray(places[i], end));
				expect(read(pieces).told).toEqual(whole.told);
			}),
		);
	});

	it("of another time base comes on the clock of 90 kHz", () => {
		const { units } = read([header("AV01", 30_000, 1001), frame(0, true), frame(1, false), frame(2, false)]);
		expect(units.map(({ pts }) => pts)).toEqual([0, 3003, 6006]);
	});

	it.each([
		["another codec", header("VP90"), /^STREAM_UNSUPPORTED: the IVF stream at byte 0 carries "VP90"/],
		["no time base", header("AV01", 0), /at byte 0 has the time base 1\/0/],
		["other bytes", Buffer.alloc(32, 7), /at byte 0 does not begin with "DKIF"/],
		["a frame without bytes", Buffer.concat([header(), Buffer.alloc(12)]), /at byte 32 has a frame of 0 bytes/],
		[
			"a frame too large",
			Buffer.concat([header(), Buffer.alloc(12, 0xff)]),
			/at byte 32 has a frame of 4294967295 bytes/,
		],
		[
			"a cut frame",
			Buffer.concat([header(), frame(0, true).subarray(0, 20)]),
			/at byte 44 ends after 8 bytes of a frame/,
		],
	])("with %s ends there with one fault", (_, bytes, message) => {
		const { told, reader } = read([bytes]);
		expect(told.at(-1)).toMatch(message);
		expect(reader.faults).toBe(1);
	});

	it("with a broken picture leaves that out and goes on", () => {
		const broken = frame(3000, false, 1);
		broken[12 + 3] = 0x7f; // the frame OBU's size
		const { told, reader } = read([header(), frame(0, true), broken, frame(6000, false)]);
		expect(told.filter((text) => /^(key|picture)/.test(text)).map((text) => text.split(" ")[1])).toEqual(["0", "6000"]);
		expect(reader.faults).toBe(1);
	});

	it("of any bytes throws nothing and holds no more than a frame", () => {
		const part = fc.oneof(fc.constantFrom(header(), frame(0, true), frame(1, false)), fc.uint8Array({ maxLength: 40 }));
		fc.assert(
			fc.property(fc.array(part, { maxLength: 8 }), (pieces) => {
				const { reader } = read([header(), ...pieces]);
				expect(reader.heldBytes).toBeLessThanOrEqual(IVF_MAX_FRAME_BYTES);
			}),
			{ numRuns: 1_000 },
		);
	});
});
