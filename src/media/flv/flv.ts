/**
 * FLV as a packaging: what `.flv` responses are made of. A response starts with the FLV header, PreviousTagSize0 and
 * `onMetaData`; each unit brings its sequence headers, and parameter sets in its IDR picture's tag besides, which VLC
 * needs; a switch sends tags only (requirements S4, S9d). There is a form for every codec of the house: FLV 10.1 for
 * H.264 and AAC, Enhanced RTMP v2 for HEVC, AV1 and Opus.
 */
import type { Packaging } from "../packaging.ts";
import { FLV_NAME } from "../packaging-names.ts";
import { FlvUnitWriter, writeResponseStart } from "./writer.ts";

export const flv: Packaging = {
	...FLV_NAME,
	refusal: () => undefined,
	responseStart: (head, allocate) => writeResponseStart(head, allocate),
	openUnit: (head) => new FlvUnitWriter(head),
	// Tags bear no counter, and players follow time stamps that jump ahead: there is nothing to be said.
	hole: () => undefined,
};
