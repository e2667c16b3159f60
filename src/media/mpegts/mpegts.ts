/**
 * MPEG-TS as a packaging: what `.ts` responses are made of. A response needs no start of its own, since every unit
 * begins with PAT, PMT and an IDR picture with its parameter sets (requirements S4, S9a).
 */
import type { Packaging } from "../packaging.ts";
import { MPEGTS_NAME } from "../packaging-names.ts";
import { refusalOf } from "./program.ts";
import { MpegTsUnitWriter, writeHole } from "./writer.ts";

export const mpegTs: Packaging = {
	...MPEGTS_NAME,
	refusal: refusalOf,
	responseStart: () => undefined,
	openUnit: (head) => new MpegTsUnitWriter(head),
	hole: (head, allocate) => writeHole(head, allocate),
};
