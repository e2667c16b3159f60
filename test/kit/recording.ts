/**
 * A response as it was received: recorded to a file that any player can read, with what our own reader saw in it on
 * the way.
 */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ticksToMs } from "../../src/base/units.ts";
import type { AccessUnit, DecodeInformation } from "../../src/media/access-unit.ts";
import { FlvReader } from "../../src/media/flv/reader.ts";
import { Fmp4Reader } from "../../src/media/fmp4/reader.ts";
import type { MpegTsCounts } from "../../src/media/mpegts/counts.ts";
import { MpegTsReader } from "../../src/media/mpegts/reader.ts";
import { RtpReader } from "../../src/media/rtp/reader.ts";
import type { StreamReader, StreamSink } from "../../src/media/stream-reader.ts";
import { type HttpViewer, openViewer } from "./http-viewer.ts";
import { makeTempDir } from "./temp-dir.ts";

const READERS = {
	ts: (sink: StreamSink) => new MpegTsReader(sink),
	flv: (sink: StreamSink) => new FlvReader(sink),
	mp4: (sink: StreamSink) => new Fmp4Reader(sink),
	rtp: (sink: StreamSink) => new RtpReader(sink),
} satisfies Record<string, (sink: StreamSink) => StreamReader>;

/** As the path of a stream may end. */
export type Extension = keyof typeof READERS;

export interface SeenUnit {
	readonly timeMs: number;
	/** What the unit says of itself. */
	readonly number: number | undefined;
	readonly rendition: string | undefined;
	/** "640x360" */
	readonly size: string;
	/** `performance.now()` when its first chunk was complete. */
	readonly at: number;
}

export class Recording {
	readonly viewer: HttpViewer;
	readonly extension: Extension;
	readonly units: SeenUnit[] = [];
	readonly accessUnits: AccessUnit[] = [];
	/** What the reader told last. */
	decode: DecodeInformation = {};
	/** What the reader left out, in words. */
	readonly faults: string[] = [];
	bytes = 0;
	readonly #parts: Buffer[] = [];
	readonly #reader: StreamReader;
	#at = 0;

	constructor(
		viewer: HttpViewer,
		extension: Extension,
		onUnit: (unit: SeenUnit, recording: Recording) => void = () => {},
	) {
		this.viewer = viewer;
		this.extension = extension;
		this.#reader = READERS[extension]({
			accessUnit: (accessUnit) => this.accessUnits.push(accessUnit),
			decodeInformation: (decode) => (this.decode = decode),
			unitStart: ({ time, number, rendition }) => {
				const { width, height } = this.decode.video ?? {};
				const unit: SeenUnit = { timeMs: ticksToMs(time), number, rendition, size: `${width}x${height}`, at: this.#at };
				this.units.push(unit);
				onUnit(unit, this);
			},
			fault: ({ message }) => this.faults.push(message),
		});
	}

	/** Of a transport stream. */
	get counts(): MpegTsCounts {
		if (this.#reader instanceof MpegTsReader) return this.#reader.counts;
		throw new Error(`.${this.extension} has no counters; look at its faults.`);
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
			if (chunk === undefined) {
				this.#reader.end();
				break;
			}
			this.#at = chunk.at;
			this.bytes += chunk.bytes.length;
			this.#parts.push(chunk.bytes);
			this.#reader.push(chunk.bytes);
		}
		return this;
	}

	/** Writes what was received to a file that every user may read. */
	save(name = `received.${this.extension}`): string {
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
	const extension = new URL(url).pathname.split(".").at(-1) ?? "";
	if (!(extension in READERS)) throw new Error(`${url} is in no packaging that is read here.`);
	return new Recording(viewer, extension as Extension, onUnit);
}
