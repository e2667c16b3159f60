import { Writable } from "node:stream";
import { stripVTControlCharacters as bare } from "node:util";
import { expect, it } from "vitest";
import type { PlayerFigures } from "./figures.ts";
import { LiveView } from "./view-live.ts";

/** A terminal that is no more than its width and what was written. */
class Screen extends Writable {
	text = "";
	readonly columns: number;

	constructor(columns: number) {
		super();
		this.columns = columns;
	}

	override _write(bytes: Buffer, _: BufferEncoding, done: () => void): void {
		this.text += bytes.toString();
		done();
	}
}

const FIGURES: PlayerFigures = {
	...{ timeMs: 1000, rendition: "high", unit: 4, ptsMs: 4000, bytesReceived: 300_000, bitrateBps: 2_400_000 },
	...{ frameRate: 30, framesReceived: 30, framesDecoded: 30, framesLost: 0 },
	...{ audioFramesReceived: 0, audioFramesDecoded: 0, audioFramesLost: 0, bufferMs: 40, stalls: 0, stalledMs: 0 },
	...{ delayMs: 31, delayBy: "clock", switches: 9, decoders: 10, faults: 0, decoderWarnings: 0 },
};

it("redraws the same lines in place, none wider than the terminal, and leaves a summary", () => {
	const screen = new Screen(60);
	const view = new LiveView(screen);
	const url = `http://127.0.0.1/${"long/".repeat(30)}a.ts`;
	view.event({ event: "start", timeMs: 1, url, packaging: "ts", ptsMs: 0, rendition: "low", viewer: "v\x1b[2J1" });
	for (let unit = 1; unit <= 9; unit++) {
		view.event({
			...{ event: "switch", timeMs: unit * 1000, from: "low", to: "high", unit, ptsMs: unit * 1000, changed: ["size"] },
			...{ codec: "avc1.4d401f", width: 640, height: 360 },
		});
	}
	view.refresh(FIGURES);
	const first = bare(screen.text);
	expect(first).toContain("delay     31 ms (by the picture's clock)\n");
	expect(first).toContain("rendition high 640x360");
	expect(first.match(/low → high/g)).toHaveLength(4);
	expect(first).toContain("9.0 s  low → high, unit 9, PTS 9.000 s");
	const lines = first.split("\n").slice(0, -1);
	for (const line of lines) expect(line.length).toBeLessThanOrEqual(59);
	screen.text = "";
	view.refresh(FIGURES);
	expect(screen.text).toContain(`\x1b[${lines.length}A`);
	expect(screen.text).not.toContain("\x1b[2J");
	view.event({ event: "end", reason: "interrupted", ...FIGURES });
	expect(bare(screen.text)).toMatch(/\nplayed 1\.0 s, interrupted: 30 frames decoded, 0 lost; 9 switches; 300 kB/);
});
