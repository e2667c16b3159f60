/**
 * Watches a rendition that is a copy of the source, which nobody here can force to be as units need it: every unit
 * must begin with an IDR picture, pictures must not be reordered, and GOPs must be as long as the unit.
 * B-frames: a copied unit would begin with DTS below its PTS while an encoded one has them equal, so that DTS would run
 * backwards at a switch. Open GOPs: pictures behind the key one refer to pictures before it.
 */
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { type Milliseconds, TICKS_PER_MS, type Ticks90k } from "../base/units.ts";
import type { AccessUnit } from "../media/access-unit.ts";

/** A GOP may be this much shorter or longer than the unit, as a share of it. */
const TOLERANCE = 0.25;
/** GOPs that are measured from the start; later ones are the alignment checker's matter. */
const GOPS_MEASURED = 3;
/** Without a second key picture for this many units, the source has none in time. */
const LONGEST_WAIT_UNITS = 3;

export class CopyInspector {
	readonly #rendition: Name;
	readonly #unit: Milliseconds;
	#lastKey: Ticks90k | undefined;
	#gops = 0;

	constructor(rendition: Name, unitDuration: Milliseconds) {
		this.#rendition = rendition;
		this.#unit = unitDuration;
	}

	/**
	 * @param startsGop see PipeSink
	 * @returns LADDER_COPY_UNFIT when the source cannot be this rendition
	 */
	inspect(accessUnit: AccessUnit, startsGop: boolean): PenstockError | undefined {
		const { pts, dts, key } = accessUnit;
		if (pts !== dts) {
			return this.#unfit(
				`reorders pictures (B-frames: a picture decoded at ${dts} is shown at ${pts})`,
				"switch B-frames off at the source",
			);
		}
		if (startsGop && !key) {
			return this.#unfit(
				`has open GOPs (a key picture at ${dts} without IDR)`,
				"make the source send IDR pictures (closed GOPs)",
			);
		}
		if (this.#gops >= GOPS_MEASURED) return undefined;
		const gopMs = this.#lastKey === undefined ? undefined : (dts - this.#lastKey) / TICKS_PER_MS;
		if (key) {
			this.#lastKey = dts;
			if (gopMs === undefined) return undefined;
			this.#gops++;
			return Math.abs(gopMs - this.#unit) > TOLERANCE * this.#unit ? this.#wrongLength(gopMs) : undefined;
		}
		return gopMs !== undefined && gopMs > LONGEST_WAIT_UNITS * this.#unit
			? this.#wrongLength(gopMs, "more than ")
			: undefined;
	}

	#wrongLength(gopMs: number, moreThan = ""): PenstockError {
		const length = Math.round(gopMs);
		return this.#unfit(
			`has GOPs of ${moreThan}${length} ms while the unit has ${this.#unit} ms`,
			moreThan === "" ? `set unitMs to ${length}` : `make the source send a key picture every ${this.#unit} ms`,
		);
	}

	#unfit(why: string, remedy: string): PenstockError {
		return copyUnfit(this.#rendition, why, remedy);
	}
}

export const copyUnfit = (rendition: Name, why: string, remedy: string): PenstockError =>
	new PenstockError(
		"LADDER_COPY_UNFIT",
		`rendition "${rendition}" copies a source that ${why}; ${remedy}, or encode this rendition.`,
	);
