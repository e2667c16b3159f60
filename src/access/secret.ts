/**
 * What nobody may read in a log, an answer or an error (SEC14): a text that only `reveal` gives out. Printed, joined,
 * serialized or inspected it says nothing of itself, not even its length.
 */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { inspect } from "node:util";

const SHOWN = "[secret]";
/** Of this process alone: what is digested here can be compared here and nowhere else. */
const PEPPER = randomBytes(32);

/** Of texts in their order; where one ends and the next begins is part of it. */
export function digestOf(...texts: readonly string[]): Buffer {
	const hmac = createHmac("sha256", PEPPER);
	for (const text of texts) hmac.update(`${Buffer.byteLength(text)}:`).update(text);
	return hmac.digest();
}

export class Secret {
	readonly #text: string;
	readonly #digest: Buffer;

	constructor(text: string) {
		this.#text = text;
		this.#digest = digestOf(text);
	}

	/** The text itself, for the one who has to use it. */
	reveal(): string {
		return this.#text;
	}

	/** Compares digests of one length, in a time that does not tell how far they agree (SEC15). */
	matches(presented: string): boolean {
		return timingSafeEqual(this.#digest, digestOf(presented));
	}

	toString(): string {
		return SHOWN;
	}

	toJSON(): string {
		return SHOWN;
	}

	[inspect.custom](): string {
		return SHOWN;
	}
}
