/**
 * A packaging that a test can read: one line an access unit. `rendition unit time tag`, behind a `unit` line; what
 * delivery does with cursors shows in the text.
 */
import { ticksToMs } from "../../src/base/units.ts";
import type { Allocate, Packaging } from "../../src/media/packaging.ts";

const put = (text: string, allocate: Allocate): Uint8Array => {
	const encoded = new TextEncoder().encode(text);
	const target = allocate(encoded.length);
	target.set(encoded);
	return target;
};

export const textPackaging: Packaging = {
	extension: "txt",
	contentType: "text/plain",
	refusal: () => undefined,
	responseStart: (head, allocate) => put(`start ${head.rendition}\n`, allocate),
	openUnit: (head) => ({
		write: ({ track, pts }, allocate) => put(`${track} ${head.rendition} ${head.number} ${ticksToMs(pts)}\n`, allocate),
		close: (allocate) => put(`end ${head.rendition} ${head.number}\n`, allocate),
	}),
	hole: (head, allocate) => put(`hole ${head.rendition} ${head.number}\n`, allocate),
};
