/**
 * `GET /{app}/{stream}.{extension}`: one request, one response that lasts as long as the viewer watches (S1).
 * The header goes out through `node:http`; the body past it, on the socket itself (transport.ts).
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import { messageOf, PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { bytes, type EpochMs, type Milliseconds } from "../base/units.ts";
import type { Packaging } from "../media/packaging.ts";
import { decide } from "../switching/decide.ts";
import type { Decision, Policy, ServerFigures } from "../switching/state.ts";
import { answerError, answerPreflight, type CorsPolicy, corsHeaders } from "./http-answer.ts";
import { type MediaPath, parseMediaPath } from "./media-path.ts";
import { PackagingSet } from "./packaging-set.ts";
import type { Programme, Programmes } from "./programme.ts";
import type { SocketOptions } from "./socket-options.ts";
import { transportFor } from "./transport.ts";
import { type LeaveReason, Viewer } from "./viewer.ts";
import type { Viewers } from "./viewers.ts";

/** A viewer with what the HTTP side knows of it. */
export interface Session {
	readonly viewer: Viewer;
	readonly programme: Programme;
	readonly remoteAddress: string;
	readonly userAgent: string;
	readonly connectedAt: EpochMs;
}

export interface EndpointLog {
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
}

export interface MediaEndpointOptions {
	readonly programmes: Programmes;
	readonly packagings: readonly Packaging[];
	readonly viewers: Viewers;
	readonly policy: Policy;
	readonly serverFigures: () => ServerFigures;
	readonly clock: Clock;
	readonly cors: CorsPolicy;
	readonly maxLag: Milliseconds;
	readonly stallTimeout: Milliseconds;
	readonly socketOptions: SocketOptions;
	readonly log: EndpointLog;
}

/** How long the end of a unit waits for a rendition whose encoder is a little behind. */
const SWITCH_PATIENCE_MS = 500 as Milliseconds;
/** What may wait unsent in the kernel: the rest stays in the ring, where it can be skipped. */
const NOT_SENT_LOW_WATERMARK = bytes(128 * 1024);
const USER_AGENT_MAX = 200;

export class MediaEndpoint {
	readonly #options: MediaEndpointOptions;
	readonly #packagings: PackagingSet;
	readonly #sessions = new Map<string, Session>();
	/** Sockets that carry a stream or are about to: whatever else arrives on one of them is not answered. */
	readonly #taken = new WeakSet<Socket>();

	constructor(options: MediaEndpointOptions) {
		this.#options = options;
		this.#packagings = new PackagingSet(options.packagings);
	}

	sessions(): Iterable<Session> {
		return this.#sessions.values();
	}

	session(id: string): Session | undefined {
		return this.#sessions.get(id);
	}

	/** Answers any request; never throws. */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { cors, log } = this.#options;
		// A second request behind an endless response can only be a mistake or an attempt to desynchronize a proxy.
		if (this.#taken.has(request.socket)) return void request.socket.destroy();
		try {
			if (request.method === "OPTIONS") return answerPreflight(request, response, cors);
			await this.#answer(request, response);
		} catch (thrown) {
			if (response.headersSent) return void request.socket.destroy();
			if (isBroken(thrown)) response.setHeader("Connection", "close");
			if (!(thrown instanceof PenstockError)) log.warn({ err: thrown }, "a request failed inside the server");
			const error =
				thrown instanceof PenstockError
					? thrown
					: new PenstockError("INTERNAL", `the server failed: ${messageOf(thrown)}; its log has more.`);
			answerError(response, error, corsHeaders(request, cors));
		}
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		refuseOddRequest(request);
		const { path, query } = splitTarget(request.url ?? "/");
		const mediaPath = parseMediaPath(path);
		if (mediaPath === undefined) throw this.#notFound(path);
		const packaging = this.#packagings.of(mediaPath);
		const programme = this.#options.programmes.find(mediaPath.app, mediaPath.stream);
		if (programme === undefined) throw this.#notFound(path);
		const wish = wishOf(query.get("rendition") ?? "auto", programme);
		const headers = this.#streamHeaders(request, packaging);
		const what: Request = { programme, packaging, path: mediaPath, wish, headers };
		if (request.method === "HEAD") {
			this.#refuseUnfit(what);
			return void response.writeHead(200, headers).end();
		}
		await this.#serve(request, response, what);
	}

	async #serve(request: IncomingMessage, response: ServerResponse, what: Request): Promise<void> {
		const { viewers } = this.#options;
		const { socket } = request;
		// The stream would overtake the answer before it, which still waits for its turn on the socket.
		if (response.socket === null) {
			throw new PenstockError("HTTP_MALFORMED", "a stream was asked for behind another request; send it alone.");
		}
		const releasePlace = viewers.reserve();
		this.#taken.add(socket);
		const releaseProgramme = what.programme.claim();
		let here = true;
		const goneWhileWaiting = (): void => {
			here = false;
			releasePlace();
			releaseProgramme();
		};
		socket.once("close", goneWhileWaiting);
		try {
			await what.programme.ready();
			this.#refuseUnfit(what);
			socket.off("close", goneWhileWaiting);
			releasePlace();
			if (here) this.#stream(request, response, what, releaseProgramme);
		} catch (error) {
			socket.off("close", goneWhileWaiting);
			this.#taken.delete(socket);
			if (here) goneWhileWaiting();
			throw error;
		}
	}

	/** @throws PenstockError PACKAGING_UNFIT; where there is no unit yet, nobody can say */
	#refuseUnfit({ programme, packaging, path }: Request): void {
		const head = programme.lanes.channel.lowestReady?.units.newest?.head;
		if (head !== undefined) this.#packagings.check(packaging, head.decode, path);
	}

	#stream(request: IncomingMessage, response: ServerResponse, what: Request, release: () => void): void {
		const { viewers, socketOptions, stallTimeout, clock } = this.#options;
		const { socket } = request;
		const viewer = this.#createViewer(request, what);
		const session: Session = {
			viewer,
			programme: what.programme,
			remoteAddress: socket.remoteAddress ?? "",
			userAgent: (request.headers["user-agent"] ?? "").slice(0, USER_AGENT_MAX),
			connectedAt: clock.wall(),
		};
		socket.setTimeout(0);
		socket.setKeepAlive(true, stallTimeout / 2);
		socketOptions.setUserTimeout(socket, stallTimeout);
		socketOptions.setNotSentLowWatermark(socket, NOT_SENT_LOW_WATERMARK);
		response.writeHead(200, { ...what.headers, "Penstock-Viewer": viewer.id });
		response.flushHeaders();

		this.#sessions.set(viewer.id, session);
		viewers.add(viewer, (reason) => this.#left(session, reason, release));
		const transport = transportFor(socket, {
			drained: () => viewer.pump(),
			closed: (timedOut) => viewers.remove(viewer, timedOut ? "stalled" : "closed"),
		});
		this.#options.log.info({ viewer: viewer.id, ...describe(session) }, "viewer joined");
		viewer.start(transport);
	}

	#createViewer(request: IncomingMessage, { programme, packaging, wish }: Request): Viewer {
		const { clock, maxLag, viewers, log } = this.#options;
		const order = programme.lanes.channel.renditions.map(({ name }) => name);
		return new Viewer({
			id: randomBytes(16).toString("hex"),
			lanes: programme.lanes,
			packaging,
			chunked: request.httpVersion !== "1.0",
			wish,
			clock,
			maxLag,
			switchPatience: SWITCH_PATIENCE_MS,
			decide: (viewer) => this.#decide(viewer, programme),
			onSwitch: (viewer, record) => {
				const direction = order.indexOf(record.to) < order.indexOf(record.from) ? "up" : "down";
				viewers.countSwitch(direction, record);
				const { unit, from, to, because } = record;
				log.info({ viewer: viewer.id, unit, from, to, cause: because.cause }, `switched: ${because.text}`);
			},
			onDrop: (viewer, reason, lost) => {
				viewers.countDrop(reason);
				log.warn({ viewer: viewer.id, reason, lostMs: Math.round(lost) }, "viewer moved to the newest unit");
			},
		});
	}

	#decide(viewer: Viewer, programme: Programme): Decision {
		const { policy, clock, serverFigures } = this.#options;
		const { renditions } = programme.lanes.channel;
		return decide(policy, {
			now: clock.now(),
			renditions: renditions.map((rendition) => ({
				name: rendition.name,
				bitrate: programme.bitrateOf(rendition.name),
				available: !rendition.withdrawn && rendition.units.newest !== undefined,
			})),
			current: viewer.rendition,
			wish: viewer.wish,
			viewer: viewer.figures,
			server: serverFigures(),
		});
	}

	#left(session: Session, reason: LeaveReason, release: () => void): void {
		const { viewer } = session;
		this.#sessions.delete(viewer.id);
		release();
		const { id, bytesSent, switchCount: switches } = viewer;
		this.#options.log.info({ viewer: id, reason, bytesSent, switches }, "viewer left");
	}

	#streamHeaders(request: IncomingMessage, packaging: Packaging): Record<string, string> {
		return {
			"Content-Type": packaging.contentType,
			...(request.httpVersion === "1.0" ? {} : { "Transfer-Encoding": "chunked" }),
			"Cache-Control": "no-store, no-transform",
			Connection: "close",
			"X-Accel-Buffering": "no", // nginx: pass each chunk on as it comes
			"X-Content-Type-Options": "nosniff",
			...corsHeaders(request, this.#options.cors),
		};
	}

	#notFound(path: string): PenstockError {
		const listed = this.#options.programmes.listed();
		const there = listed.length > 0 ? ` There is: ${listed.join(", ")} (${this.#packagings.extensionList}).` : "";
		return new PenstockError("CHANNEL_NOT_FOUND", `no stream at ${JSON.stringify(path.slice(0, 200))}.${there}`);
	}
}

interface Request {
	readonly programme: Programme;
	readonly packaging: Packaging;
	readonly path: MediaPath;
	readonly wish: Name | "auto";
	readonly headers: Record<string, string>;
}

const describe = ({ programme, viewer, remoteAddress, userAgent }: Session): object => ({
	channel: `${programme.app}/${programme.stream}`,
	packaging: viewer.packaging.extension,
	rendition: viewer.rendition,
	remoteAddress,
	userAgent,
});

/** Where a request's framing is in doubt, so is where the next one on the connection begins. */
const isBroken = (thrown: unknown): boolean => thrown instanceof PenstockError && BREAKS.includes(thrown.code);
const BREAKS: readonly string[] = ["HTTP_MALFORMED", "HTTP_METHOD"];

/** @throws PenstockError HTTP_METHOD, HTTP_MALFORMED */
function refuseOddRequest(request: IncomingMessage): void {
	if (request.httpVersion === "1.1" && request.headersDistinct["host"]?.length !== 1) {
		throw new PenstockError("HTTP_MALFORMED", "a request of HTTP/1.1 has one Host field (RFC 9112, clause 3.2).");
	}
	if (request.method !== "GET" && request.method !== "HEAD") {
		throw new PenstockError("HTTP_METHOD", `${request.method} is not for streams; use GET, HEAD or OPTIONS.`);
	}
	const { "content-length": length, "transfer-encoding": coding } = request.headers;
	if (coding !== undefined || (length !== undefined && length !== "0")) {
		throw new PenstockError("HTTP_MALFORMED", "a request for a stream has no body; send it without one.");
	}
}

/** Splits a request target in origin form or absolute form (RFC 9112, clause 3.2). */
function splitTarget(target: string): { path: string; query: URLSearchParams } {
	const absolute = /^https?:\/\/[^/?#]*/i.exec(target);
	const origin = absolute === null ? target : target.slice(absolute[0].length);
	const mark = origin.indexOf("?");
	return mark < 0
		? { path: origin, query: new URLSearchParams() }
		: { path: origin.slice(0, mark), query: new URLSearchParams(origin.slice(mark + 1)) };
}

/** @throws PenstockError RENDITION_NOT_FOUND */
function wishOf(text: string, programme: Programme): Name | "auto" {
	if (text === "auto") return "auto";
	const { renditions } = programme.lanes.channel;
	const rendition = renditions.find(({ name }) => name === text);
	if (rendition !== undefined) return rendition.name;
	const known = renditions.map(({ name }) => name).join(", ");
	const asked = JSON.stringify(text.slice(0, 40));
	throw new PenstockError("RENDITION_NOT_FOUND", `no rendition ${asked}; there is auto, ${known}.`);
}
