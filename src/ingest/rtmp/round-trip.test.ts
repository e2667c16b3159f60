/**
 * What FLV's writer makes of any units, sent in RTMP's messages: all codecs, in both forms of tag, pictures of one byte
 * and of many chunks. The access units come back as FLV's own reader gives them.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyUnit } from "../../../test/kit/random-units.ts";
import { expectSame, readAll } from "../../../test/kit/reader-contract.ts";
import { RtmpMachine } from "../../../test/kit/rtmp-machine.ts";
import { RtmpScript } from "../../../test/kit/rtmp-script.ts";
import { writeResponse } from "../../../test/kit/switching-units.ts";
import type { AccessUnit, DecodeInformation } from "../../media/access-unit.ts";
import { flv } from "../../media/flv/flv.ts";
import { FlvReader } from "../../media/flv/reader.ts";
import { type ScannedTag, TagScanner } from "../../media/flv/tag-scanner.ts";

function tagsOf(file: Uint8Array): ScannedTag[] {
	const tags: ScannedTag[] = [];
	const scanner = new TagScanner({
		tag: (tag) => tags.push({ ...tag, body: tag.body.slice() }),
		header: () => undefined,
		lost: (_, why) => expect.fail(why),
	});
	scanner.push(file);
	return tags;
}

test("units of every codec come back as they were sent, in chunks of any size and headers of any format", () => {
	const chunkSizes = fc.constantFrom(128, 1000, 65_536);
	fc.assert(
		fc.property(
			anyUnit(),
			chunkSizes,
			fc.nat(3),
			fc.integer({ min: 1, max: 70_000 }),
			(unit, chunkSize, format, step) => {
				const file = writeResponse(flv, [unit]);
				const expected = readAll((sink) => new FlvReader(sink), file);
				const seen: AccessUnit[] = [];
				const decodes: DecodeInformation[] = [];
				const starts: object[] = [];
				const machine = new RtmpMachine({
					accessUnit: (accessUnit) => seen.push(accessUnit),
					decodeInformation: (decode) => decodes.push(decode),
					unitStart: (start) => starts.push(start),
					fault: ({ message }) => expect.fail(message),
				});
				const script = new RtmpScript();
				const beginning = Buffer.concat([script.beginning(), script.control(1, chunkSize)]);
				script.scribe.chunkSize = chunkSize;
				const media = tagsOf(file).map(({ type, ms, body }) => {
					return script.message(type, body, { ms, streamId: 1, chunkStream: type === 8 ? 4 : 6, format });
				});
				const bytes = Buffer.concat([beginning, ...media]);
				for (let at = 0; at < bytes.length; at += step) machine.connection.push(bytes.subarray(at, at + step));
				expect(machine.closes).toEqual([]);
				expectSame(seen, expected.accessUnits);
				expect(decodes.at(-1)).toEqual(expected.decodes.at(-1));
				// A publisher names no units, whatever its script tags say.
				for (const start of starts) expect(Object.keys(start)).toEqual(["time"]);
			},
		),
		{ numRuns: 100 },
	);
});
