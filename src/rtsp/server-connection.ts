/**
 * A client's connection to the RTSP server: a machine of bytes and a clock. Requests are answered one after the other in
 * the order in which they came; packets on the connection pass beside them. A connection has at most one session, and
 * takes it along when it ends.
 * Not here: sockets (`rtsp-listener.ts`), what a request does (`request-handler.ts`), media (the application).
 */
import type { Timer } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Milliseconds } from "../base/units.ts";
import { readCSeq } from "../wire/rtsp-fields.ts";
import { type RtspRequest, type WrittenHeader, writeResponse } from "../wire/rtsp-message.ts";
import { RtspReader } from "../wire/rtsp-reader.ts";
import { lastReply, type Reply, refusal } from "./reply.ts";
import { RequestHandler, type RequestHandlerParts } from "./request-handler.ts";

export interface ServerConnectionParts extends RequestHandlerParts {
	/** A request or the connection was refused, for logs and metrics. */
	readonly onRefused: (error: PenstockError) => void;
}

const SERVER: WrittenHeader = ["Server", "Penstock"];
/** Requests that wait for the one before them. */
const MOST_WAITING = 32;
const MOST_WAITING_BYTES = 128 * 1024;
const TICK_MS = 1000;
/** What a client is late with is on its way, mostly. */
const GRACE_MS = 5000;

export class RtspServerConnection {
	readonly #parts: ServerConnectionParts;
	readonly #handler: RequestHandler;
	readonly #reader: RtspReader;
	readonly #waiting: RtspRequest[] = [];
	#waitingBytes = 0;
	#busy = false;
	#ended = false;
	#timer: Timer;
	#hasAsked = false;
	#lastRequestAt: Milliseconds;
	/** Since when a message is on its way. */
	#withinSince: Milliseconds | undefined;

	constructor(parts: ServerConnectionParts) {
		this.#parts = parts;
		this.#handler = new RequestHandler(parts, {
			onInterleaved: () => (this.#reader.takesPackets = true),
			// What was sent to it before may still arrive.
			onEnd: (error) => this.#giveUp(error, false),
		});
		this.#lastRequestAt = parts.clock.now();
		this.#reader = new RtspReader({
			request: (request) => this.#take(request),
			// We ask nothing, so that nobody has anything to answer.
			response: () => undefined,
			packet: (channel, payload) => {
				this.#withinSince = undefined;
				this.#handler.session?.packet(channel, payload);
			},
			fault: (error) => this.#endWith(error),
		});
		this.#timer = this.#nextTick();
	}

	/** @param bytes not kept */
	push(bytes: Uint8Array): void {
		if (this.#ended) return;
		this.#reader.push(bytes);
		this.#withinSince = this.#reader.isWithin ? (this.#withinSince ?? this.#parts.clock.now()) : undefined;
	}

	/** The other end has gone. */
	closed(): void {
		this.#finish(undefined, true);
	}

	/** For the server's end. */
	end(error: PenstockError): void {
		this.#giveUp(error, false);
	}

	#take(request: RtspRequest): void {
		this.#withinSince = undefined;
		this.#hasAsked = true;
		this.#lastRequestAt = this.#parts.clock.now();
		this.#waitingBytes += request.body.length;
		if (this.#waiting.length >= MOST_WAITING || this.#waitingBytes > MOST_WAITING_BYTES) {
			const text = `${this.#parts.address} sends more requests than it waits for answers to.`;
			this.#endWith(new PenstockError("RTSP_LIMIT", text));
			return;
		}
		this.#waiting.push({ ...request, body: request.body.slice() });
		if (!this.#busy) void this.#work();
	}

	async #work(): Promise<void> {
		this.#busy = true;
		for (let next = this.#waiting.shift(); next !== undefined && !this.#ended; next = this.#waiting.shift()) {
			this.#waitingBytes -= next.body.length;
			let reply: Reply;
			try {
				reply = await this.#handler.answer(next);
			} catch (thrown) {
				const error = new PenstockError("INTERNAL", `an RTSP request failed inside the server: ${messageOf(thrown)}.`, {
					cause: thrown,
				});
				reply = lastReply(refusal(error));
			}
			this.#reply(next, reply);
		}
		this.#busy = false;
	}

	#reply(request: RtspRequest, { status, headers, body, error, last }: Reply): void {
		// To be asked for credentials is how it begins.
		const isAsked = status === 401 && request.headers.get("authorization") === undefined;
		if (error !== undefined && !isAsked) this.#parts.onRefused(error);
		if (this.#ended) return;
		const cseq = readCSeq(request.headers.get("cseq"));
		const first: WrittenHeader[] = cseq === undefined ? [] : [["CSeq", String(cseq)]];
		const message = { headers: [...first, SERVER, ...headers], ...(body !== undefined && { body }) };
		this.#parts.output.write(writeResponse(status, message, error?.message));
		this.#handler.session?.release();
		if (last) this.#finish(error, false);
		else if (this.#parts.output.queuedBytes > 2 * this.#parts.settings.maxQueuedBytes) this.#giveUp(this.#slow(), true);
	}

	#nextTick(): Timer {
		return this.#parts.clock.after(TICK_MS, () => {
			const error = this.#overdue();
			if (error !== undefined) return this.#giveUp(error, true);
			this.#timer = this.#nextTick();
		});
	}

	/** What has been waited for too long. */
	#overdue(): PenstockError | undefined {
		const { clock, settings, address } = this.#parts;
		const since = (at: Milliseconds): number => clock.now() - at;
		const silent = (what: string): PenstockError => new PenstockError("RTSP_TIMEOUT", `${address} ${what}.`);
		const session = this.#handler.session;
		if (this.#withinSince !== undefined && since(this.#withinSince) > settings.messageTimeoutMs) {
			return silent(`did not finish a message within ${settings.messageTimeoutMs} ms`);
		}
		if (session?.stalledSince !== undefined && since(session.stalledSince) > settings.stallMs) return this.#slow();
		if (session?.role === "publish" && session.isFlowing && since(session.lastMediaAt) > settings.publisherSilenceMs) {
			return new PenstockError(
				"PUBLISHER_SILENT",
				`${address} published nothing for ${settings.publisherSilenceMs} ms.`,
			);
		}
		const lastSign = session === undefined ? this.#lastRequestAt : Math.max(this.#lastRequestAt, session.lastMediaAt);
		const patience = this.#hasAsked ? settings.sessionTimeoutMs + GRACE_MS : settings.messageTimeoutMs;
		return clock.now() - lastSign > patience ? silent(`sent no request for ${patience} ms`) : undefined;
	}

	#slow(): PenstockError {
		const { address, settings } = this.#parts;
		return new PenstockError("RTSP_SLOW", `${address} has not read what it was sent for ${settings.stallMs} ms.`);
	}

	/** Behind something that is no RTSP there is nothing more to read; what is wrong is said, and that is all. */
	#endWith(error: PenstockError): void {
		if (this.#ended) return;
		const headers: WrittenHeader[] = [SERVER, ["Connection", "close"]];
		this.#parts.onRefused(error);
		this.#parts.output.write(writeResponse(refusal(error).status, { headers }, error.message));
		this.#finish(error, false);
	}

	/** Ends the connection, and says why to those who watch. */
	#giveUp(error: PenstockError, abort: boolean): void {
		if (this.#ended) return;
		this.#parts.onRefused(error);
		this.#finish(error, abort);
	}

	#finish(error: PenstockError | undefined, abort: boolean): void {
		if (this.#ended) return;
		this.#ended = true;
		this.#timer.cancel();
		this.#reader.stop();
		this.#waiting.length = 0;
		this.#handler.close(error);
		this.#parts.output.close(abort);
	}
}
