/**
 * Decoders one after the other, as the decode information changes: the next one is started ahead and fed from the new
 * unit on while the one before gives out its last frames. Frames come out in the stream's order, and each access unit
 * is accounted for: decoded, or lost.
 */
import type { PenstockError } from "../base/errors.ts";
import { type Milliseconds, type Ticks90k, ticks90k } from "../base/units.ts";
import type { AccessUnit } from "../media/access-unit.ts";
import type { UnitHead } from "../media/packaging.ts";
import { type DecodedFrame, Decoder, type DecoderSetup } from "./decoder.ts";

/** What is known of an access unit when its frame comes out of the decoder. */
export interface Fed {
	readonly pts: Ticks90k;
	readonly rendition: string | undefined;
	readonly unit: number | undefined;
	readonly arrivedAt: Milliseconds;
}

export interface ChainEvents {
	/** In the stream's order. */
	frame(frame: DecodedFrame, fed: Fed): void;
	/** Access units that went in and did not come out. */
	lost(count: number): void;
	complaint(line: string): void;
	/** FFmpeg cannot be run at all. */
	failed(error: PenstockError): void;
	/** Something moved: `backlogged` may have become false. */
	relieved(): void;
}

interface Link {
	readonly decoder: Decoder;
	/** Fed and not yet seen again. */
	expected: Fed[];
}

/** Decoders that give out their last frames, above which nothing more should be fed. */
const MOST_DRAINING = 3;
/** Access units that a decoder may owe; a decoder that owes more has swallowed them. */
const MOST_EXPECTED = 1000;
/** Times are rounded to the decoder's time base and back: half a millisecond. */
const TOLERANCE: Ticks90k = ticks90k(45);

export class DecoderChain {
	readonly #setup: DecoderSetup;
	readonly #events: ChainEvents;
	/** The first gives out frames, the last is fed. */
	#links: Link[] = [];
	#spare: Decoder | undefined;
	#head: UnitHead | undefined;
	#finishing = false;
	readonly #finished = Promise.withResolvers<void>();
	/** Decoders that were set up so far. */
	count = 0;

	/** Starts the first decoder ahead. */
	constructor(setup: DecoderSetup, events: ChainEvents) {
		this.#setup = setup;
		this.#events = events;
		this.#spare = this.#start();
	}

	/** Whether the stream should be read no further for now. */
	get backlogged(): boolean {
		const last = this.#links.at(-1);
		if (last === undefined) return false;
		const owesMuch = last.expected.length > MOST_EXPECTED / 2 && last.decoder.behind;
		return owesMuch || last.decoder.backlogged || this.#links.length > MOST_DRAINING;
	}

	/** A decoder set up with this decode information gets what is fed from now on. */
	reset(head: UnitHead): void {
		this.#head = head;
		this.#links.at(-1)?.decoder.end();
		const decoder = this.#spare ?? this.#start();
		decoder.open(head);
		this.count++;
		this.#links.push({ decoder, expected: [] });
		if (this.#links.length === 1) decoder.release();
		this.#spare = this.#start();
	}

	/** @throws PenstockError where the access unit is broken */
	feed(accessUnit: AccessUnit, fed: Fed): void {
		// A decoder that died is followed by a new one at the next picture that needs none before it.
		if (this.#links.at(-1)?.decoder.alive !== true) {
			if (!accessUnit.key || this.#head === undefined) {
				this.#events.lost(1);
				return;
			}
			this.reset({ ...this.#head, time: accessUnit.pts });
		}
		const link = this.#links.at(-1)!;
		link.decoder.feed(accessUnit);
		link.expected.push(fed);
		if (link.expected.length > MOST_EXPECTED) {
			link.expected.shift();
			this.#events.lost(1);
		}
	}

	/** Resolves when the last frame has come out. */
	finish(): Promise<void> {
		this.#finishing = true;
		this.#spare?.kill();
		this.#spare = undefined;
		this.#links.at(-1)?.decoder.end();
		if (this.#links.length === 0) this.#finished.resolve();
		return this.#finished.promise;
	}

	/** Ends all decoders, whatever they still have. */
	kill(): void {
		for (const { decoder } of this.#links) decoder.kill();
	}

	#start(): Decoder {
		const decoder: Decoder = new Decoder(this.#setup, {
			frame: (frame) => this.#frame(decoder, frame),
			complaint: (line) => {
				// What FFmpeg says of an input that stayed empty is no news.
				if (decoder !== this.#spare && this.#links.some((link) => link.decoder === decoder))
					this.#events.complaint(line);
			},
			drained: () => this.#events.relieved(),
			closed: (error) => this.#closed(decoder, error),
		});
		return decoder;
	}

	#frame(decoder: Decoder, frame: DecodedFrame): void {
		const link = this.#links.find((one) => one.decoder === decoder);
		if (link === undefined) return;
		// Frames come in the order of their times: what is due before this one will not come any more.
		const due = link.expected.filter(({ pts }) => pts <= frame.pts + TOLERANCE);
		if (due.length > 0) link.expected = link.expected.filter(({ pts }) => pts > frame.pts + TOLERANCE);
		const fed = due.find(({ pts }) => Math.abs(pts - frame.pts) <= TOLERANCE);
		const lost = due.length - (fed === undefined ? 0 : 1);
		if (lost > 0) this.#events.lost(lost);
		if (fed !== undefined) this.#events.frame(frame, fed);
	}

	#closed(decoder: Decoder, error: PenstockError | undefined): void {
		const link = this.#links.find((one) => one.decoder === decoder);
		if (link === undefined) return;
		if (link.expected.length > 0) this.#events.lost(link.expected.length);
		this.#links = this.#links.filter((one) => one !== link);
		if (error !== undefined) this.#events.failed(error);
		this.#links[0]?.decoder.release();
		if (this.#finishing && this.#links.length === 0) this.#finished.resolve();
		this.#events.relieved();
	}
}
