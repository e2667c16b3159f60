/** Puts a frame together from fragments, where its size is known from the first one or from none. */
import { concatenate } from "../../base/bytes.ts";

/** No frame of sound comes near; kept in parts of a byte each, it is still little. */
export const MOST_SOUND_BYTES = 2 ** 16;

export class FragmentBuffer {
	#parts: Uint8Array[] = [];
	#length = 0;
	#wanted = 0;
	#timestamp = 0;
	#isOpen = false;

	get isOpen(): boolean {
		return this.#isOpen;
	}

	get length(): number {
		return this.#length;
	}

	get timestamp(): number {
		return this.#timestamp;
	}

	/** The size of the whole frame. */
	get wanted(): number {
		return this.#wanted;
	}

	get isTooLong(): boolean {
		return this.#length > this.#wanted;
	}

	/** @param wanted the size of the whole; infinity where the end is told in another way */
	open(wanted: number, timestamp: number): void {
		this.clear();
		this.#isOpen = true;
		this.#wanted = wanted;
		this.#timestamp = timestamp;
	}

	/** @param part copied */
	push(part: Uint8Array): void {
		this.#parts.push(part.slice());
		this.#length += part.length;
	}

	/** The frame, once it is of the size wanted. */
	takeWhole(): Uint8Array | undefined {
		return this.#length === this.#wanted ? this.take() : undefined;
	}

	take(): Uint8Array {
		const whole = concatenate(...this.#parts);
		this.clear();
		return whole;
	}

	clear(): void {
		this.#parts = [];
		this.#length = 0;
		this.#isOpen = false;
	}
}
