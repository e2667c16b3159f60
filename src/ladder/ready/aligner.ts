/**
 * Renditions that come ready-made (an encoder's simulcast, a camera's main and sub stream), each with a clock of its
 * own, made into aligned units. Lines are the times at which units begin: where every rendition that fits has a key
 * picture within half a picture. What an input brings from a line on is moved so that its key picture lies exactly on
 * the line; key pictures elsewhere are marked as if they were none.
 *
 * Which pictures belong together: those with the same time stamps (to 60 ms), if they arrive within a second of each other (one
 * encoder's), else those that arrive together, the shortest way of each input being taken for equal.
 * Waiting: a key picture waits for those of the others, `LONGEST_WAIT_MS` at most, and then goes on without them; who was
 * late is not waited for again until it is in time. Nothing else waits, and what waits is bounded.
 * Invariants: an input that has joined loses no access unit and repeats none, until it leaves; on a line all that have a
 * key picture there have the same time; no input's time goes back; the inputs are moved by half a picture a line at most.
 * Pure: the caller says what time it is.
 */
import type { PenstockError } from "../../base/errors.ts";
import type { Name } from "../../base/name.ts";
import { type Milliseconds, milliseconds, TICKS_PER_MS, type Ticks90k } from "../../base/units.ts";
import type { AccessUnit } from "../../media/access-unit.ts";
import { AlignedInput, type Held, isKeyPicture, type Line } from "./aligned-input.ts";
import { Lines, MOST_SKEW_MS } from "./lines.ts";
import { Unfit } from "./unfit.ts";

/** What a key picture waits for those of the other inputs. */
export const LONGEST_WAIT_MS = 300;
/** What an input that joins holds, until it is clear on which line its key picture lies. */
const LONGEST_SETTLING_MS = MOST_SKEW_MS + LONGEST_WAIT_MS + 50;
/** Lines are this far apart at most, in units, where the inputs do not agree. */
const LONGEST_UNITS = 3;
/** Without a key picture for so many units, an input does not fit. */
const MOST_UNITS_OF_GOP = 3.5;
const MOST_MISSES = 2;
const MOST_STRAYS = 3;
/** Lines that one has to keep to who did not fit before. */
const PROBATION = 3;
/** How long an input may be away until that is told, in units, and at least in ms. */
const GRACE_UNITS = 2.5;
const GRACE_MS = 2000;

export interface AlignerSink {
	/** Somebody has joined where nobody was: what follows begins at this time. */
	started(start: Ticks90k): void;
	/** What comes next of this input is a key picture on a line. */
	joined(input: number): void;
	/** On the common clock; video is a key picture only on a line. */
	accessUnit(input: number, accessUnit: AccessUnit): void;
	/** Nothing comes of this input until it joins again. */
	left(input: number, because: PenstockError): void;
	/** The last one has left. */
	stopped(because: PenstockError): void;
}

export interface AlignerOptions {
	/** `app/stream`, for messages. */
	readonly channel: string;
	readonly names: readonly Name[];
	readonly unit: Milliseconds;
	readonly sink: AlignerSink;
}

export class Aligner {
	readonly #sink: AlignerSink;
	/** In ticks. */
	readonly #unit: number;
	readonly #graceMs: number;
	readonly #inputs: readonly AlignedInput[];
	readonly #lines: Lines;
	readonly #unfit: Unfit;
	/** Whose clock the others follow while it is there. */
	#preferred = 0;
	/** Until when the earliest key picture waits for others; undefined where none waits. */
	#waitsUntil: Milliseconds | undefined;

	constructor({ channel, names, unit, sink }: AlignerOptions) {
		this.#sink = sink;
		this.#unit = unit * TICKS_PER_MS;
		this.#graceMs = Math.max(GRACE_MS, GRACE_UNITS * unit);
		this.#inputs = names.map((name) => new AlignedInput(name));
		this.#lines = new Lines(this.#unit);
		this.#unfit = new Unfit(channel, unit);
	}

	/** Of an input, for people. */
	stateOf(input: number): Pick<AlignedInput, "phase" | "offset" | "isLate"> {
		return this.#inputs[input]!;
	}

	/** From now on the others follow this one's clock, that its sound need not be moved. */
	prefer(input: number): void {
		this.#preferred = input;
	}

	/** Somebody begins to send this input. */
	begin(index: number): void {
		this.#inputs[index]!.begin();
	}

	/** Nothing more comes of it. */
	end(index: number, because: PenstockError, now: Milliseconds): void {
		this.#leave(this.#inputs[index]!, "away", because, now);
		this.#settle(now);
	}

	/** What comes of it until it begins again is of no use. */
	refuse(index: number, because: PenstockError, now: Milliseconds): void {
		const input = this.#inputs[index]!;
		this.#leave(input, "refused", because, now);
		this.#tell(input, because);
		this.#settle(now);
	}

	/** Begins from the beginning. */
	reset(): void {
		this.#lines.clear();
		this.#waitsUntil = undefined;
		for (const input of this.#inputs) {
			input.letGo();
			input.phase = "away";
			input.offset = input.missing = undefined;
		}
	}

	/** Takes what an input brings, in its own time; in decoding order. */
	push(index: number, accessUnit: AccessUnit, now: Milliseconds): void {
		const input = this.#inputs[index]!;
		if (input.phase !== "joining" && input.phase !== "joined") return;
		if (accessUnit.track === "video" && !this.#isUsable(input, accessUnit, now)) return;
		const isWaiting = input.held.length > 0;
		if (input.phase === "joined" || isWaiting || isKeyPicture(accessUnit)) input.hold({ accessUnit, at: now });
		this.#settle(now);
	}

	/** Looks after what is due. */
	tick(now: Milliseconds): void {
		for (const input of this.#inputs) {
			const { missing } = input;
			const isOver = missing !== undefined && this.#isRunning && now >= missing.since + this.#graceMs;
			if (isOver) this.#tell(input, missing.because);
		}
		this.#settle(now);
	}

	/** When `tick` is due; undefined where nothing waits. */
	get nextAt(): Milliseconds | undefined {
		const due: number[] = this.#inputs.flatMap(({ phase, head, missing }) => [
			...(phase !== "joining" || head === undefined ? [] : [head.at + LONGEST_SETTLING_MS]),
			...(missing === undefined || !this.#isRunning ? [] : [missing.since + this.#graceMs]),
		]);
		if (this.#waitsUntil !== undefined) due.push(this.#waitsUntil);
		return due.length === 0 ? undefined : milliseconds(Math.min(...due));
	}

	get #joined(): AlignedInput[] {
		return this.#inputs.filter(({ phase }) => phase === "joined");
	}

	get #isRunning(): boolean {
		return this.#inputs.some(({ phase }) => phase === "joined");
	}

	/** There is one while it is running. */
	get #leader(): AlignedInput {
		const preferred = this.#inputs[this.#preferred];
		return preferred?.phase === "joined" ? preferred : this.#joined[0]!;
	}

	/** Whether a picture can be one of a rendition's; says so where not. */
	#isUsable(input: AlignedInput, accessUnit: AccessUnit, now: Milliseconds): boolean {
		const { pts, dts } = accessUnit;
		const before = input.lastCome;
		if (pts !== dts) {
			this.refuse(this.#inputs.indexOf(input), this.#unfit.reorders(input, pts, dts), now);
			return false;
		}
		if (!input.note(accessUnit, now)) {
			this.#leave(input, "joining", this.#unfit.clockSetAnew(input, before!, dts), now);
			// What comes from here on has the new clock.
			input.note(accessUnit, now);
		}
		const since = input.sinceKey ?? 0;
		if (since > MOST_UNITS_OF_GOP * this.#unit && input.probation === 0) {
			this.#expel(input, this.#unfit.keylessFor(input, since), now);
		}
		return true;
	}

	#settle(now: Milliseconds): void {
		let goesOn = true;
		while (goesOn) {
			for (const input of this.#joined) this.#drain(input, now);
			goesOn = this.#decide(now);
			for (const input of this.#inputs) {
				if (input.phase === "joining" && this.#tryToJoin(input, now)) goesOn = true;
			}
		}
	}

	/** Passes on what is decided about: up to a key picture that may lie on the next line. */
	#drain(input: AlignedInput, now: Milliseconds): void {
		for (let held = input.head; held !== undefined && input.phase === "joined"; held = input.head) {
			const { accessUnit } = held;
			if (isKeyPicture(accessUnit)) {
				const time = input.timeOf(accessUnit);
				const line = this.#lines.under(input, time);
				if (line !== undefined) input.moveTo(line, accessUnit);
				else if (this.#lines.leaveRoomAt(time)) return;
				else input.passOver();
			}
			if (accessUnit.track === "video") this.#judge(input, accessUnit, now);
			if (input.phase !== "joined") return;
			this.#sink.accessUnit(this.#inputs.indexOf(input), input.placed(input.take().accessUnit));
		}
	}

	/** Counts the lines that this input has come past without a key picture. */
	#judge(input: AlignedInput, accessUnit: AccessUnit, now: Milliseconds): void {
		for (const { number } of this.#lines.passed(input, input.timeOf(accessUnit))) {
			input.line = number;
			input.misses++;
		}
		if (input.misses < MOST_MISSES) return;
		const leader = this.#leader;
		const other = leader === input ? this.#joined.find((one) => one !== input) : leader;
		this.#expel(input, this.#unfit.offTheLines(input, other?.name), now);
	}

	/** Decides about the earliest key picture that waits. @returns whether anything was decided */
	#decide(now: Milliseconds): boolean {
		this.#waitsUntil = undefined;
		const joined = this.#joined;
		const ahead = joined.filter(({ head }) => head !== undefined);
		if (ahead.length === 0) return false;
		const time = Math.min(...ahead.map((input) => input.timeOf(input.head!.accessUnit)));
		const tolerance = Math.min(...joined.map((input) => input.tolerance));
		const agreeing = joined.filter((input) => input.opinionOn(time, tolerance) === "agrees");
		const pending = joined.filter((input) => input.opinionOn(time, tolerance) === "pending");
		const since = milliseconds(Math.min(...agreeing.map(({ head }) => head!.at)));
		const until = milliseconds(since + LONGEST_WAIT_MS);
		const isOver = now >= until || ahead.some(({ isFull }) => isFull);
		if (!isOver && pending.some(({ isLate }) => !isLate)) {
			this.#waitsUntil = until;
			return false;
		}
		for (const input of pending) input.isLate = true;
		for (const input of agreeing) input.isLate = false;
		if (this.#isLine(time, agreeing, joined.length - pending.length)) {
			const leading = agreeing.includes(this.#leader) ? this.#leader : agreeing[0]!;
			this.#lines.draw(leading.timeOf(leading.head!.accessUnit), since);
		} else for (const input of agreeing) input.passOver();
		return true;
	}

	/** @param present inputs that have come to this time */
	#isLine(time: number, agreeing: readonly AlignedInput[], present: number): boolean {
		if (agreeing.length === present) return true;
		const longest = LONGEST_UNITS * this.#unit - agreeing[0]!.tolerance;
		const patience = agreeing.includes(this.#leader) ? longest : longest + this.#unit;
		return time - (this.#lines.last?.time ?? time) >= patience;
	}

	/** @returns whether anything was decided */
	#tryToJoin(input: AlignedInput, now: Milliseconds): boolean {
		const { head, probation, keyGap } = input;
		if (head === undefined) return false;
		if (probation > 0 && (keyGap === undefined || keyGap > MOST_UNITS_OF_GOP * this.#unit)) {
			input.dropGop();
			return true;
		}
		if (!this.#isRunning) {
			this.#start(input, head, now);
			return true;
		}
		const isOver = now >= head.at + LONGEST_SETTLING_MS || input.isFull;
		const same = this.#lines.bySameStamps(input, head, [input, ...this.#joined]);
		if (same === undefined && !isOver) return false;
		const near = this.#lines.nearestByArrival(input, head, this.#leader);
		const line = same ?? (near !== undefined && Math.abs(near.ms) <= near.mostMs ? near.line : undefined);
		if (line !== undefined) this.#found(input, head, line);
		else {
			input.dropGop();
			input.strays++;
			if (input.strays === MOST_STRAYS && near)
				this.#tell(input, this.#unfit.elsewhere(input, near, this.#leader.name));
		}
		return true;
	}

	/** A key picture of an input that is joining lies on this line. */
	#found(input: AlignedInput, { accessUnit }: Held, line: Line): void {
		input.offset = line.time - accessUnit.dts;
		input.strays = 0;
		if (input.probation === 0) {
			this.#join(input, line);
			return;
		}
		input.probation--;
		input.line = line.number;
		input.dropGop();
	}

	/** The first of all: its clock becomes the common one. */
	#start(input: AlignedInput, { accessUnit, at }: Held, now: Milliseconds): void {
		this.#lines.clear();
		for (const one of this.#inputs) {
			one.forgetRun();
			if (one !== input && one.phase !== "refused") one.missing = { since: now, because: this.#unfit.absent(one) };
		}
		input.offset = 0;
		this.#sink.started(accessUnit.dts);
		this.#join(input, this.#lines.draw(accessUnit.dts, at));
	}

	#join(input: AlignedInput, line: Line): void {
		input.join(line);
		this.#sink.joined(this.#inputs.indexOf(input));
	}

	/** It does not fit; it may try again. */
	#expel(input: AlignedInput, because: PenstockError, now: Milliseconds): void {
		const isNews = input.phase === "joined" || input.missing !== undefined;
		this.#leave(input, "joining", because, now);
		input.probation = PROBATION;
		if (isNews) this.#tell(input, because);
	}

	#leave(input: AlignedInput, phase: "away" | "joining" | "refused", because: PenstockError, now: Milliseconds): void {
		const wasJoined = input.phase === "joined";
		input.phase = phase;
		input.letGo();
		if (wasJoined || input.missing !== undefined) input.missing = { since: input.missing?.since ?? now, because };
		if (wasJoined && !this.#isRunning) this.#sink.stopped(because);
	}

	#tell(input: AlignedInput, because: PenstockError): void {
		input.missing = undefined;
		this.#sink.left(this.#inputs.indexOf(input), because);
	}
}
