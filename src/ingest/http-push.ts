/**
 * A publisher over HTTP: one request, whose body is a stream without an end. The bytes go through the readers of
 * `media/`; who publishes what is asked of `Publications`, as with every protocol. Nothing is read before leave is given.
 * Not here: HTTP's answers.
 */
import type { IncomingMessage } from "node:http";
import type { Clock, Timer } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type Milliseconds, milliseconds } from "../base/units.ts";
import { FlvReader } from "../media/flv/reader.ts";
import { Fmp4Reader } from "../media/fmp4/reader.ts";
import { MpegTsReader } from "../media/mpegts/reader.ts";
import type { StreamReader, StreamSink } from "../media/stream-reader.ts";
import type { AccessRequest } from "../wire/access.ts";
import type { Publication, Publications, Publisher } from "./publications.ts";

export type PushForm = "ts" | "flv" | "mp4";

const FORMS_OF_TYPES: Readonly<Record<string, PushForm>> = {
	"video/mp2t": "ts",
	"video/x-flv": "flv",
	"video/mp4": "mp4",
};

/**
 * What a body is, by its type, or by its path where it has none or one that says nothing.
 * @throws PenstockError PUSH_TYPE
 */
export function pushFormOf(request: IncomingMessage, extension: string | undefined): PushForm {
	const type = (request.headers["content-type"] ?? "").split(";", 1)[0]!.trim().toLowerCase();
	const coding = request.headers["content-encoding"] ?? "identity";
	const saysNothing = type === "" || type === "application/octet-stream";
	const ofPath = ["ts", "flv", "mp4"].find((form) => form === extension) as PushForm | undefined;
	const form = saysNothing ? ofPath : Object.hasOwn(FORMS_OF_TYPES, type) ? FORMS_OF_TYPES[type] : undefined;
	if (form !== undefined && coding === "identity") return form;
	const found = coding === "identity" ? `Content-Type ${JSON.stringify(type.slice(0, 60))}` : "a compressed body";
	const known = Object.keys(FORMS_OF_TYPES).join(", ");
	throw new PenstockError(
		"PUSH_TYPE",
		`${found} is not taken here; send ${known}, or end the path with .ts, .flv or .mp4.`,
	);
}

export interface PushOptions {
	readonly publications: Publications;
	readonly clock: Clock;
	/** Without an access unit. */
	readonly idleTimeout: Milliseconds;
}

/**
 * Takes a body to its end.
 * @returns why it was not taken, or not to its end; undefined where the publisher ended it
 */
export async function receivePush(
	request: IncomingMessage,
	access: AccessRequest,
	form: PushForm,
	{ publications, clock, idleTimeout }: PushOptions,
): Promise<PenstockError | undefined> {
	const push = new Push(request, clock, idleTimeout);
	const admission = await publications.ask(access, push);
	if (admission.kind === "refused") return admission.error;
	return await push.take(admission.publication, form);
}

class Push implements Publisher {
	readonly #request: IncomingMessage;
	readonly #clock: Clock;
	readonly #idleTimeout: Milliseconds;
	readonly #over = Promise.withResolvers<PenstockError | undefined>();
	#mediaAt: Milliseconds;
	#timer: Timer | undefined;

	constructor(request: IncomingMessage, clock: Clock, idleTimeout: Milliseconds) {
		this.#request = request;
		this.#clock = clock;
		this.#idleTimeout = idleTimeout;
		this.#mediaAt = clock.now();
	}

	get isOpen(): boolean {
		return !this.#request.socket.destroyed;
	}

	dismiss(error: PenstockError): void {
		this.#over.resolve(error);
	}

	async take(publication: Publication, form: PushForm): Promise<PenstockError | undefined> {
		const request = this.#request;
		const reader = readerOf(form, this.#watched(publication.sink));
		const data = (bytes: Buffer): void => reader.push(bytes);
		const end = (): void => {
			reader.end();
			this.#over.resolve(undefined);
		};
		const gone = (): void => this.#over.resolve(undefined);
		request.on("data", data).once("end", end).once("close", gone).on("error", gone);
		this.#mediaAt = this.#clock.now();
		this.#watch();
		const why = await this.#over.promise;
		this.#timer?.cancel();
		// What still comes is read and dropped, so that the answer is not lost with it.
		request.off("data", data).off("end", end);
		request.resume();
		publication.end(why);
		return why;
	}

	#watched(sink: StreamSink): StreamSink {
		return {
			...sink,
			accessUnit: (accessUnit) => {
				this.#mediaAt = this.#clock.now();
				sink.accessUnit(accessUnit);
			},
		};
	}

	/** A body that stands still, or that brings nothing of use, is no publisher. */
	#watch(): void {
		const left = this.#mediaAt + this.#idleTimeout - this.#clock.now();
		if (left > 0) {
			this.#timer = this.#clock.after(milliseconds(left), () => this.#watch());
			return;
		}
		const text = `no media came for ${this.#idleTimeout} ms; the publication is ended.`;
		this.#over.resolve(new PenstockError("PUBLISHER_SILENT", text));
	}
}

function readerOf(form: PushForm, sink: StreamSink): StreamReader {
	switch (form) {
		case "ts":
			return new MpegTsReader(sink);
		case "flv":
			return new FlvReader(sink);
		case "mp4":
			return new Fmp4Reader(sink);
	}
}
