/**
 * One source buffer and what waits for it. Appends one thing at a time, as the interface wants it; what comes meanwhile is
 * appended in one go. Takes away what has been played.
 */
import { messageOf } from "../../base/errors.ts";
import type { MediaPiece } from "./media-piece.ts";
import { isHeld } from "./media-source.ts";

/** What has been played is kept this long, and taken away when there is twice as much. */
const KEPT_SECONDS = 5;
/** Waiting: several seconds of any picture that is sent live. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

export interface SourceTrackEvents {
	/** What was under way is in. */
	appended(): void;
	/** It takes no more, for this reason. */
	broken(reason: string): void;
}

/** Key times are kept this far apart: of sound, every frame is one. */
const KEYS_APART = 0.2;
/** Browsers count in microseconds: less than any frame, more than a rounding. */
const GRAIN = 0.001;

/** A type without its codec's profile and level: `video/mp4; codecs="avc1`. */
const family = (type: string): string => type.split(".", 1)[0]!;

export class SourceTrack {
	readonly #source: MediaSource;
	readonly #buffer: SourceBuffer;
	readonly #events: SourceTrackEvents;
	#type: string;
	#waiting: MediaPiece[] = [];
	#waitingBytes = 0;
	/** What is being appended; kept until it is in. */
	#under: readonly MediaPiece[] = [];
	#position = 0;
	/** Where it can be cut: key pictures that were appended, in seconds. */
	readonly #keys: number[] = [];

	/** @throws DOMException where the browser does not take the type */
	constructor(source: MediaSource, type: string, events: SourceTrackEvents) {
		this.#source = source;
		this.#type = type;
		this.#events = events;
		this.#buffer = source.addSourceBuffer(type);
		this.#buffer.onupdateend = () => this.#updated();
		this.#buffer.onerror = () => events.broken("it could not read what it was given");
	}

	get isIdle(): boolean {
		return this.#waiting.length === 0 && !this.#buffer.updating;
	}

	append(pieces: readonly MediaPiece[]): void {
		this.#waiting.push(...pieces);
		this.#waitingBytes += bytesOf(pieces);
		if (this.#waitingBytes > MOST_WAITING_BYTES) {
			this.#events.broken(`${this.#waitingBytes} bytes wait that it does not take`);
		} else this.pump();
	}

	/** @param seconds where the element is */
	played(seconds: number): void {
		this.#position = seconds;
	}

	close(): void {
		this.#buffer.onupdateend = null;
		this.#buffer.onerror = null;
		this.#waiting = [];
		this.#waitingBytes = 0;
	}

	/** Does the next thing that is due, if any. */
	pump(): void {
		if (this.#buffer.updating || this.#source.readyState !== "open" || isHeld(this.#source)) return;
		try {
			if (this.#evict()) return;
			if (this.#waiting.length > 0) this.#appendNext();
		} catch (error) {
			this.#failed(error);
		}
	}

	/** All that waits, up to where another kind of codec begins. */
	#appendNext(): void {
		const first = this.#waiting[0]!;
		if (first.type !== undefined && family(first.type) !== family(this.#type)) this.#buffer.changeType(first.type);
		this.#type = first.type ?? this.#type;
		const next = this.#waiting.findIndex(({ type }, i) => i > 0 && type !== undefined && type !== this.#type);
		const pieces = next < 0 ? this.#waiting : this.#waiting.slice(0, next);
		this.#under = pieces;
		this.#buffer.appendBuffer(joined(pieces));
		this.#waiting = next < 0 ? [] : this.#waiting.slice(next);
		this.#waitingBytes = bytesOf(this.#waiting);
	}

	#failed(error: unknown): void {
		const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
		// What is taken away now makes room; the append is tried again behind it.
		if (isFull && this.#evict(true)) return;
		this.#events.broken(messageOf(error));
	}

	#updated(): void {
		const wasAppend = this.#under.length > 0;
		for (const { keySeconds } of this.#under) this.#noteKey(keySeconds);
		this.#under = [];
		this.pump();
		if (wasAppend) this.#events.appended();
	}

	#noteKey(seconds: number | undefined): void {
		if (seconds === undefined) return;
		// What steps back takes the place of what was there.
		while (this.#keys.length > 0 && this.#keys.at(-1)! > seconds) this.#keys.pop();
		if (this.#keys.length === 0 || seconds - this.#keys.at(-1)! > KEYS_APART) this.#keys.push(seconds);
	}

	/**
	 * Takes away what lies far behind, up to a key picture: a browser takes away the rest of the group, too.
	 * @param isFull leaves no more than it must
	 * @returns whether something is being taken away now
	 */
	#evict(isFull = false): boolean {
		const { buffered } = this.#buffer;
		if (buffered.length === 0) return false;
		const from = buffered.start(0);
		if (!isFull && this.#position - from < 2 * KEPT_SECONDS) return false;
		const keptFrom = this.#position - (isFull ? 0 : KEPT_SECONDS);
		const next = this.#keys.findIndex((key) => key > keptFrom);
		const known = next < 0 ? this.#keys.length : next;
		const key = this.#keys[known - 1];
		if (key === undefined || key <= from + GRAIN) return false;
		this.#keys.splice(0, known - 1);
		this.#buffer.remove(0, key - GRAIN);
		return true;
	}
}

const bytesOf = (pieces: readonly MediaPiece[]): number => pieces.reduce((sum, { bytes }) => sum + bytes.length, 0);

function joined(pieces: readonly MediaPiece[]): Uint8Array<ArrayBuffer> {
	if (pieces.length === 1) return pieces[0]!.bytes;
	const out = new Uint8Array(bytesOf(pieces));
	let at = 0;
	for (const { bytes } of pieces) {
		out.set(bytes, at);
		at += bytes.length;
	}
	return out;
}
