/**
 * One decoder: an FFmpeg process that gets access units in our own packaging and gives decoded frames with their times.
 * It is started before it is needed and waits on its empty standard input; `open` sets it up with decode information.
 * Its frames are kept back until `release`, so that a chain of decoders gives them out in the stream's order, and what
 * is kept is bounded: FFmpeg's output is then read no further.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Ticks90k } from "../base/units.ts";
import type { AccessUnit, TrackKind } from "../media/access-unit.ts";
import type { Packaging, UnitHead, UnitWriter } from "../media/packaging.ts";
import { decoderArguments, type PictureOutput, TIMES_FD } from "./decoder-arguments.ts";
import { type FrameLine, FrameLines } from "./frame-lines.ts";

export interface DecodedFrame {
	readonly pts: Ticks90k;
	/** The picture as `PictureOutput` says; empty for sound. */
	readonly picture: Uint8Array;
}

export interface DecoderSetup {
	/** The program, by path or by name. */
	readonly ffmpeg: string;
	readonly track: TrackKind;
	readonly pictures: PictureOutput;
	readonly clock: Clock;
	/** In which FFmpeg gets its input, and what it calls that. */
	readonly feed: { readonly packaging: Packaging; readonly format: string };
}

export interface DecoderEvents {
	/** In the order in which the decoder gave them; never before `release`. */
	frame(frame: DecodedFrame): void;
	/** A line of FFmpeg's own. */
	complaint(line: string): void;
	/** There is room in its input again. */
	drained(): void;
	/** Once, behind the last frame, when the process is gone. @param error set when FFmpeg could not be run at all */
	closed(error: PenstockError | undefined): void;
}

/** Bytes in front of FFmpeg above which nothing more should be fed. */
const MOST_QUEUED_BYTES = 1024 * 1024;
/** Decoded bytes kept back above which FFmpeg's output is not read on. */
const MOST_HELD_BYTES = 4 * 1024 * 1024;
/** What a decoder gets to give out its last frames. */
const DRAIN_MS = 10_000;
const LONGEST_COMPLAINT = 500;

const allocate = (byteLength: number): Uint8Array => new Uint8Array(byteLength);

export class Decoder {
	readonly #setup: DecoderSetup;
	readonly #events: DecoderEvents;
	readonly #child: ChildProcess;
	readonly #stdin: Writable;
	readonly #lines: FrameLine[] = [];
	#raw: Uint8Array[] = [];
	#rawBytes = 0;
	#held: DecodedFrame[] = [];
	#heldBytes = 0;
	#writer: UnitWriter | undefined;
	#released = false;
	#ended = false;
	/** All output is read and the process is gone. */
	#gone = false;
	#error: PenstockError | undefined;
	#deadline: Timer | undefined;
	#words = "";

	/** Starts FFmpeg. */
	constructor(setup: DecoderSetup, events: DecoderEvents) {
		this.#setup = setup;
		this.#events = events;
		this.#child = spawn(setup.ffmpeg, decoderArguments(setup.track, setup.pictures, setup.feed.format), {
			stdio: ["pipe", "pipe", "pipe", "pipe"],
			env: { ...process.env, LC_ALL: "C", AV_LOG_FORCE_NOCOLOR: "1" },
			// A group of its own: Ctrl-C at a terminal is for the player, which lets its decoders end.
			detached: true,
		});
		this.#stdin = this.#child.stdin!;
		this.#listen();
	}

	/** It can be fed: it runs, and its input is open. */
	get alive(): boolean {
		return !this.#ended && this.#stdin.writable;
	}

	/** It has not taken all that it was given; `drained` will tell when it has. */
	get behind(): boolean {
		return this.#stdin.writableNeedDrain;
	}

	/** Much waits in front of it, so that `drained` will tell when nothing does. */
	get backlogged(): boolean {
		return this.#stdin.writableLength > MOST_QUEUED_BYTES;
	}

	/** Sets it up with the decode information of a unit. */
	open(head: UnitHead): void {
		const start = this.#setup.feed.packaging.responseStart(head, allocate);
		if (start !== undefined) this.#write(start);
		this.#writer = this.#setup.feed.packaging.openUnit(head);
	}

	/** @throws PenstockError where the access unit is broken */
	feed(accessUnit: AccessUnit): void {
		this.#write(this.#writer!.write(accessUnit, allocate));
	}

	/** No more comes: the decoder gives out what it has, and goes. */
	end(): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#stdin.end();
		this.#deadline = this.#setup.clock.after(DRAIN_MS, () => this.kill());
	}

	kill(): void {
		this.#ended = true;
		this.#child.kill("SIGKILL");
	}

	/** From now on its frames come out as they are decoded; those kept back come at once. */
	release(): void {
		this.#released = true;
		const held = this.#held;
		this.#held = [];
		this.#heldBytes = 0;
		for (const frame of held) this.#events.frame(frame);
		this.#child.stdout?.resume();
		if (this.#gone) this.#events.closed(this.#error);
	}

	#write(bytes: Uint8Array): void {
		if (this.#stdin.writable) this.#stdin.write(bytes);
	}

	#listen(): void {
		const { stdin, stdout, stderr, stdio } = this.#child;
		stdin?.on("error", () => {}); // it went: "close" tells
		stdin?.on("drain", () => this.#events.drained());
		stdout?.on("data", (bytes: Uint8Array) => {
			this.#raw.push(bytes);
			this.#rawBytes += bytes.length;
			this.#assemble();
		});
		const lines = new FrameLines((line) => {
			this.#lines.push(line);
			this.#assemble();
		});
		(stdio[TIMES_FD] as Readable | null)?.setEncoding("utf8").on("data", (text: string) => lines.push(text));
		stderr?.setEncoding("utf8").on("data", (text: string) => this.#complain(text));
		this.#child.on("error", (error) => {
			if (this.#child.pid !== undefined) return;
			const hint = "install FFmpeg 5.1 or newer (apt-get install ffmpeg), or name one with --ffmpeg";
			const text = `${this.#setup.ffmpeg} cannot be run (${messageOf(error)}); ${hint}.`;
			this.#close(new PenstockError("FFMPEG_MISSING", text, { cause: error }));
		});
		this.#child.on("close", () => this.#close(undefined));
	}

	/** Makes frames of lines and the bytes that belong to them. */
	#assemble(): void {
		for (;;) {
			const line = this.#lines[0];
			const byteLength = this.#setup.track === "video" ? (line?.byteLength ?? 0) : 0;
			if (line === undefined || this.#rawBytes < byteLength) return;
			this.#lines.shift();
			this.#give({ pts: line.pts, picture: this.#takeRaw(byteLength) });
		}
	}

	#takeRaw(byteLength: number): Uint8Array {
		const whole = new Uint8Array(byteLength);
		for (let filled = 0; filled < byteLength; ) {
			const piece = this.#raw[0]!;
			const count = Math.min(piece.length, byteLength - filled);
			whole.set(piece.subarray(0, count), filled);
			filled += count;
			if (count === piece.length) this.#raw.shift();
			else this.#raw[0] = piece.subarray(count);
		}
		this.#rawBytes -= byteLength;
		return whole;
	}

	#give(frame: DecodedFrame): void {
		if (this.#released) {
			this.#events.frame(frame);
			return;
		}
		this.#held.push(frame);
		this.#heldBytes += frame.picture.length;
		if (this.#heldBytes > MOST_HELD_BYTES) this.#child.stdout?.pause();
	}

	#complain(text: string): void {
		const lines = (this.#words + text).split(/\r\n|\n|\r/);
		this.#words = lines.pop()!.slice(0, LONGEST_COMPLAINT);
		for (const line of lines) if (line.trim() !== "") this.#events.complaint(line.trim().slice(0, LONGEST_COMPLAINT));
	}

	#close(error: PenstockError | undefined): void {
		if (this.#gone) return;
		this.#gone = true;
		this.#error = error;
		this.#ended = true;
		this.#deadline?.cancel();
		if (this.#released) this.#events.closed(error);
	}
}
