/** What FLV keeps as every packaging does, to the nearest millisecond; and AV1, in its enhanced form. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyUnit, pieces } from "../../../test/kit/random-units.ts";
import { describeReader, readAll } from "../../../test/kit/reader-contract.ts";
import { type WrittenUnit, writeResponse } from "../../../test/kit/switching-units.ts";
import { ticks90k } from "../../base/units.ts";
import type { AccessUnit } from "../access-unit.ts";
import { parseAv1C } from "../av1.ts";
import type { StreamSink } from "../stream-reader.ts";
import { flv } from "./flv.ts";
import { FLV_MAX_TAG_BYTES, FLV_TIME_BITS, FlvReader } from "./reader.ts";

const open = (sink: StreamSink): FlvReader => new FlvReader(sink);

describeReader("FLV", {
	packaging: flv,
	open,
	codes: ["FLV_SYNTAX", "STREAM_UNSUPPORTED"],
	mostHeld: (pushed) => Math.min(pushed, FLV_MAX_TAG_BYTES + 65_540),
	heldAtRest: 0,
	heldAtEnd: 0,
	growth: 1,
	tick: 90,
	wrap: 90 * 2 ** FLV_TIME_BITS,
	tracksAhead: true,
	carriesPreSkip: true,
	firstWaits: false,
	closesUnits: false,
	bridgesHoles: false,
	lure: Uint8Array.of(9, 0, 0),
});

test("times never go back where DTS does not", () => {
	fc.assert(
		fc.property(anyUnit({ tracks: "h264" }), (unit) => {
			const { accessUnits } = readAll(open, writeResponse(flv, [unit]));
			for (const [index, { dts }] of accessUnits.entries()) {
				if (index > 0) expect(dts).toBeGreaterThanOrEqual(accessUnits[index - 1]!.dts);
			}
		}),
		{ numRuns: 150 },
	);
});

test("AV1 is read back: the sequence header in the tag of each key picture, and not in its data", () => {
	const video = parseAv1C(Buffer.from("81000c000a0b000000043d06d402f80040", "hex"));
	const head = {
		number: 3,
		time: ticks90k(9000),
		pictureDuration: ticks90k(3600),
		accessUnitsBefore: 0,
		rendition: "low",
		decode: { video },
	};
	// OBU_FRAME with a size: show_existing_frame 0, KEY_FRAME, show_frame 1; and one of another frame_type.
	const frame = (time: number, key: boolean): AccessUnit => ({
		track: "video",
		pts: ticks90k(time),
		dts: ticks90k(time),
		key,
		data: Uint8Array.of(0x32, 4, key ? 0x10 : 0x30, 1, 2, 3),
	});
	const unit: WrittenUnit = { head, accessUnits: [frame(9000, true), frame(12_600, false)] };
	const sequenceHeader = Buffer.from(video.sequenceHeader);
	const inTags = pieces(flv, unit).map((piece) => Buffer.from(piece).lastIndexOf(sequenceHeader));
	expect(inTags.map((at) => at > 0)).toEqual([true, false]);
	const { accessUnits, decodes, starts, faults } = readAll(open, writeResponse(flv, [unit]));
	expect(faults).toEqual([]);
	expect(accessUnits).toEqual(unit.accessUnits);
	expect(decodes).toEqual([{ video }]);
	expect(starts).toEqual([{ time: 9000, number: 3, rendition: "low" }]);
});
