/**
 * The continuity counter of one PID, as a demultiplexer follows it (ISO/IEC 13818-1, clause 2.4.3.3): it runs on by one
 * with each packet that has payload, stands still on others, and a packet may be sent twice.
 */
export type CounterVerdict = "next" | "repeat" | "jump";

export class PidCounter {
	/** For its user: how many places of damage were known when the PID came last. */
	damages = 0;
	#last: number | undefined;
	#repeated = false;
	#packets = 0;
	#errors = 0;
	#discontinuities = 0;

	get packets(): number {
		return this.#packets;
	}

	/** Jumps that nothing announced. */
	get errors(): number {
		return this.#errors;
	}

	/** Packets with discontinuity_indicator: the counter may jump there. */
	get discontinuities(): number {
		return this.#discontinuities;
	}

	/**
	 * Takes the next packet in. "repeat" is a second packet with the same counter and payload: it says nothing new.
	 * (15 packets lost in a row look the same; the PES packet's length tells, later.)
	 */
	judge(counter: number, hasPayload: boolean, announced: boolean): CounterVerdict {
		this.#packets++;
		const last = this.#last;
		this.#last = counter;
		const repeatedBefore = this.#repeated;
		this.#repeated = false;
		if (announced) {
			this.#discontinuities++;
			return last === undefined || counter === (hasPayload ? (last + 1) & 0xf : last) ? "next" : "jump";
		}
		if (last === undefined || counter === (hasPayload ? (last + 1) & 0xf : last)) return "next";
		if (hasPayload && counter === last && !repeatedBefore) {
			this.#repeated = true;
			return "repeat";
		}
		this.#errors++;
		return "jump";
	}
}
