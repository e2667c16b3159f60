/**
 * A response as it was received: recorded to a file that any player can read, with what our own reader saw in it on
 * the way.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Ticks90k, ticksToMs } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { type MpegTsCounts, MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { type HttpViewer, openViewer } from "./http-viewer.ts";
import { makeTempDir } from "./temp-dir.ts";

export interface SeenUnit {
	readonly timeMs: number;
	/** "640x360" */
	readonly size: string;
	/** `performance.now()` when its first chunk was complete. */
	readonly at: number;
}

export class Recording {
	readonly viewer: HttpViewer;
	readonly units: SeenUnit[] = [];
	readonly accessUnits: AccessUnit[] = [];
	bytes = 0;
	readonly #parts: Buffer[] = [];
	readonly #reader: MpegTsReader;
	#size = "";
	#at = 0;

	constructor(viewer: HttpViewer, onUnit: (unit: SeenUnit, recording: Recording) => void = () => {}) {
		this.viewer = viewer;
		this.#reader = new MpegTsReader({
			accessUnit: (accessUnit) => this.accessUnits.push(accessUnit),
			decodeInformation: ({ video }: DecodeInformation) => {
				this.#size = `${video?.width}x${video?.height}`;
			},
			unitStart: (time: Ticks90k) => {
				const unit: SeenUnit = { timeMs: ticksToMs(time), size: this.#size, at: this.#at };
				this.units.push(unit);
				onUnit(unit, this);
			},
		});
	}

	get counts(): MpegTsCounts {
		return this.#reader.counts;
	}

	/** The viewer's id, as the server calls it. */
	get id(): string {
		return this.viewer.headers["penstock-viewer"]!;
	}

	/** How often the picture's size changed from one unit to the next. */
	get sizeChanges(): number {
		return this.units.filter((unit, index) => index > 0 && unit.size !== this.units[index - 1]!.size).length;
	}

	/** Reads on until `enough` says so after a chunk, or the response is over. */
	async until(enough: (recording: Recording) => boolean): Promise<this> {
		while (!enough(this)) {
			const chunk = await this.viewer.nextChunk();
			if (chunk === undefined) break;
			this.#at = chunk.at;
			this.bytes += chunk.bytes.length;
			this.#parts.push(chunk.bytes);
			this.#reader.push(chunk.bytes);
		}
		return this;
	}

	/** Writes what was received to a file that every user may read. */
	save(name = "received.ts"): string {
		const file = join(makeTempDir("recording", 0o755), name);
		writeFileSync(file, Buffer.concat(this.#parts));
		chmodSync(file, 0o644);
		return file;
	}
}

/** Opens a stream, which must answer 200, and records it. */
export async function record(url: string, onUnit?: (unit: SeenUnit, recording: Recording) => void): Promise<Recording> {
	const viewer = await openViewer(url);
	if (viewer.status !== 200) throw new Error(`${url}: ${viewer.status} ${(await viewer.bytes()).toString()}`);
	return new Recording(viewer, onUnit);
}
