/**
 * How a unit names itself in MPEG-TS: its number and its rendition, as transport_private_data in the adaptation field
 * of the unit's first packet of the leading PID (ISO/IEC 13818-1, clause 2.4.3.5). The bytes there are data fields of
 * ETSI TS 101 154, annex D: tag, length, data. Ours is the one for registered private data, told from others' by its
 * format identifier. Demultiplexers that do not know it pass over it, as they do over all private data.
 */
import { readUint32, writeUint32 } from "../../base/bytes.ts";
import { isName, parseName } from "../../base/name.ts";
import type { UnitHead } from "../packaging.ts";

/** data_field_tag of registered private data (ETSI TS 101 154, table D.1). */
const TAG_REGISTERED = 0xdf;
/** "PNST". Private use: nobody has registered it. */
const FORMAT_IDENTIFIER = 0x504e_5354;
/** Tag, length, format identifier, number. */
const FIXED_BYTES = 10;

export interface UnitName {
	readonly number: number;
	readonly rendition: string;
}

/**
 * The data field of a unit: 11 to 138 bytes. Of the number, the low 32 bits.
 * @throws PenstockError NAME_INVALID when the rendition's name is none
 */
export function unitNameField(head: UnitHead): Uint8Array {
	const name = new TextEncoder().encode(parseName(head.rendition, "the name of a rendition"));
	const out = new Uint8Array(FIXED_BYTES + name.length);
	out[0] = TAG_REGISTERED;
	out[1] = out.length - 2;
	writeUint32(out, 2, FORMAT_IDENTIFIER);
	writeUint32(out, 6, head.number);
	out.set(name, FIXED_BYTES);
	return out;
}

/** The unit's name among the data fields of a packet; undefined where there is none that makes sense. */
export function parseUnitName(privateData: Uint8Array): UnitName | undefined {
	for (let at = 0; at + 2 <= privateData.length; at += 2 + privateData[at + 1]!) {
		const end = at + 2 + privateData[at + 1]!;
		if (privateData[at] !== TAG_REGISTERED || end > privateData.length || end <= at + FIXED_BYTES) continue;
		if (readUint32(privateData, at + 2) !== FORMAT_IDENTIFIER) continue;
		const rendition = String.fromCharCode(...privateData.subarray(at + FIXED_BYTES, end));
		if (isName(rendition)) return { number: readUint32(privateData, at + 6), rendition };
	}
	return undefined;
}
