/** Counters of an engine in this process, in the form in which the control protocol tells them. */
import type { Traffic } from "../wire/distributor-answer.ts";
import type { DropCounts, DropReason } from "../wire/distributor-drops.ts";

/** Packets, and the bytes of their UDP payloads. */
class TrafficCounter {
	#packets = 0;
	#bytes = 0;

	add(payloadBytes: number): void {
		this.#packets++;
		this.#bytes += payloadBytes;
	}

	get reading(): Traffic {
		return { packets: this.#packets, bytes: this.#bytes };
	}
}

class DropCounter {
	readonly #counts = new Map<DropReason, number>();

	add(reason: DropReason): void {
		this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
	}

	get reading(): DropCounts {
		return Object.fromEntries(this.#counts);
	}
}

/** What is counted of a rule, of a receiver, and of all. */
export class Counters {
	readonly received = new TrafficCounter();
	readonly sent = new TrafficCounter();
	readonly drops = new DropCounter();
}
