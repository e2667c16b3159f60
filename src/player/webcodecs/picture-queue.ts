/**
 * Frames that are decoded and wait to be shown, in order. Each is shown once; one that is far too late is left out,
 * if a newer one is due as well: a player that was held up catches up by showing the rest in quick succession.
 */
import type { DecodedPicture } from "./picture-decoder.ts";

/** A frame that is due so soon is due. */
const SLACK_MS = 1;

export class PictureQueue<About> {
	readonly #waiting: DecodedPicture<About>[] = [];

	get length(): number {
		return this.#waiting.length;
	}

	/** When the next one is due; undefined where there is none. */
	get nextMs(): number | undefined {
		return this.#waiting[0]?.ptsMs;
	}

	push(picture: DecodedPicture<About>): void {
		this.#waiting.push(picture);
	}

	/** The next one, whenever it is due. To be closed by whoever takes it. */
	take(): DecodedPicture<About> | undefined {
		return this.#waiting.shift();
	}

	/** The next one if it is due. To be closed by whoever takes it. */
	takeDue(positionMs: number): DecodedPicture<About> | undefined {
		const next = this.nextMs;
		return next !== undefined && next <= positionMs + SLACK_MS ? this.#waiting.shift() : undefined;
	}

	/** Closes what is later than `toleratedMs`, if a newer one is due as well; gives how many. */
	dropLate(positionMs: number, toleratedMs: number): number {
		let dropped = 0;
		while (this.#waiting.length > 1) {
			const [first, second] = this.#waiting as [DecodedPicture<About>, DecodedPicture<About>];
			if (positionMs - first.ptsMs <= toleratedMs || second.ptsMs > positionMs) break;
			this.#waiting.shift();
			first.frame.close();
			dropped++;
		}
		return dropped;
	}

	/** Closes all; gives how many. */
	clear(): number {
		const count = this.#waiting.length;
		for (const { frame } of this.#waiting) frame.close();
		this.#waiting.length = 0;
		return count;
	}
}
