/**
 * What a channel takes of a publisher by RTSP: packets of those media that can be carried, through jitter buffers and
 * depacketizers, to access units.
 */
import type { Clock } from "../../base/clock.ts";
import { PenstockError } from "../../base/errors.ts";
import { IN_ORDER } from "../../media/rtp/jitter-buffer.ts";
import { RtpSession } from "../../media/rtp/session.ts";
import type { RtpStream } from "../../media/rtp/stream.ts";
import type { StreamSink } from "../../media/stream-reader.ts";
import type { SdpMedia, SdpSession } from "../../wire/sdp.ts";
import { payloadsOf } from "../../wire/sdp-payloads.ts";
import type { Wanted } from "../wanted.ts";
import type { MediumFlow } from "./medium-flow.ts";

/** A medium as it comes. */
export interface IntakeMedium {
	readonly flow: MediumFlow;
	/** Nothing overtakes on a connection. */
	readonly inOrder: boolean;
}

export interface StreamIntakeParts {
	readonly description: SdpSession;
	/** By their places in the description; those that were set up. */
	readonly media: ReadonlyMap<number, IntakeMedium>;
	readonly clock: Clock;
	readonly sink: StreamSink;
	/** Packets come here while it is. */
	readonly wanted: Wanted;
}

export class StreamIntake {
	readonly #parts: StreamIntakeParts;
	readonly #unwatch: () => void;
	readonly #leave: (() => void)[] = [];
	#session: RtpSession | undefined;

	constructor(parts: StreamIntakeParts) {
		this.#parts = parts;
		this.#unwatch = parts.wanted.watch((isWanted) => {
			if (isWanted) this.#begin();
			else this.#pause();
		});
	}

	/** What is whole comes out; nothing more comes. */
	end(): void {
		this.#unwatch();
		this.#pause();
	}

	/** From here on, whatever came before. */
	#begin(): void {
		const { clock, sink, description, media } = this.#parts;
		const session = new RtpSession(clock, sink);
		this.#session = session;
		for (const [medium, { flow, inOrder }] of media) {
			const stream = addMedium(session, description.media[medium]!, inOrder);
			if (stream instanceof PenstockError) sink.fault?.(stream);
			else this.#leave.push(flow.listen((_, bytes) => session.push(stream, bytes)));
		}
	}

	#pause(): void {
		for (const leave of this.#leave) leave();
		this.#leave.length = 0;
		this.#session?.end();
		this.#session = undefined;
	}
}

/**
 * Before anything comes: whether a description has a medium that can be carried at all.
 * @returns STREAM_UNSUPPORTED with the reasons of all media where it has none
 */
export function intakeHindrance({ media }: SdpSession, clock: Clock): PenstockError | undefined {
	const trial = new RtpSession(clock, { accessUnit: () => undefined });
	const reasons: string[] = [];
	for (const medium of media) {
		const stream = addMedium(trial, medium, false);
		if (!(stream instanceof PenstockError)) return undefined;
		reasons.push(stream.message.slice(stream.code.length + 2));
	}
	return new PenstockError("STREAM_UNSUPPORTED", reasons.join(" "));
}

/** Of a medium's formats the first that can be carried. */
function addMedium(session: RtpSession, medium: SdpMedia, inOrder: boolean): RtpStream | PenstockError {
	let error = new PenstockError("STREAM_UNSUPPORTED", `m=${medium.kind} says nothing of its payload types.`);
	for (const description of payloadsOf(medium)) {
		const stream = session.add(description, inOrder ? { jitter: IN_ORDER } : {});
		if (!(stream instanceof PenstockError)) return stream;
		error = stream;
	}
	return error;
}
