/**
 * A log of units: appended once, read by any number of readers, evicted by whole units from its old end.
 * The channel keeps one of access units per rendition; delivery keeps the packaged form beside it.
 *
 * A reader holds a unit and follows `next`. Eviction empties the unit and cuts its `next`, so that a reader that
 * fell behind is told (`evicted`) and can hold no memory back.
 * Invariant: numbers and times rise from unit to unit; only the newest unit is open.
 */
import type { Milliseconds } from "../base/units.ts";
import type { UnitHead } from "../media/packaging.ts";

export interface LoggedUnit<Item> {
	readonly head: UnitHead;
	/** When it was opened, by the monotonic clock. */
	readonly openedAt: Milliseconds;
	/** Grows while the unit is open. */
	readonly items: readonly Item[];
	/** Nothing more will come; set together with `next`, or when the programme ends. */
	readonly closed: boolean;
	/** The unit behind this one in the same rendition; its number is not always the next one (a unit can be missing). */
	readonly next: LoggedUnit<Item> | undefined;
	/** The unit has left the log: its items are gone. */
	readonly evicted: boolean;
}

interface MutableUnit<Item> extends LoggedUnit<Item> {
	items: Item[];
	closed: boolean;
	next: MutableUnit<Item> | undefined;
	evicted: boolean;
}

/** Hears of changes in the tick in which they happen. */
export interface UnitLogObserver<Item> {
	/** `next` of the unit before is set, and that unit is closed; the new one is still empty. */
	opened?(unit: LoggedUnit<Item>): void;
	appended?(unit: LoggedUnit<Item>, item: Item): void;
	/** The newest unit is closed and none follows it for now. */
	ended?(): void;
	evicted?(unit: LoggedUnit<Item>): void;
}

export class UnitLog<Item> {
	#oldest: MutableUnit<Item> | undefined;
	#newest: MutableUnit<Item> | undefined;
	#length = 0;
	#opened = 0;
	#observers: readonly UnitLogObserver<Item>[] = [];

	get oldest(): LoggedUnit<Item> | undefined {
		return this.#oldest;
	}

	get newest(): LoggedUnit<Item> | undefined {
		return this.#newest;
	}

	/** Units held now. */
	get length(): number {
		return this.#length;
	}

	/** Units opened since the start. */
	get opened(): number {
		return this.#opened;
	}

	/** The unit with this number, if the log holds it; a log holds few units, so it is walked. */
	find(number: number): LoggedUnit<Item> | undefined {
		for (let unit = this.#oldest; unit !== undefined && unit.head.number <= number; unit = unit.next) {
			if (unit.head.number === number) return unit;
		}
		return undefined;
	}

	/** @returns a function that ends the observation */
	observe(observer: UnitLogObserver<Item>): () => void {
		this.#observers = [...this.#observers, observer];
		return () => {
			this.#observers = this.#observers.filter((other) => other !== observer);
		};
	}

	/** Closes the open unit and opens the next one, at `openedAt`. */
	open(head: UnitHead, openedAt: Milliseconds): void {
		const unit: MutableUnit<Item> = { head, openedAt, items: [], closed: false, next: undefined, evicted: false };
		const before = this.#newest;
		this.#newest = unit;
		this.#oldest ??= unit;
		this.#length++;
		this.#opened++;
		if (before !== undefined) {
			before.next = unit;
			before.closed = true;
		}
		for (const observer of this.#observers) observer.opened?.(unit);
	}

	/** Closes the open unit: the programme ends with it. A later `open` takes the programme up again. */
	end(): void {
		if (this.#newest === undefined || this.#newest.closed) return;
		this.#newest.closed = true;
		for (const observer of this.#observers) observer.ended?.();
	}

	/** Appends to the open unit, which must exist. */
	append(item: Item): void {
		const unit = this.#newest!;
		unit.items.push(item);
		for (const observer of this.#observers) observer.appended?.(unit, item);
	}

	/** Takes closed units out from the old end while `isOld` says so. */
	evictWhile(isOld: (unit: LoggedUnit<Item>) => boolean): void {
		for (let unit = this.#oldest; unit?.next !== undefined && isOld(unit); unit = this.#oldest) {
			this.#oldest = unit.next;
			this.#length--;
			unit.evicted = true;
			unit.items = [];
			unit.next = undefined;
			for (const observer of this.#observers) observer.evicted?.(unit);
		}
	}
}
