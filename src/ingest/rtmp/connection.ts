/**
 * A publisher's RTMP connection, the server's side: bytes and a clock in, bytes and events out. Handshake, chunks, the
 * protocol's own messages, and the life of the publication; `commands` are answered here, media go to `media-messages.ts`.
 * Invariants: no media is taken before leave is given, and what a client sends while it is being asked for waits; every
 * state has a deadline; what breaks a rule ends this connection, told once, and nothing else.
 */
import type { Clock, Timer } from "../../base/clock.ts";
import { type ErrorCode, PenstockError } from "../../base/errors.ts";
import { type Milliseconds, milliseconds } from "../../base/units.ts";
import type { AccessRequest } from "../../wire/access.ts";
import type { Admission, Publication, Publisher } from "../publications.ts";
import * as answers from "./answers.ts";
import { MESSAGES_PER_SECOND, MessageBudget } from "./budget.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { acknowledgement, userControl } from "./chunk-writer.ts";
import { ControlMessages } from "./control-messages.ts";
import { Dialogue, type Wish } from "./dialogue.ts";
import type { RandomBytes } from "./digest.ts";
import { Handshake } from "./handshake.ts";
import { type MediaCounts, MediaMessages } from "./media-messages.ts";
import {
	COMMAND,
	COMMAND_AMF3,
	DATA,
	DATA_AMF3,
	isMedia,
	MOST_HELD_AS_PUBLISHER,
	MOST_HELD_AS_STRANGER,
	PING_REQUEST,
	type RtmpMessage,
} from "./message.ts";

/** What the machine is connected to. */
export interface RtmpOutside {
	/** To the client. */
	send(bytes: Uint8Array): void;
	/** The client asks for leave to publish; `answer` it. Until then nothing more should be pushed. */
	ask(request: AccessRequest): void;
	/** The answer has been acted on: reading may go on. */
	goOn(): void;
	/** It is over: what was sent is to reach the client, then the connection is to be closed. Once. */
	close(because: PenstockError | undefined): void;
}

export interface RtmpConnectionOptions {
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** The client's. */
	readonly address: string;
	/** From the connection's beginning, or a publication's end, to the command `publish`; then, for the answer to it. */
	readonly setupTimeout: Milliseconds;
	/** Without an access unit. */
	readonly idleTimeout: Milliseconds;
}

export interface RtmpCounts extends MediaCounts {
	receivedBytes: number;
	sentBytes: number;
	/** Of media, because nothing was being published. */
	leftOut: number;
}

type State =
	| { readonly kind: "handshake" }
	/** Nothing is published, yet or any more. */
	| { readonly kind: "ready" }
	| { readonly kind: "asking"; readonly streamId: number }
	| {
			readonly kind: "publishing";
			readonly streamId: number;
			readonly publication: Publication;
			readonly media: MediaMessages;
	  }
	| { readonly kind: "over" };

export class RtmpConnection implements Publisher {
	readonly counts: RtmpCounts = {
		...{ receivedBytes: 0, sentBytes: 0, leftOut: 0 },
		...{ videoMessages: 0, audioMessages: 0, dataMessages: 0, accessUnits: 0, mediaBytes: 0 },
	};
	readonly #options: RtmpConnectionOptions;
	readonly #outside: RtmpOutside;
	readonly #handshake: Handshake;
	readonly #chunks: ChunkReader;
	readonly #control: ControlMessages;
	readonly #dialogue: Dialogue;
	readonly #budget: MessageBudget;
	#state: State = { kind: "handshake" };
	#timer: Timer;
	/** When the last access unit came, or the publication began. */
	#mediaAt: Milliseconds;

	constructor(options: RtmpConnectionOptions, outside: RtmpOutside) {
		this.#options = options;
		this.#outside = outside;
		const send = (bytes: Uint8Array): void => this.#send(bytes);
		const fault = (error: PenstockError): void => this.#end(answers.FAILED, error);
		this.#handshake = new Handshake({ send, fault }, options.random);
		this.#chunks = new ChunkReader({ message: (message) => this.#message(message), fault });
		this.#chunks.mostHeld = MOST_HELD_AS_STRANGER;
		this.#control = new ControlMessages(this.#chunks, { send, fault });
		this.#dialogue = new Dialogue(send);
		this.#mediaAt = options.clock.now();
		this.#budget = new MessageBudget(this.#mediaAt);
		this.#timer = options.clock.after(options.setupTimeout, () => this.#late());
	}

	get isOpen(): boolean {
		return this.#state.kind !== "over";
	}

	/** Nothing should be pushed now. */
	get isWaiting(): boolean {
		return this.#chunks.isHalted;
	}

	get heldBytes(): number {
		return this.#chunks.heldBytes;
	}

	/** What is being published. */
	get publication(): Publication | undefined {
		return this.#state.kind === "publishing" ? this.#state.publication : undefined;
	}

	/** @param bytes any number of them; not kept */
	push(bytes: Uint8Array): void {
		this.counts.receivedBytes += bytes.length;
		let at = 0;
		if (this.#state.kind === "handshake") {
			at = this.#handshake.push(bytes);
			if (!this.#handshake.isDone) return;
			this.#state = { kind: "ready" };
		}
		if (this.#state.kind === "over" || at === bytes.length) return;
		this.#chunks.push(bytes.subarray(at));
		const total = this.#control.acknowledge(bytes.length - at);
		if (total !== undefined) this.#send(acknowledgement(total));
	}

	/** The connection has gone. */
	gone(because?: PenstockError): void {
		const { publication } = this;
		this.#finish();
		publication?.end(because);
	}

	/** The answer to what `RtmpOutside.ask` asked. */
	answer(admission: Admission): void {
		const state = this.#state;
		if (state.kind !== "asking") {
			if (admission.kind === "admitted") admission.publication.end();
			return;
		}
		if (admission.kind === "refused") {
			this.#end(answers.refusalCode(admission.error.code), admission.error);
			return;
		}
		const { publication } = admission;
		const media = new MediaMessages(publication.sink, this.counts);
		this.#state = { kind: "publishing", streamId: state.streamId, publication, media };
		this.#chunks.mostHeld = MOST_HELD_AS_PUBLISHER;
		for (const bytes of answers.published(state.streamId)) this.#send(bytes);
		this.#mediaAt = this.#options.clock.now();
		this.#watch();
		this.#chunks.goOn();
		if (this.isOpen && !this.isWaiting) this.#outside.goOn();
	}

	/** The publication has been ended from outside. */
	dismiss(error: PenstockError): void {
		this.#end(answers.FAILED, error);
	}

	#message(message: RtmpMessage): void {
		if (!this.#budget.take(this.#options.clock.now())) {
			this.#fail("RTMP_LIMIT", `the client sends more messages than ${MESSAGES_PER_SECOND} a second; it is cut off.`);
			return;
		}
		const { type } = message;
		if (type === COMMAND || type === COMMAND_AMF3) this.#command(message);
		else if (isMedia(type) || type === DATA || type === DATA_AMF3) this.#media(message);
		else this.#control.read(message);
	}

	#media(message: RtmpMessage): void {
		const state = this.#state;
		if (state.kind !== "publishing") {
			this.counts.leftOut++;
			return;
		}
		const before = this.counts.accessUnits;
		const why = state.media.read(message);
		if (this.counts.accessUnits > before) this.#mediaAt = this.#options.clock.now();
		if (why !== undefined) this.#end(answers.FAILED, why);
	}

	#command(message: RtmpMessage): void {
		const wish = this.#dialogue.read(message);
		switch (wish.kind) {
			case "nothing":
				break;
			case "publish":
				this.#publish(wish);
				break;
			case "unpublish":
				this.#unpublish(wish.streamId);
				break;
			case "impossible":
				this.#end(wish.code, wish.error, wish.streamId);
		}
	}

	#publish({ key, streamId }: Extract<Wish, { kind: "publish" }>): void {
		if (this.#state.kind !== "ready") {
			const advice = "give each a connection of its own.";
			this.#fail("RTMP_UNSUPPORTED", `the client publishes a second stream over one connection; ${advice}`);
			return;
		}
		this.#state = { kind: "asking", streamId };
		this.#chunks.halt();
		this.#arm(this.#options.setupTimeout, () => this.#late());
		this.#outside.ask({ verb: "publish", protocol: "rtmp", address: this.#options.address, ...key });
	}

	/** @param streamId of the stream that is closed; undefined where the client leaves that open */
	#unpublish(streamId: unknown): void {
		const state = this.#state;
		if (state.kind !== "publishing" || (streamId !== undefined && streamId !== state.streamId)) return;
		this.#state = { kind: "ready" };
		this.#chunks.mostHeld = MOST_HELD_AS_STRANGER;
		this.#arm(this.#options.setupTimeout, () => this.#late());
		this.#send(answers.unpublished(state.streamId));
		state.publication.end();
	}

	/** Looks after a publisher that says nothing: it is asked for a sign of life, and then let go. */
	#watch(): void {
		const { idleTimeout, clock } = this.#options;
		const silent = clock.now() - this.#mediaAt;
		if (silent >= idleTimeout) {
			this.#fail("PUBLISHER_SILENT", `no media came for ${idleTimeout} ms; the publication is ended.`);
			return;
		}
		const half = idleTimeout / 2;
		if (silent >= half) this.#send(userControl(PING_REQUEST, Math.floor(clock.now()) % 2 ** 32));
		this.#arm(milliseconds(silent >= half ? idleTimeout - silent : half - silent), () => this.#watch());
	}

	#late(): void {
		const { setupTimeout } = this.#options;
		const { kind } = this.#state;
		const what = kind === "asking" ? "leave to publish was not answered" : "the client did not publish";
		this.#fail("RTMP_TIMEOUT", `${what} within ${setupTimeout} ms.`);
	}

	#arm(delay: Milliseconds, act: () => void): void {
		this.#timer.cancel();
		this.#timer = this.#options.clock.after(delay, act);
	}

	#send(bytes: Uint8Array): void {
		if (!this.isOpen) return;
		this.counts.sentBytes += bytes.length;
		this.#outside.send(bytes);
	}

	/** Something came that cannot be borne. */
	#fail(code: ErrorCode, detail: string): void {
		this.#end(answers.FAILED, new PenstockError(code, detail));
	}

	/** Says why, where the client would understand it, and closes. */
	#end(code: string, error: PenstockError, streamId?: number): void {
		const state = this.#state;
		if (state.kind === "over") return;
		if (this.#dialogue.hasBegun) {
			const id = state.kind === "publishing" || state.kind === "asking" ? state.streamId : (streamId ?? 0);
			this.#send(answers.failed(id, code, error));
		}
		const { publication } = this;
		this.#finish();
		publication?.end(error);
		this.#outside.close(error);
	}

	#finish(): void {
		this.#timer.cancel();
		this.#chunks.stop();
		this.#state = { kind: "over" };
	}
}
