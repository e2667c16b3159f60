/**
 * When to look at which connection: a wheel of short slots, so that five thousand viewers with several looks a second
 * cost one timer. A viewer stands in the slot of its next look; where that has moved meanwhile, it is put on again.
 */
import type { Clock, Timer } from "../base/clock.ts";
import type { Milliseconds } from "../base/units.ts";

/** Whoever wants to be looked at, at a time that it may change to any other at any time. */
export interface Looked {
	/** By the clock; infinite: never again. */
	readonly nextLookAt: Milliseconds;
	/** Moves `nextLookAt` on. */
	look(): void;
}

const SLOT_MS = 4;
/** The wheel's circumference is over half a second: who has longer to wait is put on again. */
const SLOTS = 128;

export class LookSchedule {
	readonly #clock: Clock;
	readonly #slots: Set<Looked>[] = Array.from({ length: SLOTS }, () => new Set());
	readonly #slotOf = new Map<Looked, number>();
	/** The slot, counted from the clock's zero, up to which all is done. */
	#done = 0;
	#timer: Timer | undefined;
	#timerSlot = Number.POSITIVE_INFINITY;

	constructor(clock: Clock) {
		this.#clock = clock;
	}

	/** Puts it where its next look is due. To be called again when that has become sooner. */
	place(looked: Looked): void {
		const due = Math.ceil(looked.nextLookAt / SLOT_MS);
		const now = Math.floor(this.#clock.now() / SLOT_MS);
		if (this.#slotOf.size === 0) this.#done = now;
		const slot = Math.min(Math.max(due, this.#done + 1), this.#done + SLOTS - 1);
		const before = this.#slotOf.get(looked);
		if (before !== undefined) {
			if (before <= slot) return;
			this.#slots[before % SLOTS]!.delete(looked);
		}
		this.#slotOf.set(looked, slot);
		this.#slots[slot % SLOTS]!.add(looked);
		this.#arm(slot);
	}

	remove(looked: Looked): void {
		const slot = this.#slotOf.get(looked);
		if (slot === undefined) return;
		this.#slots[slot % SLOTS]!.delete(looked);
		this.#slotOf.delete(looked);
	}

	#arm(slot: number): void {
		if (slot >= this.#timerSlot) return;
		this.#timer?.cancel();
		this.#timerSlot = slot;
		this.#timer = this.#clock.after(slot * SLOT_MS - this.#clock.now(), () => this.#turn());
	}

	#turn(): void {
		this.#timer = undefined;
		this.#timerSlot = Number.POSITIVE_INFINITY;
		const now = Math.floor(this.#clock.now() / SLOT_MS);
		const last = Math.min(now, this.#done + SLOTS - 1);
		const due: Looked[] = [];
		for (let slot = this.#done + 1; slot <= last; slot++) {
			for (const looked of this.#slots[slot % SLOTS]!) due.push(looked);
			this.#slots[slot % SLOTS]!.clear();
		}
		this.#done = Math.max(this.#done, now);
		for (const looked of due) this.#slotOf.delete(looked);
		for (const looked of due) {
			if (looked.nextLookAt <= this.#clock.now()) looked.look();
			if (Number.isFinite(looked.nextLookAt)) this.place(looked);
		}
		this.#armNext();
	}

	#armNext(): void {
		if (this.#slotOf.size === 0) return;
		for (let slot = this.#done + 1; slot < this.#done + SLOTS; slot++) {
			if (this.#slots[slot % SLOTS]!.size === 0) continue;
			this.#arm(slot);
			return;
		}
	}
}
