/**
 * One ready-made rendition on its way through the aligner: what is held of it, how its clock lies to the common one,
 * and how well it has kept to the lines so far. Rules are the aligner's.
 */
import type { PenstockError } from "../../base/errors.ts";
import type { Name } from "../../base/name.ts";
import { type Milliseconds, TICKS_PER_MS, type Ticks90k, ticks90k } from "../../base/units.ts";
import type { AccessUnit } from "../../media/access-unit.ts";
import { ShortestTransit } from "./shortest-transit.ts";

/**
 * `away`: nothing comes. `refused`: what comes can be no rendition. `joining`: it looks for a key picture on a line.
 * `joined`: its access units go on.
 */
export type InputPhase = "away" | "refused" | "joining" | "joined";

/** `pending`: it has not come to that time. */
type Opinion = "agrees" | "disagrees" | "pending";

export interface Held {
	readonly accessUnit: AccessUnit;
	readonly at: Milliseconds;
}

/** Where every rendition begins a unit, in the common clock. */
export interface Line {
	readonly number: number;
	readonly time: number;
	readonly at: Milliseconds;
}

/** A picture's duration before two have come, in ticks. */
const FIRST_STEP = 3000;
/** Longer steps are gaps; they say nothing of a picture's duration. */
const LONGEST_STEP = 90_000;
/** Beyond, its clock was set anew. */
const LONGEST_GAP = 10 * 90_000;
/** How much one step counts in the mean. */
const STEP_SHARE = 1 / 16;
/** However few pictures a second there are. */
const MOST_TOLERANCE = 50 * TICKS_PER_MS;
const MOST_HELD_BYTES = 16 * 1024 * 1024;
const MOST_HELD = 2048;

export class AlignedInput {
	readonly name: Name;
	readonly transit = new ShortestTransit();
	phase: InputPhase = "away";
	/** From its own time to the common one; kept over an absence, for its clock may have gone on. */
	offset: number | undefined;
	/** From a key picture on that nothing is decided about. */
	readonly held: Held[] = [];
	#heldBytes = 0;
	/** Of the last video access unit that came, in its own time. */
	lastCome: Ticks90k | undefined;
	/** Of the last that went on, in the common time. */
	lastGone = Number.NEGATIVE_INFINITY;
	/** Number of the last line that it was held against. */
	line = -1;
	/** It was not there in time for the last line; nobody waits for it. */
	isLate = false;
	/** Lines in a row on which it had no key picture. */
	misses = 0;
	/** Key pictures in a row that lay near no line, while it was joining. */
	strays = 0;
	/** Key pictures on lines that it has to show before it is let in again. */
	probation = 0;
	/** Ticks between its last two key pictures. */
	keyGap: number | undefined;
	#lastKey: Ticks90k | undefined;
	/** Since when it is missing, and why; undefined where it has joined, or it has been told. */
	missing: { readonly since: Milliseconds; readonly because: PenstockError } | undefined;
	#step = FIRST_STEP;

	constructor(name: Name) {
		this.name = name;
	}

	/** How far a key picture may lie from a line: half a picture, in ticks. */
	get tolerance(): number {
		return Math.min(this.#step / 2, MOST_TOLERANCE);
	}

	get head(): Held | undefined {
		return this.held[0];
	}

	get isFull(): boolean {
		return this.held.length >= MOST_HELD || this.#heldBytes >= MOST_HELD_BYTES;
	}

	/** In the common time; it must have an offset. */
	timeOf({ dts }: AccessUnit): number {
		return dts + this.offset!;
	}

	/** Takes note of a picture's time. @returns false where its clock was set anew */
	note({ dts, key }: AccessUnit, now: Milliseconds): boolean {
		const last = this.lastCome;
		this.lastCome = dts;
		const step = last === undefined ? 0 : dts - last;
		if (step < 0 || step > LONGEST_GAP) {
			this.#forgetClock();
			return false;
		}
		if (step > 0 && step < LONGEST_STEP) this.#step += (step - this.#step) * STEP_SHARE;
		if (key) {
			this.keyGap = this.#lastKey === undefined ? this.keyGap : dts - this.#lastKey;
			this.#lastKey = dts;
		}
		this.transit.note(now - dts / TICKS_PER_MS, now);
		return true;
	}

	/** How long it is since its last key picture, in ticks of its own time; undefined before the first. */
	get sinceKey(): number | undefined {
		return this.#lastKey === undefined || this.lastCome === undefined ? undefined : this.lastCome - this.#lastKey;
	}

	/** Somebody begins to send it. */
	begin(): void {
		this.phase = "joining";
		this.lastCome = this.#lastKey = this.keyGap = undefined;
		this.transit.forget();
		this.probation = this.strays = 0;
		this.letGo();
	}

	hold(held: Held): void {
		this.held.push(held);
		this.#heldBytes += held.accessUnit.data.length;
	}

	take(): Held {
		const held = this.held.shift()!;
		this.#heldBytes -= held.accessUnit.data.length;
		return held;
	}

	/** A run begins, with another clock for all. */
	forgetRun(): void {
		this.offset = undefined;
		this.line = -1;
		this.lastGone = Number.NEGATIVE_INFINITY;
	}

	/** From the key picture at the head on, which lies on this line. */
	join({ number }: Line): void {
		this.phase = "joined";
		this.line = number - 1;
		this.misses = this.probation = 0;
		this.isLate = false;
		this.missing = undefined;
	}

	/** Its times from this key picture on: that lies exactly on the line. */
	moveTo({ number, time }: Line, accessUnit: AccessUnit): void {
		this.offset! += time - this.timeOf(accessUnit);
		this.line = number;
		this.misses = 0;
	}

	/** Where it has joined: whether it has a key picture at this time, in the common clock. */
	opinionOn(time: number, tolerance: number): Opinion {
		const { head, lastGone } = this;
		if (head !== undefined) return this.timeOf(head.accessUnit) <= time + tolerance ? "agrees" : "disagrees";
		return lastGone > time - tolerance ? "disagrees" : "pending";
	}

	/** What is decided about the key picture at the head: it begins no unit. */
	passOver(): void {
		const { accessUnit, at } = this.held[0]!;
		this.held[0] = { accessUnit: { ...accessUnit, key: false }, at };
	}

	/** Drops the key picture at the head, and what comes behind it up to the next. */
	dropGop(): void {
		do this.take();
		while (this.held.length > 0 && !isKeyPicture(this.held[0]!.accessUnit));
	}

	letGo(): void {
		this.held.length = 0;
		this.#heldBytes = 0;
	}

	/** The access unit as it goes on: on the common clock, and behind the one before. */
	placed(accessUnit: AccessUnit): AccessUnit {
		const time = this.timeOf(accessUnit);
		if (accessUnit.track === "audio") return { ...accessUnit, pts: ticks90k(time), dts: ticks90k(time) };
		this.lastGone = Math.max(time, this.lastGone + 1);
		return { ...accessUnit, pts: ticks90k(this.lastGone), dts: ticks90k(this.lastGone) };
	}

	#forgetClock(): void {
		this.#lastKey = this.keyGap = undefined;
		this.lastCome = undefined;
		this.transit.forget();
	}
}

export const isKeyPicture = ({ track, key }: AccessUnit): boolean => track === "video" && key;
