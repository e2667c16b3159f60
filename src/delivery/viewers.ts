/**
 * All viewers of the server: their number and its limit, which holds for those of other protocols, too; the watchdog that
 * finds those who take nothing any more, and the counters that outlive them.
 */
import type { Clock, Timer } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { DecisionCounts } from "../switching/decision-counts.ts";
import type { Cause } from "../switching/state.ts";
import type { DropReason, LeaveReason, SwitchRecord, Viewer } from "./viewer.ts";

export type SwitchDirection = "up" | "down";

/** Totals since the start of the server. */
export interface ViewerTotals {
	accepted: number;
	refused: number;
	bytesSent: number;
	/** Keys are `direction/cause`. */
	readonly switches: Map<`${SwitchDirection}/${Cause}`, number>;
	readonly drops: Map<DropReason, number>;
	readonly left: Map<LeaveReason, number>;
	/** At the ends of units. */
	readonly decisions: DecisionCounts;
}

export interface ViewersOptions {
	readonly clock: Clock;
	readonly maxViewers: number;
	/** A viewer whose socket takes no byte for this long, while bytes wait, is gone. */
	readonly stallTimeout: Milliseconds;
}

interface Watched {
	readonly viewer: Viewer;
	readonly onLeave: (reason: LeaveReason) => void;
	progress: number;
	progressAt: Milliseconds;
	/** Set when the server ends the connection. */
	reason: LeaveReason | undefined;
	/** It is dropped then, if its response has not ended before. */
	dropAt: Milliseconds;
}

const WATCH_INTERVAL_MS = 1000;
/** What a kicked viewer has to take the end of its response. */
const KICK_PATIENCE_MS = 1000;
const NEVER = milliseconds(Number.POSITIVE_INFINITY);

const count = <Key>(counts: Map<Key, number>, key: Key): void => {
	counts.set(key, (counts.get(key) ?? 0) + 1);
};

export class Viewers {
	readonly totals: ViewerTotals = {
		accepted: 0,
		refused: 0,
		bytesSent: 0,
		switches: new Map(),
		drops: new Map(),
		left: new Map(),
		decisions: new DecisionCounts(),
	};
	readonly #options: ViewersOptions;
	readonly #watched = new Map<string, Watched>();
	#timer: Timer | undefined;
	#reserved = 0;
	#onEmpty: (() => void) | undefined;

	constructor(options: ViewersOptions) {
		this.#options = options;
	}

	get size(): number {
		return this.#watched.size;
	}

	*all(): Iterable<Viewer> {
		for (const { viewer } of this.#watched.values()) yield viewer;
	}

	find(id: string): Viewer | undefined {
		return this.#watched.get(id)?.viewer;
	}

	/**
	 * Takes a place for a viewer that has yet to start (its programme may take a while), or for one that watches by
	 * another protocol.
	 * @returns gives the place back; idempotent
	 * @throws PenstockError VIEWERS_LIMIT
	 */
	reserve(): () => void {
		const { maxViewers } = this.#options;
		if (this.#watched.size + this.#reserved >= maxViewers) {
			this.totals.refused++;
			throw new PenstockError(
				"VIEWERS_LIMIT",
				`the server has ${maxViewers} viewers (RTSP's players count), which is delivery.maxViewers; try again later or another server.`,
			);
		}
		this.#reserved++;
		let open = true;
		return () => {
			if (open) this.#reserved--;
			open = false;
		};
	}

	add(viewer: Viewer, onLeave: (reason: LeaveReason) => void): void {
		const progressAt = this.#options.clock.now();
		this.#watched.set(viewer.id, { viewer, onLeave, progress: 0, progressAt, reason: undefined, dropAt: NEVER });
		this.totals.accepted++;
		this.#arm();
	}

	/**
	 * The viewer's connection is closed.
	 * @param why counts where the server has not ended it for a reason of its own
	 */
	remove(viewer: Viewer, why: LeaveReason = "closed"): void {
		const watched = this.#watched.get(viewer.id);
		if (watched === undefined) return;
		this.#watched.delete(viewer.id);
		const reason = watched.reason ?? why;
		viewer.leave();
		this.totals.bytesSent += viewer.bytesSent;
		count(this.totals.left, reason);
		watched.onLeave(reason);
		if (this.#watched.size === 0) this.#onEmpty?.();
	}

	/** Ends a viewer's connection at once. */
	expel(viewer: Viewer, reason: LeaveReason): void {
		const watched = this.#watched.get(viewer.id);
		if (watched === undefined) return;
		if (watched.reason === undefined || watched.reason === "drained") watched.reason = reason;
		viewer.destroy();
	}

	/**
	 * Ends a viewer's response in good order, and at once: behind the access unit that is on its way. Who does not take
	 * even that within two seconds is dropped.
	 */
	kick(viewer: Viewer): void {
		const watched = this.#watched.get(viewer.id);
		if (watched === undefined || watched.reason === "kicked") return;
		watched.reason = "kicked";
		watched.dropAt = milliseconds(this.#options.clock.now() + KICK_PATIENCE_MS);
		viewer.cut();
	}

	countSwitch(direction: SwitchDirection, record: SwitchRecord): void {
		count(this.totals.switches, `${direction}/${record.because.cause}` as const);
	}

	countDrop(reason: DropReason): void {
		count(this.totals.drops, reason);
	}

	/** Bytes sent to viewers that are here and that have left. */
	get bytesSent(): number {
		let sum = this.totals.bytesSent;
		for (const viewer of this.all()) sum += viewer.bytesSent;
		return sum;
	}

	/** Lets every viewer end at the end of its unit; who has not by the deadline is dropped. */
	drain(deadline: Milliseconds): Promise<void> {
		return new Promise((resolve) => {
			if (this.#watched.size === 0) return resolve();
			const timer = this.#options.clock.after(deadline, () => {
				for (const viewer of this.all()) this.expel(viewer, "deadline");
			});
			this.#onEmpty = () => {
				timer.cancel();
				this.#timer?.cancel();
				resolve();
			};
			for (const watched of this.#watched.values()) {
				watched.reason ??= "drained";
				watched.viewer.finish();
			}
		});
	}

	#arm(): void {
		this.#timer ??= this.#options.clock.after(WATCH_INTERVAL_MS, () => {
			this.#timer = undefined;
			this.#watch();
			if (this.#watched.size > 0) this.#arm();
		});
	}

	#watch(): void {
		const now = this.#options.clock.now();
		for (const watched of this.#watched.values()) {
			const { viewer } = watched;
			// Wakes those whose rendition brings nothing more: nobody else would.
			viewer.pump();
			const { progress } = viewer;
			if (!viewer.blocked || progress !== watched.progress) {
				watched.progress = progress;
				watched.progressAt = now;
			} else if (milliseconds(now - watched.progressAt) >= this.#options.stallTimeout) {
				this.expel(viewer, "stalled");
			}
			if (now >= watched.dropAt) this.expel(viewer, "kicked");
		}
	}
}
