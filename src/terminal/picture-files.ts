/** What a player keeps on disk: the body as it came, and each decoded frame as a picture. */
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { messageOf, PenstockError } from "../base/errors.ts";
import { type Ticks90k, ticksToMs } from "../base/units.ts";
import { BAR_SHARE, type FrameReading, readBar } from "../media/test-signal.ts";

/** A file that grows with the body, byte for byte. Written at once, so that no queue of unwritten bytes can grow. */
export class BodyFile {
	readonly #path: string;
	readonly #fd: number;

	/** @throws PenstockError COMMAND_LINE when the file cannot be made */
	constructor(path: string) {
		this.#path = path;
		this.#fd = attempt("--save", path, () => openSync(path, "w"));
	}

	/** @throws PenstockError COMMAND_LINE when the disk takes no more */
	write(bytes: Uint8Array): void {
		attempt("--save", this.#path, () => {
			for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
		});
	}

	close(): void {
		closeSync(this.#fd);
	}
}

/** A folder of pictures, `000042-pts1234567.8-high.ppm`: the frame's order, its PTS in milliseconds, its rendition. */
export class PictureFolder {
	readonly #path: string;
	#count = 0;

	/** @throws PenstockError COMMAND_LINE when the folder cannot be made */
	constructor(path: string) {
		this.#path = path;
		attempt("--frames", path, () => mkdirSync(path, { recursive: true }));
	}

	/** @throws PenstockError COMMAND_LINE when the disk takes no more */
	write(ppm: Uint8Array, pts: Ticks90k, rendition: string | undefined): void {
		const order = String(this.#count++).padStart(6, "0");
		// The stream's word is no path.
		const named = /^[A-Za-z0-9_-]{1,128}$/.test(rendition ?? "") ? `-${rendition}` : "";
		const path = join(this.#path, `${order}-pts${ticksToMs(pts).toFixed(1)}${named}.ppm`);
		attempt("--frames", path, () => writeFileSync(path, ppm));
	}
}

/** Reads the test signal's bar in a picture as FFmpeg's PPM encoder makes it: "P6\n320 180\n255\n", then RGB. */
export function readBarOfPpm(ppm: Uint8Array): FrameReading | undefined {
	const header = /^P6\n(\d+) (\d+)\n255\n/.exec(new TextDecoder().decode(ppm.subarray(0, 32)));
	if (header === null) return undefined;
	const width = Number(header[1]);
	const barHeight = Math.floor(Number(header[2]) / BAR_SHARE);
	const gray = new Uint8Array(width * barHeight);
	// Green is most of what makes brightness, and the bar is black and white.
	for (let i = 0; i < gray.length; i++) gray[i] = ppm[header[0].length + 3 * i + 1] ?? 0;
	return readBar(gray, width, barHeight);
}

function attempt<Value>(option: string, path: string, act: () => Value): Value {
	try {
		return act();
	} catch (error) {
		throw new PenstockError("COMMAND_LINE", `${option} ${path} cannot be written: ${messageOf(error)}.`, {
			cause: error,
		});
	}
}
