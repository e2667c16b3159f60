/**
 * A lane: one rendition of a channel in one packaging, as chunks ready for a socket.
 *
 * A unit is packaged when the first viewer comes to it, and from then on access unit by access unit, in the tick in
 * which the ring gets them; the second viewer finds the chunks made. A unit to which nobody came costs nothing. It
 * works because a unit's bytes depend on nothing outside the unit (media/packaging.ts). Chunks leave with the ring's
 * units.
 */
import { PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import type { RenditionLog } from "../channel/channel.ts";
import type { LoggedUnit } from "../channel/unit-log.ts";
import type { AccessUnit } from "../media/access-unit.ts";
import type { Allocate, Packaging, UnitHead, UnitWriter } from "../media/packaging.ts";
import { buildChunk, type Chunk } from "./chunk.ts";

/** A unit of the ring in its packaged form. */
export interface PackagedUnit {
	readonly head: UnitHead;
	readonly source: LoggedUnit<AccessUnit>;
	readonly chunks: readonly Chunk[];
	/** All its chunks are there. */
	readonly closed: boolean;
	/** When the unit behind it began; kept when the ring has let go of both. */
	readonly wholeAt: Milliseconds | undefined;
}

interface OpenUnit extends PackagedUnit {
	chunks: Chunk[];
	closed: boolean;
	wholeAt: Milliseconds | undefined;
	/** Access units of the source that are in `chunks`. */
	written: number;
	/** Numbers of the unit's first packet and of the one that comes next, for packagings that number them. */
	readonly firstNumber: number;
	nextNumber: number;
	/** Undefined where the packaging cannot carry the unit's tracks. */
	readonly writer: UnitWriter | undefined;
}

/** Whoever waits at the end of what the lane has. Called in the tick of an access unit: must not block. */
export interface LaneReader {
	/** The unit at which the reader stands has a further chunk or is closed, or the lane has opened a further unit. */
	pump(): void;
}

export class Lane {
	readonly rendition: RenditionLog;
	readonly packaging: Packaging;
	readonly #units = new Map<number, OpenUnit>();
	readonly #readers: LaneReader[] = [];
	readonly #endObservation: () => void;
	/** Access units packaged so far; two viewers of a lane must not make it rise twice as fast. */
	packagedAccessUnits = 0;

	/** Access units that the packaging could not carry: left out, each told to `onRefused`. */
	refusedAccessUnits = 0;
	readonly #onRefused: (error: PenstockError) => void;

	constructor(rendition: RenditionLog, packaging: Packaging, onRefused: (error: PenstockError) => void) {
		this.rendition = rendition;
		this.#onRefused = onRefused;
		this.packaging = packaging;
		this.#endObservation = rendition.units.observe({
			// The IDR follows in the same tick, and goes out together with what closes the unit before.
			opened: () => this.#closeUnits(),
			ended: () => {
				this.#closeUnits();
				this.#pumpAll();
			},
			appended: (unit) => this.#appended(unit),
			evicted: ({ head }) => this.#evicted(head.number),
		});
	}

	get readerCount(): number {
		return this.#readers.length;
	}

	/** Units of which chunks are held. */
	get packagedUnits(): number {
		return this.#units.size;
	}

	/** The unit's packaged form, made as far as the ring has the unit. */
	unit(source: LoggedUnit<AccessUnit>): PackagedUnit {
		const known = this.#units.get(source.head.number);
		if (known !== undefined) return known;
		const { head } = source;
		const wholeAt = source.next?.openedAt;
		// Numbers go on from the unit before, if that was packaged: then who stays in the lane is sent shared chunks.
		const firstNumber = this.#units.get(head.number - 1)?.nextNumber ?? 0;
		const unit: OpenUnit = {
			...{ head, source, chunks: [], closed: false, wholeAt, written: 0 },
			...{ firstNumber, nextNumber: firstNumber, writer: this.#openWriter(head) },
		};
		this.#write(unit);
		if (source.closed) this.#close(unit);
		// An evicted unit gets no place: nothing would ever take it away.
		if (!source.evicted) this.#units.set(source.head.number, unit);
		return unit;
	}

	/** Bytes that viewers are sent of a unit; undefined where it is not packaged or not whole. */
	packagedBytes(number: number): number | undefined {
		const unit = this.#units.get(number);
		if (unit === undefined || !unit.closed) return undefined;
		return unit.chunks.reduce((sum, { framed }) => sum + framed.length, 0);
	}

	add(reader: LaneReader): void {
		this.#readers.push(reader);
	}

	/** Takes the last reader's place for the one removed, so that a pass from the end to the start misses nobody. */
	remove(reader: LaneReader): void {
		const index = this.#readers.indexOf(reader);
		if (index < 0) return;
		const last = this.#readers.pop()!;
		if (index < this.#readers.length) this.#readers[index] = last;
	}

	dispose(): void {
		this.#endObservation();
		this.#units.clear();
	}

	/** The unit before has come to its end. */
	#closeUnits(): void {
		for (const unit of this.#units.values()) {
			unit.wholeAt ??= unit.source.next?.openedAt;
			if (!unit.closed && unit.source.closed) this.#close(unit);
		}
	}

	#appended(source: LoggedUnit<AccessUnit>): void {
		const unit = this.#units.get(source.head.number);
		if (unit !== undefined) this.#write(unit);
		this.#pumpAll();
	}

	/** A reader that still stands in the unit finds `source.evicted`; it must not hold the chunks. */
	#evicted(number: number): void {
		const unit = this.#units.get(number);
		if (unit !== undefined) unit.chunks = [];
		this.#units.delete(number);
	}

	#openWriter(head: UnitHead): UnitWriter | undefined {
		try {
			return this.packaging.openUnit(head);
		} catch (error) {
			this.#refused(error);
			return undefined;
		}
	}

	/** Packages what the source has and the unit has not. A broken access unit costs itself and nothing else. */
	#write(unit: OpenUnit): void {
		const { writer } = unit;
		for (const { items } = unit.source; unit.written < items.length; unit.written++) {
			if (writer === undefined) continue;
			try {
				this.#push(unit, (allocate) => writer.write(items[unit.written]!, allocate));
				this.packagedAccessUnits++;
			} catch (error) {
				this.#refused(error);
			}
		}
	}

	#close(unit: OpenUnit): void {
		this.#push(unit, (allocate) => unit.writer?.close(allocate));
		unit.closed = true;
	}

	#push(unit: OpenUnit, write: (allocate: Allocate) => unknown): void {
		const { numbering } = this.packaging;
		const chunk = buildChunk(write, unit.nextNumber);
		if (chunk === undefined) return;
		unit.chunks.push(chunk);
		if (numbering === undefined) return;
		// The writer counts from 0 in every unit.
		numbering.shift(chunk.payload, unit.firstNumber);
		unit.nextNumber += numbering.count(chunk.payload);
	}

	#refused(error: unknown): void {
		if (!(error instanceof PenstockError)) throw error;
		this.refusedAccessUnits++;
		this.#onRefused(error);
	}

	#pumpAll(): void {
		for (let index = this.#readers.length - 1; index >= 0; index--) this.#readers[index]!.pump();
	}
}
