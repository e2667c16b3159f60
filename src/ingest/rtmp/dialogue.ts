/**
 * What a client says in commands (RTMP 1.0, clause 7.2): what has one answer only is answered here; what concerns its
 * publication becomes a wish.
 */
import { PenstockError } from "../../base/errors.ts";
import * as answers from "./answers.ts";
import { parseCommand, type RtmpCommand, textOf } from "./command.ts";
import type { RtmpMessage } from "./message.ts";
import { parseStreamKey, type StreamKey } from "./stream-key.ts";

export type Wish =
	| { readonly kind: "nothing" }
	| { readonly kind: "publish"; readonly key: StreamKey; readonly streamId: number }
	/** The stream is closed; the one that is being published, where the client leaves open which. */
	| { readonly kind: "unpublish"; readonly streamId: unknown }
	/** It cannot be had; `code` is RTMP's word for that. */
	| { readonly kind: "impossible"; readonly error: PenstockError; readonly code: string; readonly streamId: number };

/** Streams that one client may create: each publication needs one. */
const MOST_STREAMS = 1000;
const NOTHING: Wish = { kind: "nothing" };

export class Dialogue {
	readonly #send: (bytes: Uint8Array) => void;
	/** What `connect` says of where the client wants to go. */
	#place: { readonly app: string; readonly tcUrl: string } | undefined;
	#streams = 0;

	constructor(send: (bytes: Uint8Array) => void) {
		this.#send = send;
	}

	/** The client understands commands. */
	get hasBegun(): boolean {
		return this.#place !== undefined;
	}

	read(message: RtmpMessage): Wish {
		const command = parseCommand(message);
		if (command instanceof PenstockError) return impossible(command);
		if (command.name === "connect") return this.#connect(command);
		if (this.#place === undefined) {
			return impossible(new PenstockError("RTMP_SYNTAX", "the client sends commands before it has connected."));
		}
		switch (command.name) {
			case "createStream":
				return this.#createStream(command);
			case "publish":
				return publish(command, this.#place);
			case "deleteStream":
				return { kind: "unpublish", streamId: command.values[1] };
			case "closeStream":
				return { kind: "unpublish", streamId: command.streamId };
			case "FCUnpublish":
				return { kind: "unpublish", streamId: undefined };
			case "play":
			case "play2":
				return unplayable(command);
			default:
				this.#answer(command);
				return NOTHING;
		}
	}

	#connect(command: RtmpCommand): Wish {
		if (this.#place !== undefined) {
			return impossible(new PenstockError("RTMP_SYNTAX", "the client connects a second time."));
		}
		const [object] = command.values;
		this.#place = { app: textOf(object, "app"), tcUrl: textOf(object, "tcUrl") };
		for (const bytes of answers.connected(command)) this.#send(bytes);
		return NOTHING;
	}

	#createStream(command: RtmpCommand): Wish {
		if (++this.#streams > MOST_STREAMS) {
			return impossible(new PenstockError("RTMP_LIMIT", `the client creates more than ${MOST_STREAMS} streams.`));
		}
		this.#send(answers.result(command, this.#streams));
		return NOTHING;
	}

	/** Of commands that change nothing. */
	#answer(command: RtmpCommand): void {
		switch (command.name) {
			case "releaseStream":
				this.#send(answers.result(command));
				break;
			case "FCPublish":
				this.#send(answers.result(command));
				this.#send(answers.fcPublished(textOf(command.values[1])));
				break;
			case "_result":
			case "_error":
			case "onStatus":
				break; // we ask nothing
			default:
				if (command.transaction > 0) this.#send(answers.unknownCommand(command));
		}
	}
}

function publish({ values, streamId }: RtmpCommand, place: { app: string; tcUrl: string }): Wish {
	try {
		return { kind: "publish", key: parseStreamKey(place.app, place.tcUrl, textOf(values[1])), streamId };
	} catch (thrown) {
		if (!(thrown instanceof PenstockError)) throw thrown;
		return { kind: "impossible", error: thrown, code: answers.refusalCode(thrown.code), streamId };
	}
}

function unplayable({ streamId }: RtmpCommand): Wish {
	const detail = "nothing is played over RTMP here; ask for the stream over HTTP or RTSP.";
	const error = new PenstockError("RTMP_UNSUPPORTED", detail);
	return { kind: "impossible", error, code: "NetStream.Play.Failed", streamId };
}

const impossible = (error: PenstockError): Wish => ({ kind: "impossible", error, code: answers.FAILED, streamId: 0 });
