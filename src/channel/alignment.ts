/**
 * The alignment checker: watches, in production, whether unit n of every rendition starts at the same time.
 * A fault is counted each time, and told once: when it begins, and again only after a spell of good units.
 */
import type { Name } from "../base/name.ts";
import type { Milliseconds } from "../base/units.ts";

export type AlignmentFault =
	/** The rendition's IDR is not at the unit's time; positive: it is late. */
	| { readonly kind: "misaligned"; readonly rendition: Name; readonly unit: number; readonly offsetMs: number }
	/** The rendition had no IDR for `count` units that another rendition has. */
	| { readonly kind: "missing"; readonly rendition: Name; readonly unit: number; readonly count: number }
	/** An IDR older than anything the channel still places: dropped, with what follows it. */
	| { readonly kind: "late"; readonly rendition: Name; readonly unit: number; readonly offsetMs: number }
	/** No IDR for so long that the unit's further access units were dropped. */
	| { readonly kind: "overlong"; readonly rendition: Name; readonly unit: number }
	/** Media time and wall clock moved apart by this much; positive: the media falls behind. */
	| { readonly kind: "drift"; readonly unit: number; readonly offsetMs: number };

export type AlignmentFaultKind = AlignmentFault["kind"];

export type AlignmentCounts = Readonly<Record<AlignmentFaultKind, number>>;

/** Good units after which a fault that comes back is told again. */
const GOOD_UNITS_TO_FORGET = 30;

const noFaults = (): Record<AlignmentFaultKind, number> => ({
	misaligned: 0,
	missing: 0,
	late: 0,
	overlong: 0,
	drift: 0,
});

/** The faults of one rendition, or (drift) of the channel as a whole. */
export class AlignmentChecker {
	readonly #tell: (fault: AlignmentFault) => void;
	readonly #counts = noFaults();
	#told = new Set<AlignmentFaultKind>();
	#goodUnits = 0;
	#last: AlignmentFault | undefined;

	/** @param tell gets a fault when a spell of that kind begins */
	constructor(tell: (fault: AlignmentFault) => void) {
		this.#tell = tell;
	}

	get counts(): AlignmentCounts {
		return this.#counts;
	}

	get last(): AlignmentFault | undefined {
		return this.#last;
	}

	/** False from a fault until enough good units have passed. */
	get good(): boolean {
		return this.#told.size === 0;
	}

	fault(fault: AlignmentFault): void {
		this.#counts[fault.kind] += fault.kind === "missing" ? fault.count : 1;
		this.#last = fault;
		this.#goodUnits = 0;
		if (this.#told.has(fault.kind)) return;
		this.#told.add(fault.kind);
		this.#tell(fault);
	}

	goodUnit(): void {
		if (this.#told.size > 0 && ++this.#goodUnits >= GOOD_UNITS_TO_FORGET) this.#told = new Set();
	}
}

/**
 * Compares media time with the wall clock, unit by unit. The first unit sets the base line; a deviation beyond the
 * bound is reported and becomes the new base line, so that each further loss of that size is reported once.
 */
export class DriftMeter {
	readonly #boundMs: number;
	#baselineMs: number | undefined;

	constructor(boundMs: number) {
		this.#boundMs = boundMs;
	}

	/**
	 * @param mediaMs time of the unit
	 * @param arrivalMs when its IDR arrived, by the monotonic clock
	 * @returns the deviation in ms where it is beyond the bound
	 */
	measure(mediaMs: Milliseconds, arrivalMs: Milliseconds): number | undefined {
		const skew = arrivalMs - mediaMs;
		this.#baselineMs ??= skew;
		const offsetMs = skew - this.#baselineMs;
		if (Math.abs(offsetMs) <= this.#boundMs) return undefined;
		this.#baselineMs = skew;
		return offsetMs;
	}
}
