/**
 * A viewer: a cursor into a lane, and a transport. It writes while the transport takes bytes and otherwise just falls
 * behind: it costs no memory and nobody else's time.
 *
 * At the end of each unit it asks the switching state which rendition comes next, and moves its cursor to the unit of
 * the same number and time in that rendition's lane (S7). That is the whole switch; the unit itself begins with its
 * decode information (S8). If the other rendition's unit is not there yet, the viewer waits for it a little; if it
 * turns out missing or misaligned, the viewer goes on in the rendition it has: no frame is ever lost for a switch.
 */
import type { Clock } from "../base/clock.ts";
import type { Name } from "../base/name.ts";
import { type Milliseconds, milliseconds, type Ticks90k, ticksToMs } from "../base/units.ts";
import type { Channel } from "../channel/channel.ts";
import type { LoggedUnit } from "../channel/unit-log.ts";
import type { AccessUnit } from "../media/access-unit.ts";
import type { Packaging } from "../media/packaging.ts";
import type { Because, Decision, StreamPosition, ViewerFigures } from "../switching/state.ts";
import type { SwitchControl } from "../switching/switch-control.ts";
import { buildChunk, type Chunk, LAST_CHUNK } from "./chunk.ts";
import type { Lane, LaneReader, PackagedUnit } from "./lane.ts";
import type { LaneSet } from "./lane-set.ts";
import type { Looked } from "./look-schedule.ts";
import { PacketNumbers } from "./packet-numbers.ts";
import type { Transport } from "./transport.ts";

/** Why a viewer was moved forward over media that it never got. */
export type DropReason =
	/** It took nothing for longer than `maxLag`. */
	| "behind"
	/** The ring, which is shorter than that, had to let go of the unit that it stood in. */
	| "evicted"
	/** Its rendition ended, and no other has a unit of the same time. */
	| "withdrawn";

/** Why a viewer is gone. */
export type LeaveReason =
	/** From its side, or the connection broke. */
	| "closed"
	/** It took nothing for `stallTimeout`, or the kernel found that nobody acknowledges. */
	| "stalled"
	| "kicked"
	/** Its right to watch has ended. */
	| "refused"
	/** The server shuts down, and its response came to its end. */
	| "drained"
	/** The server shuts down, or its channel is gone, and it had not taken its last unit in time. */
	| "deadline";

export interface SwitchRecord {
	readonly at: Milliseconds;
	/** Number of the first unit in the new rendition. */
	readonly unit: number;
	readonly from: Name;
	readonly to: Name;
	readonly because: Because;
}

export interface ViewerOptions {
	readonly id: string;
	readonly lanes: LaneSet;
	readonly packaging: Packaging;
	/** Whether the body has chunked transfer coding; HTTP/1.0 has none. */
	readonly chunked: boolean;
	readonly wish: Name | "auto";
	readonly clock: Clock;
	/** A viewer further behind the newest unit than this is moved to it. */
	readonly maxLag: Milliseconds;
	/** How long the end of a unit may wait for the other rendition's next one, in media time. */
	readonly switchPatience: Milliseconds;
	readonly control: SwitchControl;
	/** What comes after the unit that is being sent. */
	readonly decide: (viewer: Viewer, position: StreamPosition) => Decision;
	readonly onSwitch: (viewer: Viewer, record: SwitchRecord) => void;
	readonly onDrop: (viewer: Viewer, reason: DropReason, lost: Milliseconds) => void;
	/** The next look at its connection is due sooner than before. */
	readonly onLookSooner?: (viewer: Viewer) => void;
}

interface PendingSwitch {
	readonly lane: Lane;
	readonly because: Because;
}

const RECORDS_KEPT = 20;
/** Chunks are put together into one write up to about so much: what is on its way cannot be skipped any more. */
const WRITE_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);
const NEVER = milliseconds(Number.POSITIVE_INFINITY);
const AT_UNIT_END = { moment: "unit-end", remaining: milliseconds(0), waitingBytes: 0 } as const;

export class Viewer implements LaneReader, Looked {
	readonly id: string;
	readonly packaging: Packaging;
	readonly control: SwitchControl;
	wish: Name | "auto";
	figures: ViewerFigures = {};
	bytesSent = 0;
	switchCount = 0;
	/** The newest last. */
	readonly lastSwitches: SwitchRecord[] = [];
	readonly drops: Record<DropReason, number> = { behind: 0, evicted: 0, withdrawn: 0 };
	lastDecision: Decision | undefined;
	readonly #options: ViewerOptions;
	readonly #channel: Channel;
	#transport: Transport | undefined;
	#lane: Lane;
	#unit: PackagedUnit;
	#index = 0;
	#pendingSwitch: PendingSwitch | undefined;
	/** Bytes that go out before the cursor's own: how a response starts, or what bridges a hole. */
	#prelude: Chunk | undefined;
	readonly #numbers: PacketNumbers | undefined;
	#finishing = false;
	/** Nothing more is sent: what remains is to end the response. */
	#over = false;
	#pumping = false;

	/** The channel must have a unit to start from. The viewer is put into its lane by `start`. */
	constructor(options: ViewerOptions) {
		this.#options = options;
		this.id = options.id;
		this.packaging = options.packaging;
		this.control = options.control;
		const { numbering } = options.packaging;
		this.#numbers = numbering && new PacketNumbers(numbering);
		this.wish = options.wish;
		this.#channel = options.lanes.channel;
		const wished = options.wish === "auto" ? undefined : this.#channel.rendition(options.wish);
		// S5: the lowest rendition starts fastest. Who names a rendition gets that one alone.
		const log = wished?.units.newest === undefined ? this.#channel.lowestReady! : wished;
		this.#lane = options.lanes.lane(log, options.packaging);
		this.#unit = this.#lane.unit(log.units.newest!);
		this.#prelude = buildChunk((allocate) => this.packaging.responseStart(this.#unit.head, allocate));
	}

	get rendition(): Name {
		return this.#lane.rendition.name;
	}

	/** Number of the unit that is being sent. */
	get unit(): number {
		return this.#unit.head.number;
	}

	/**
	 * How long ago the unit that is being sent was whole; 0 while it still grows. By the clock and not by time stamps:
	 * a hole in the source does not make anyone late.
	 */
	get lag(): Milliseconds {
		const { wholeAt } = this.#unit;
		return milliseconds(wholeAt === undefined ? 0 : this.#options.clock.now() - wholeAt);
	}

	/** The viewer's network or the viewer itself takes nothing more just now: a write is under way, or held back. */
	get blocked(): boolean {
		return this.#transport !== undefined && !(this.#transport.idle && this.control.maySend);
	}

	/** See Transport. */
	get progress(): number {
		return this.#transport?.progress ?? 0;
	}

	get nextLookAt(): Milliseconds {
		return this.#transport === undefined ? NEVER : this.control.nextLookAt;
	}

	/** Looks at the connection; where a queue stands, what comes after this unit is decided at once. */
	look(): void {
		if (!this.#takeReading()) return;
		if (this.control.wantsDecision && this.wish === "auto") this.#options.decide(this, this.#positionWithin());
		this.pump();
	}

	#takeReading(): boolean {
		const transport = this.#transport;
		if (transport === undefined) return false;
		const hasNews = this.control.watch(transport, this.#options.clock.now());
		if (!transport.idle) this.control.held();
		return hasNews;
	}

	#positionWithin(): StreamPosition {
		const { chunks, source } = this.#unit;
		const unit = this.#channel.unitMs;
		let waitingBytes = 0;
		for (let index = this.#index; index < chunks.length; index++) waitingBytes += chunks[index]!.framed.length;
		const left = source.closed ? 0 : unit - (this.#options.clock.now() - source.openedAt);
		const remaining = milliseconds(Math.min(unit, Math.max(0, left)));
		return { moment: "within-unit", unit, remaining, waitingBytes, lag: this.lag };
	}

	start(transport: Transport): void {
		this.#transport = transport;
		this.#lane.add(this);
		this.pump();
	}

	/** Ends the response in good order at the end of the unit that is being sent. */
	finish(): void {
		this.#finishing = true;
		this.pump();
	}

	/** The same at once, behind the access unit that is on its way. */
	cut(): void {
		this.#over = true;
		this.pump();
	}

	/** Takes the viewer out of its lane; the transport is the caller's to end. */
	leave(): void {
		this.#lane.remove(this);
		this.#forgetSwitch();
		this.#transport = undefined;
	}

	/** Drops the connection; `leave` follows when the transport tells that it is closed. */
	destroy(): void {
		this.#transport?.destroy();
	}

	/**
	 * Sends what there is, until the transport is busy or nothing is left. Hot path: runs for each viewer and access
	 * unit, and allocates nothing where one chunk waits; several (a unit's end and the next one's IDR, or what a slow
	 * viewer has to catch up) go out in one write.
	 */
	pump(): void {
		const transport = this.#transport;
		if (transport === undefined || this.#pumping) return;
		this.#pumping = true;
		const due = this.control.nextLookAt;
		const sent = this.bytesSent;
		while (transport.idle && this.control.maySend) {
			const first = this.#next();
			if (first === undefined) break;
			this.#send(transport, first);
		}
		if (this.#over && transport.idle) transport.end(this.#options.chunked ? LAST_CHUNK : NOTHING);
		this.#pumping = false;
		if (this.bytesSent > sent) this.#lookBehind(transport);
		if (this.control.nextLookAt < due) this.#options.onLookSooner?.(this);
	}

	/** Behind a write, a look costs half of what it costs at any other time: all that it touches is in the caches. */
	#lookBehind(transport: Transport): void {
		if (this.control.wantsLook(this.#options.clock.now(), "write")) this.look();
		else if (!transport.idle) this.control.held();
	}

	/** Sends `first`, and with it what is there behind it. */
	#send(transport: Transport, first: Buffer): void {
		let more: Buffer[] | undefined;
		let size = first.length;
		while (size < WRITE_BYTES) {
			const next = this.#next();
			if (next === undefined) break;
			more ??= [first];
			more.push(next);
			size += next.length;
		}
		this.bytesSent += size;
		this.#noteSent(size);
		if (more === undefined) transport.send(first);
		else transport.sendAll(more);
	}

	/** Before the bytes go: their way begins here. */
	#noteSent(size: number): void {
		const { head, source } = this.#unit;
		const newest = source.items[Math.min(this.#index, source.items.length) - 1];
		this.control.sent(this.#options.clock.now(), size, ticksToMs(newest?.dts ?? head.time));
	}

	/** Takes the next bytes and moves the cursor behind them; undefined where there are none for now. */
	#next(): Buffer | undefined {
		while (!this.#over) {
			const reason = this.#reasonToSkip();
			if (reason !== undefined) this.#skip(reason);
			const { chunks, closed, source } = this.#unit;
			const chunk = this.#prelude ?? chunks[this.#index];
			if (chunk !== undefined) {
				if (this.#prelude === undefined) this.#index++;
				else this.#prelude = undefined;
				const { framed, payload } = this.#numbers?.follow(chunk) ?? chunk;
				return this.#options.chunked ? framed : payload;
			}
			if (!closed) return undefined;
			if (this.#finishing || source.next === undefined) this.#over = true;
			else if (!this.#advance(source.next)) return undefined;
		}
		return undefined;
	}

	/** Why the cursor cannot stay where it is, if the lowest rendition has something newer. */
	#reasonToSkip(): DropReason | undefined {
		const { source, chunks } = this.#unit;
		const { withdrawn } = this.#lane.rendition;
		const isBehind = this.lag > this.#options.maxLag;
		const isStuck = source.evicted || (withdrawn && this.#index === chunks.length);
		if (!isBehind && !isStuck) return undefined;
		const newest = this.#channel.lowestReady?.units.newest;
		if (newest === undefined || newest.head.number <= this.unit) return undefined;
		if (isBehind) return "behind";
		return source.evicted ? "evicted" : "withdrawn";
	}

	/** Moves the cursor to the newest unit of the lowest rendition and counts what was left out. */
	#skip(reason: DropReason): void {
		const log = this.#channel.lowestReady!;
		const target = log.units.newest!;
		const lost = ticksToMs((target.head.time - this.#unit.head.time) as Ticks90k);
		this.drops[reason]++;
		this.control.skipped(lost);
		this.#moveTo(this.#options.lanes.lane(log, this.packaging), target);
		this.#beginBehindHole();
		this.#options.onDrop(this, reason, lost);
	}

	/** The unit has been sent whole: goes on with the next one, in this rendition or another. */
	#advance(next: LoggedUnit<AccessUnit>): boolean {
		if (this.#pendingSwitch === undefined) {
			if (this.control.wantsLook(this.#options.clock.now(), "unit-end")) this.#takeReading();
			const decision = this.#options.decide(this, { ...AT_UNIT_END, unit: this.#channel.unitMs, lag: this.lag });
			this.lastDecision = decision;
			const target = decision.kind === "switch" ? this.#channel.rendition(decision.to) : undefined;
			if (decision.kind === "hold" || target === undefined || target === this.#lane.rendition) {
				return this.#moveTo(this.#lane, next);
			}
			const lane = this.#options.lanes.lane(target, this.packaging);
			this.#pendingSwitch = { lane, because: decision.because };
			lane.add(this);
		}
		const { lane, because } = this.#pendingSwitch;
		const target = lane.rendition.units.find(next.head.number);
		if (target !== undefined && target.head.time === next.head.time) {
			const from = this.rendition;
			this.#moveTo(lane, target);
			this.#record({ at: this.#options.clock.now(), unit: next.head.number, from, to: this.rendition, because });
			return true;
		}
		if (target === undefined && this.#mayStillCome(lane, next)) return false;
		return this.#moveTo(this.#lane, next);
	}

	/** The other rendition has not come to this unit yet, and is not far behind. */
	#mayStillCome(lane: Lane, next: LoggedUnit<AccessUnit>): boolean {
		const reached = lane.rendition.units.newest?.head.number ?? Number.POSITIVE_INFINITY;
		const waited = ticksToMs(((next.items.at(-1)?.dts ?? next.head.time) - next.head.time) as Ticks90k);
		return reached < next.head.number && waited < this.#options.switchPatience && next.next === undefined;
	}

	#moveTo(lane: Lane, source: LoggedUnit<AccessUnit>): true {
		this.#forgetSwitch();
		if (lane !== this.#lane) {
			this.#lane.remove(this);
			this.#lane = lane;
			lane.add(this);
		}
		const follows = source.head.number === this.unit + 1;
		this.#unit = lane.unit(source);
		this.#index = 0;
		// Where an encoder broke off, a rendition can lack a unit that others have begun.
		if (!follows) this.#beginBehindHole();
		return true;
	}

	#beginBehindHole(): void {
		this.#prelude = buildChunk((allocate) => this.packaging.hole(this.#unit.head, allocate));
	}

	#forgetSwitch(): void {
		this.#pendingSwitch?.lane.remove(this);
		this.#pendingSwitch = undefined;
	}

	#record(record: SwitchRecord): void {
		const { at, from, to, because } = record;
		this.control.switched({ at, from, to, cause: because.cause });
		this.switchCount++;
		this.lastSwitches.push(record);
		if (this.lastSwitches.length > RECORDS_KEPT) this.lastSwitches.shift();
		this.#options.onSwitch(this, record);
	}
}
