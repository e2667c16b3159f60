import { describe, expect, it } from "vitest";
import { parseName } from "../base/name.ts";
import { milliseconds, msToTicks } from "../base/units.ts";
import { CopyInspector } from "./copy-inspector.ts";

interface Picture {
	readonly key?: boolean;
	readonly startsGop?: boolean;
	readonly reorderMs?: number;
}

/** Shows pictures, 40 ms apart, to an inspector of units of 1 s; gives the first refusal and where it came. */
function inspect(pictures: readonly Picture[]): { at: number; message: string } | undefined {
	const inspector = new CopyInspector(parseName("source", "rendition"), milliseconds(1000));
	for (const [at, { key = false, startsGop = key, reorderMs = 0 }] of pictures.entries()) {
		const dts = msToTicks(at * 40 + 77);
		const pts = msToTicks(at * 40 + 77 + reorderMs);
		const data = new Uint8Array(1);
		const refusal = inspector.inspect({ track: "video", pts, dts, key, data }, startsGop);
		if (refusal !== undefined) return { at, message: refusal.message };
	}
	return undefined;
}

const everyKey = (frames: number, count = 300): Picture[] =>
	Array.from({ length: count }, (_, i) => ({ key: i % frames === 0 }));

describe("a copied source", () => {
	it.each([25, 19, 31])("with a key picture every %i frames of 40 ms fits units of 1 s", (frames) => {
		expect(inspect(everyKey(frames))).toBeUndefined();
	});

	it.each([
		[18, 720],
		[32, 1280],
		[50, 2000],
	])("with one every %i frames does not, and both figures are told", (frames, ms) => {
		const refusal = inspect(everyKey(frames))!;
		expect(refusal.at).toBe(frames);
		expect(refusal.message).toBe(
			`LADDER_COPY_UNFIT: rendition "source" copies a source that has GOPs of ${ms} ms while the unit has 1000 ms; set unitMs to ${ms}, or encode this rendition.`,
		);
	});

	it("whose third GOP is wrong is found, and whose fourth is wrong is left to the alignment checker", () => {
		const keysAt = (...keys: number[]): Picture[] => Array.from({ length: 200 }, (_, i) => ({ key: keys.includes(i) }));
		expect(inspect(keysAt(0, 25, 50, 90))?.at).toBe(90);
		expect(inspect(keysAt(0, 25, 50, 75, 115))).toBeUndefined();
	});

	it("without a second key picture is found after three units", () => {
		expect(inspect(everyKey(1000))).toMatchObject({ at: 76, message: expect.stringContaining("more than 3040 ms") });
	});

	it("that reorders pictures is found at the first of them", () => {
		expect(inspect([{ key: true }, {}, { reorderMs: 80 }])).toMatchObject({
			at: 2,
			message: expect.stringMatching(/^LADDER_COPY_UNFIT: .*B-frames/),
		});
	});

	it("with a key picture that is no IDR is found there, however late", () => {
		const pictures = everyKey(25);
		pictures[250] = { key: false, startsGop: true };
		expect(inspect(pictures)).toMatchObject({ at: 250, message: expect.stringContaining("open GOPs") });
	});
});
