/**
 * How a unit names itself in fragmented MP4: an event message box (ISO/IEC 23009-1, clause 5.10.3.3) between its moov and
 * its first moof. Players that do not know the scheme pass over the box.
 */
import { readUint32 } from "../../base/bytes.ts";
import { isName, parseName } from "../../base/name.ts";
import { type Ticks90k, ticks90k } from "../../base/units.ts";
import type { UnitHead } from "../packaging.ts";
import type { UnitStart } from "../stream-reader.ts";
import { fullBox, uint32 } from "./box.ts";
import { absoluteTime, ticksOf, WRITTEN_TIMESCALE } from "./media-time.ts";

/** scheme_id_uri: its `value` is a rendition, its `id` a unit's number, its presentation_time the unit's time. */
const UNIT_SCHEME = "urn:penstock:unit:1";
const DURATION_UNKNOWN = 0xffff_ffff;
/** From the box's version to its id. */
const FIXED_BYTES = 24;

/**
 * The event message of a unit. Of the number, the low 32 bits.
 * @throws PenstockError NAME_INVALID when the rendition's name is none
 */
export function unitMessage(head: UnitHead): Uint8Array {
	const rendition = parseName(head.rendition, "the name of a rendition");
	const time = Math.max(0, head.time);
	return fullBox(
		"emsg",
		1,
		0,
		uint32(WRITTEN_TIMESCALE),
		uint32(Math.floor(time / 2 ** 32)),
		uint32(time >>> 0),
		uint32(DURATION_UNKNOWN),
		uint32(head.number >>> 0),
		new TextEncoder().encode(`${UNIT_SCHEME}\0${rendition}\0`),
	);
}

/** What an event message says of a unit; undefined where it is of another scheme, or makes no sense. */
export function parseUnitMessage(payload: Uint8Array): Required<UnitStart> | undefined {
	if (payload[0] !== 1 || payload.length < FIXED_BYTES) return undefined;
	const timescale = readUint32(payload, 4);
	const texts = payload.subarray(FIXED_BYTES);
	const schemeEnd = texts.indexOf(0);
	const valueEnd = texts.indexOf(0, schemeEnd + 1);
	if (timescale === 0 || schemeEnd !== UNIT_SCHEME.length || valueEnd < 0) return undefined;
	if (String.fromCharCode(...texts.subarray(0, schemeEnd)) !== UNIT_SCHEME) return undefined;
	const rendition = String.fromCharCode(...texts.subarray(schemeEnd + 1, Math.min(valueEnd, schemeEnd + 1000)));
	const time: Ticks90k = ticksOf(absoluteTime(payload, 8, timescale), 0, timescale);
	if (!isName(rendition) || !Number.isSafeInteger(time)) return undefined;
	return { time: ticks90k(time), rendition, number: readUint32(payload, 20) };
}
