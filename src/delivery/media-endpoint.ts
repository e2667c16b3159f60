/**
 * `GET /{app}/{stream}.{extension}`: one request, one response that lasts as long as the viewer watches (S1).
 * The header goes out through `node:http`; the body past it, on the socket itself (transport.ts).
 */
import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Name } from "../base/name.ts";
import { bytes, type EpochMs, type Milliseconds } from "../base/units.ts";
import type { Packaging } from "../media/packaging.ts";
import type { Decision, Policy, ServerFigures, StreamPosition } from "../switching/state.ts";
import { SwitchControl } from "../switching/switch-control.ts";
import { cmsdHeaders } from "./cmsd-headers.ts";
import type { Door, Pass } from "./door.ts";
import { answerPreflight, answerThrown, type CorsPolicy, corsHeaders } from "./http-answer.ts";
import { LookSchedule } from "./look-schedule.ts";
import { type MediaPath, parseMediaPath, watchPath } from "./media-path.ts";
import { NarrowLink } from "./narrow-link.ts";
import { PackagingSet } from "./packaging-set.ts";
import type { Programme, Programmes } from "./programme.ts";
import { refuseOddRequest, splitTarget } from "./request-checks.ts";
import { sessionKeyOf, sessionSecret } from "./session-secret.ts";
import type { SocketOptions } from "./socket-options.ts";
import { StreamRates, streamBitrateOf } from "./stream-rates.ts";
import { type TransportEvents, transportFor } from "./transport.ts";
import { type LeaveReason, type SwitchRecord, Viewer } from "./viewer.ts";
import type { Viewers } from "./viewers.ts";

/** A viewer with what the HTTP side knows of it. */
export interface Session {
	readonly viewer: Viewer;
	readonly programme: Programme;
	readonly remoteAddress: string;
	readonly userAgent: string;
	readonly connectedAt: EpochMs;
	/** By which reports name it: see session-secret.ts. */
	readonly sessionKey: string;
	/** Where less can be let through to it. */
	readonly link: NarrowLink;
}

/** Told of every session while it lasts. */
export interface SessionWatch {
	joined(session: Session): void;
	left(session: Session): void;
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
	readonly watch?: SessionWatch;
	/** Absent: everybody may watch. */
	readonly door?: Door;
	readonly log: EndpointLog;
}

/** How long the end of a unit waits for a rendition whose encoder is a little behind. */
const SWITCH_PATIENCE_MS = 500 as Milliseconds;
/** What may wait unsent in the kernel: the rest stays in the ring, where it can be skipped or switched. */
const NOT_SENT_MS = 100;
const LEAST_NOT_SENT_BYTES = 16 * 1024;
const USER_AGENT_MAX = 200;

export class MediaEndpoint {
	readonly #options: MediaEndpointOptions;
	readonly #packagings: PackagingSet;
	readonly #sessions = new Map<string, Session>();
	/** Sockets that carry a stream or are about to: whatever else arrives on one of them is not answered. */
	readonly #taken = new WeakSet<Socket>();
	readonly #looks: LookSchedule;
	/** For as long as there is the programme. */
	readonly #rates = new WeakMap<Programme, Map<Packaging, StreamRates>>();

	constructor(options: MediaEndpointOptions) {
		this.#options = options;
		this.#looks = new LookSchedule(options.clock);
		this.#packagings = new PackagingSet(options.packagings);
	}

	sessions(): Iterable<Session> {
		return this.#sessions.values();
	}

	session(id: string): Session | undefined {
		return this.#sessions.get(id);
	}

	/** The socket carries a stream, or is about to: nothing else can be answered on it. */
	isTaken(socket: Socket): boolean {
		return this.#taken.has(socket);
	}

	/** Answers any request; never throws. */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { cors, log } = this.#options;
		// A second request behind an endless response can only be a mistake or an attempt to desynchronize a proxy.
		if (this.isTaken(request.socket)) return void request.socket.destroy();
		try {
			if (request.method === "OPTIONS") return answerPreflight(request, response, cors);
			await this.#answer(request, response);
		} catch (thrown) {
			answerThrown(request, response, thrown, { cors, log });
		}
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		refuseOddRequest(request, "streams");
		const { path, query } = splitTarget(request.url ?? "/");
		const mediaPath = parseMediaPath(path);
		if (mediaPath === undefined) throw this.notFound(path);
		// Who has no leave is not told either which streams there are.
		const { door } = this.#options;
		// Without a door nothing is waited for: the socket is taken before the next request on it is looked at.
		const pass = door && (await this.#enter(door, request, mediaPath));
		// It may have left while leave was asked for: nothing would tell of it any more.
		if (request.socket.destroyed) return pass?.leave();
		try {
			const packaging = this.#packagings.of(mediaPath);
			const programme = this.#options.programmes.find(mediaPath.app, mediaPath.stream);
			if (programme === undefined) throw this.notFound(path);
			const wish = wishOf(query.get("rendition") ?? "auto", programme);
			const headers = this.#streamHeaders(request, packaging);
			const what: Request = { programme, packaging, path: mediaPath, wish, headers, pass };
			if (request.method === "HEAD") {
				this.#refuseUnfit(what);
				pass?.leave();
				return void response.writeHead(200, headers).end();
			}
			await this.#serve(request, response, what);
		} catch (thrown) {
			pass?.leave();
			throw thrown;
		}
	}

	/** What comes behind the request while leave is asked for is not answered, as if the stream had begun. */
	async #enter(door: Door, request: IncomingMessage, { app, stream }: MediaPath): Promise<Pass> {
		const { socket } = request;
		this.#taken.add(socket);
		try {
			return await door.enter(request, app, stream);
		} finally {
			this.#taken.delete(socket);
		}
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
			what.pass?.leave();
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
		const { viewers, socketOptions, stallTimeout, clock, serverFigures, watch } = this.#options;
		const { socket } = request;
		const viewer = this.#createViewer(request, what);
		const secret = sessionSecret(request.headers, splitTarget(request.url ?? "/").query);
		const session: Session = {
			viewer,
			programme: what.programme,
			remoteAddress: socket.remoteAddress ?? "",
			userAgent: (request.headers["user-agent"] ?? "").slice(0, USER_AGENT_MAX),
			connectedAt: clock.wall(),
			sessionKey: sessionKeyOf(secret),
			link: new NarrowLink(clock),
		};
		socket.setTimeout(0);
		socket.setKeepAlive(true, stallTimeout / 2);
		socketOptions.setUserTimeout(socket, stallTimeout);
		this.#limitNotSent(session, socket);
		response.writeHead(200, {
			...what.headers,
			...cmsdHeaders(what.programme.lanes.channel.lead, serverFigures().duress !== undefined),
			"Penstock-Viewer": viewer.id,
			"Penstock-Session": secret,
		});
		response.flushHeaders();

		this.#sessions.set(viewer.id, session);
		watch?.joined(session);
		viewers.add(viewer, (reason) => {
			what.pass?.leave();
			this.#left(session, reason, release);
		});
		what.pass?.hold((error) => {
			this.#options.log.info({ viewer: viewer.id, code: error.code }, `viewer let go: ${error.message}`);
			viewers.expel(viewer, "refused");
		});
		const events: TransportEvents = {
			drained: () => viewer.pump(),
			closed: (timedOut) => viewers.remove(viewer, timedOut ? "stalled" : "closed"),
		};
		session.link.open(events, (own) => transportFor(socket, own, socketOptions.tcpInfo));
		this.#options.log.info({ viewer: viewer.id, ...describe(session) }, "viewer joined");
		viewer.start(session.link);
		this.#looks.place(viewer);
	}

	/** Keeps a slow viewer's backlog in the ring: what is in the kernel cannot be switched any more. */
	#limitNotSent({ viewer, programme }: Session, socket: Socket): void {
		const facts = this.#ratesOf(programme, viewer.packaging).facts(this.#options.clock.now());
		const rate = streamBitrateOf(facts, viewer.rendition);
		const share = Math.round((rate * NOT_SENT_MS) / 8000);
		this.#options.socketOptions.setNotSentLowWatermark(socket, bytes(Math.max(LEAST_NOT_SENT_BYTES, share)));
	}

	#ratesOf(programme: Programme, packaging: Packaging): StreamRates {
		const ofProgramme = this.#rates.get(programme) ?? new Map<Packaging, StreamRates>();
		this.#rates.set(programme, ofProgramme);
		const rates = ofProgramme.get(packaging) ?? new StreamRates(programme, packaging);
		ofProgramme.set(packaging, rates);
		return rates;
	}

	#createViewer(request: IncomingMessage, what: Request): Viewer {
		const { programme, packaging, wish } = what;
		const { clock, maxLag, viewers, log, policy } = this.#options;
		const rates = this.#ratesOf(programme, packaging);
		return new Viewer({
			id: randomBytes(16).toString("hex"),
			lanes: programme.lanes,
			packaging,
			chunked: request.httpVersion !== "1.0",
			wish,
			clock,
			maxLag,
			switchPatience: SWITCH_PATIENCE_MS,
			control: new SwitchControl(policy),
			decide: (viewer, position) => this.#decide(viewer, rates, position),
			onSwitch: (viewer, record) => this.#switched(viewer, record, what, request.socket),
			onDrop: (viewer, reason, lost) => {
				viewers.countDrop(reason);
				log.warn({ viewer: viewer.id, reason, lostMs: Math.round(lost) }, "viewer moved to the newest unit");
			},
			onLookSooner: (viewer) => this.#looks.place(viewer),
		});
	}

	#switched(viewer: Viewer, record: SwitchRecord, { programme, pass }: Request, socket: Socket): void {
		const { viewers, log } = this.#options;
		const order = programme.lanes.channel.renditions.map(({ name }) => name);
		const { unit, from, to, because } = record;
		pass?.switched(from, to, because.cause);
		viewers.countSwitch(order.indexOf(to) < order.indexOf(from) ? "up" : "down", record);
		log.info({ viewer: viewer.id, unit, from, to, cause: because.cause }, `switched: ${because.text}`);
		const session = this.#sessions.get(viewer.id);
		if (session !== undefined) this.#limitNotSent(session, socket);
	}

	#decide(viewer: Viewer, rates: StreamRates, position: StreamPosition): Decision {
		const { clock, serverFigures, log, viewers } = this.#options;
		const { control, rendition: current } = viewer;
		const now = clock.now();
		const renditions = rates.facts(now);
		const { planned } = control;
		const decision = control.decide({
			...{ now, renditions, current, position },
			wish: viewer.wish,
			viewer: viewer.figures,
			server: serverFigures(),
		});
		if (position.moment === "unit-end") viewers.totals.decisions.note(decision, current, renditions);
		if (control.planned !== undefined && control.planned !== planned) {
			const { cause, text } = decision.because;
			const { rendition: from, unit } = viewer;
			log.info({ viewer: viewer.id, unit, from, to: control.planned, cause }, `will switch: ${text}`);
		}
		return decision;
	}

	#left(session: Session, reason: LeaveReason, release: () => void): void {
		const { viewer } = session;
		this.#sessions.delete(viewer.id);
		this.#options.watch?.left(session);
		this.#looks.remove(viewer);
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

	/** @param path that leads to no stream */
	notFound(path: string): PenstockError {
		const listed = this.#options.programmes.listed();
		const what = `no stream at ${JSON.stringify(path.slice(0, 200))}.`;
		const [first] = listed;
		if (first === undefined) return new PenstockError("CHANNEL_NOT_FOUND", what);
		const there = `${listed.join(", ")} (${this.#packagings.extensionList}; in a browser: ${watchPath(first)})`;
		return new PenstockError("CHANNEL_NOT_FOUND", `${what} There is: ${there}.`);
	}
}

interface Request {
	readonly programme: Programme;
	readonly packaging: Packaging;
	readonly path: MediaPath;
	readonly wish: Name | "auto";
	readonly headers: Record<string, string>;
	readonly pass: Pass | undefined;
}

const describe = ({ programme, viewer, remoteAddress, userAgent }: Session): object => ({
	channel: `${programme.app}/${programme.stream}`,
	packaging: viewer.packaging.extension,
	rendition: viewer.rendition,
	remoteAddress,
	userAgent,
});

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
