/**
 * Fragmented MP4 as a packaging: what `.mp4` responses are made of. A response begins with a file type, once; every unit
 * has its own movie header and an IDR picture with its parameter sets (requirements S4, S9c).
 */
import type { Packaging } from "../packaging.ts";
import { FMP4_NAME } from "../packaging-names.ts";
import { fileType } from "./movie-writer.ts";
import { Fmp4UnitWriter } from "./writer.ts";

export const fmp4: Packaging = {
	...FMP4_NAME,
	// Every codec of the house has a form of its own here.
	refusal: () => undefined,
	responseStart: (_head, allocate) => {
		const start = fileType();
		const out = allocate(start.length);
		out.set(start);
		return out;
	},
	openUnit: (head) => new Fmp4UnitWriter(head),
	// Nothing counts on from unit to unit, and every time is absolute.
	hole: () => undefined,
};
