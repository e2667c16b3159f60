/**
 * What each method of RTSP does on one connection: who may, which session, which stream. Gives a reply for every request,
 * whatever is in it. A connection has at most one session.
 */
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import type { Verb } from "../wire/access.ts";
import { RightWatch } from "../wire/right-watch.ts";
import { readCSeq } from "../wire/rtsp-fields.ts";
import type { RtspRequest, WrittenHeader } from "../wire/rtsp-message.ts";
import { queryWithout, type RtspTarget, readTarget } from "../wire/rtsp-target.ts";
import { writeSdp } from "../wire/sdp.ts";
import { readSdp } from "../wire/sdp-reader.ts";
import { shownValue } from "../wire/viewer-report.ts";
import type { RtspApplication, RtspPeer } from "./application.ts";
import type { Authenticator } from "./authenticator.ts";
import type { ConnectionOutput } from "./connection-output.ts";
import { forPlayers, playControl, publishedControls } from "./controls.ts";
import { type Grant, Grants } from "./grants.ts";
import { ok, type Reply, refusal } from "./reply.ts";
import { ServerSession } from "./server-session.ts";
import type { RtspServerSettings } from "./server-settings.ts";

export interface RequestHandlerParts {
	readonly clock: Clock;
	readonly application: RtspApplication;
	readonly authenticator: Authenticator;
	readonly settings: RtspServerSettings;
	readonly output: ConnectionOutput;
	/** Both ends of the connection. */
	readonly address: string;
	readonly localAddress: string;
	readonly clientId: string;
	/** Within TLS: media are kept to the connection, where they are as safe as what is said. */
	readonly isSecure: boolean;
}

/** What a session asks of its connection. */
export interface SessionEvents {
	/** Media may come on the connection from now on. */
	readonly onInterleaved: () => void;
	readonly onEnd: (error: PenstockError) => void;
}

const METHODS = [
	...["OPTIONS", "DESCRIBE", "ANNOUNCE", "SETUP", "PLAY", "RECORD", "PAUSE"],
	...["TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"],
] as const;
const PUBLIC: WrittenHeader = ["Public", METHODS.join(", ")];

export class RequestHandler {
	readonly #parts: RequestHandlerParts;
	readonly #events: SessionEvents;
	readonly #grants: Grants;
	#session: ServerSession | undefined;
	/** By which the session is here. */
	#grant: Grant | undefined;
	#right: RightWatch | undefined;
	#ended = false;

	constructor(parts: RequestHandlerParts, events: SessionEvents) {
		this.#parts = parts;
		this.#events = events;
		const { clock, authenticator, address, application } = parts;
		this.#grants = new Grants(clock, authenticator, address, (request) => application.released(request));
	}

	get session(): ServerSession | undefined {
		return this.#session;
	}

	/** Ends the session, and lets none begin. @param error undefined where the client went by itself */
	close(error: PenstockError | undefined): void {
		this.#ended = true;
		this.#closeSession(error);
		this.#grants.close();
	}

	async answer(request: RtspRequest): Promise<Reply> {
		if (request.version !== "1.0") {
			return refusal(new PenstockError("RTSP_MALFORMED", `RTSP/${request.version} is not spoken here; use 1.0.`), 505);
		}
		if (readCSeq(request.headers.get("cseq")) === undefined) {
			return refusal(new PenstockError("RTSP_MALFORMED", "a request has no CSeq that is a number."));
		}
		const required = request.headers.all("require");
		if (required.length > 0 && request.method !== "OPTIONS") {
			const text = `Require: ${shownValue(required.join(", "))} is not known here.`;
			return refusal(new PenstockError("RTSP_METHOD", text), 551, ["Unsupported", required.join(", ")]);
		}
		switch (request.method) {
			case "OPTIONS":
				return this.#withSession(request, ok(PUBLIC));
			case "GET_PARAMETER":
				return this.#withSession(request, ok());
			case "SET_PARAMETER":
				return this.#withSession(request, request.body.length === 0 ? ok() : refusal(NO_PARAMETERS, 451));
		}
		if (!METHODS.some((method) => method === request.method)) {
			return refusal(new PenstockError("RTSP_METHOD", `${request.method} is not known here.`), 501, [
				"Allow",
				METHODS.join(", "),
			]);
		}
		const target = readTarget(request.target);
		if (target.kind === "fault") return refusal(target.error);
		return await this.#answerStream(request, target.value);
	}

	/** Of a stream, or of a session of it. */
	async #answerStream(request: RtspRequest, target: RtspTarget): Promise<Reply> {
		switch (request.method) {
			case "DESCRIBE":
				return await this.#describe(request, target);
			case "ANNOUNCE":
				return await this.#announce(request, target);
			case "SETUP":
				return await this.#setUp(request, target);
		}
		const session = this.#session;
		const isOurs = session?.isNamedBy(request) && isSameStream(session.target, target);
		if (session === undefined || !isOurs) return refusal(NO_SESSION);
		switch (request.method) {
			case "PLAY":
				return await session.start("play", target);
			case "RECORD":
				return await session.start("publish", target);
			case "PAUSE":
				return await session.pause(target);
			default: {
				this.#closeSession(undefined);
				return ok(session.header);
			}
		}
	}

	async #describe(request: RtspRequest, target: RtspTarget): Promise<Reply> {
		const accept = request.headers.get("accept");
		if (accept !== undefined && !/application\/(?:sdp|\*)|\*\/\*/i.test(accept)) {
			return refusal(new PenstockError("RTSP_METHOD", "a stream is described as application/sdp only."), 406);
		}
		const admission = await this.#grants.admit(request, "play", target, target.query);
		if (admission.kind === "refused") return admission.reply;
		const described = await this.#parts.application.describe(target, this.#peerOf(admission.grant));
		if (described.kind === "refused") return refusal(described.error);
		const body = new TextEncoder().encode(writeSdp(forPlayers(described.value)));
		return { ...ok(["Content-Base", `${target.base}/`], ["Content-Type", "application/sdp"]), body };
	}

	async #announce(request: RtspRequest, target: RtspTarget): Promise<Reply> {
		if (this.#session !== undefined) return refusal(HAS_SESSION, 455);
		const type = request.headers.get("content-type") ?? "";
		if (!/^application\/sdp\b/i.test(type)) {
			return refusal(
				new PenstockError("SDP_MALFORMED", `Content-Type is ${shownValue(type)}, not application/sdp.`),
				415,
			);
		}
		const admission = await this.#grants.admit(request, "publish", target, target.query);
		if (admission.kind === "refused") return admission.reply;
		const { grant } = admission;
		const description = readSdp(request.body);
		if (description.kind === "fault") return refusal(description.error);
		if (description.value.media.length === 0)
			return refusal(new PenstockError("SDP_MALFORMED", "the session description has no medium."));
		const session = this.#newSession("publish", target);
		this.#grants.handOver(grant);
		const answer = await this.#parts.application.announce(target, this.#peerOf(grant), description.value, session);
		if (answer.kind === "refused") return refusal(answer.error);
		session.attach(answer.value, publishedControls(description.value));
		return this.#keep(session, grant) ?? ok(session.header);
	}

	async #setUp(request: RtspRequest, target: RtspTarget): Promise<Reply> {
		const current = this.#session;
		if (current !== undefined) {
			const isNamed = request.headers.get("session") !== undefined;
			if (isNamed ? !current.isNamedBy(request) : current.role === "play")
				return refusal(isNamed ? NO_SESSION : HAS_SESSION);
			if (!isSameStream(current.target, target)) return refusal(HAS_SESSION, 455);
			return await current.setUp(request, target);
		}
		if (request.headers.get("session") !== undefined) return refusal(NO_SESSION);
		const slash = target.query.lastIndexOf("/");
		const query =
			target.control === "" && slash >= 0 ? queryWithout(target, target.query.slice(slash + 1)) : target.query;
		const admission = await this.#grants.admit(request, "play", target, query);
		if (admission.kind === "refused") return admission.reply;
		const session = this.#newSession("play", target);
		const opened = await this.#parts.application.open(target, this.#peerOf(admission.grant), session);
		if (opened.kind === "refused") return refusal(opened.error);
		session.attach(
			opened.value.session,
			opened.value.description.media.map((_, medium) => playControl(medium)),
		);
		const gone = this.#keep(session, admission.grant);
		if (gone !== undefined) return gone;
		const reply = await session.setUp(request, target);
		// Nobody but a client that was told its id can go on with it.
		if (reply.status !== 200 && this.#session === session) {
			// It may try another transport by the same grant.
			admission.grant.isHeld = false;
			this.#closeSession(reply.error);
			return { ...reply, headers: reply.headers.filter(([name]) => name !== "Session") };
		}
		return reply;
	}

	#peerOf({ principal, request }: Grant): RtspPeer {
		const { address, localAddress, clientId } = this.#parts;
		return { address, localAddress, clientId, principal, request };
	}

	#newSession(role: Verb, target: RtspTarget): ServerSession {
		const { clock, output, settings, isSecure } = this.#parts;
		return new ServerSession({
			...{ clock, output, role, target, isSecure, maxQueuedBytes: settings.maxQueuedBytes },
			timeoutS: Math.floor(settings.sessionTimeoutMs / 1000),
			...this.#events,
		});
	}

	/** @returns a reply where the connection has ended while the application was asked */
	#keep(session: ServerSession, grant: Grant): Reply | undefined {
		if (!this.#ended) {
			const { clock, authenticator } = this.#parts;
			const { onEnd: onLost } = this.#events;
			this.#session = session;
			this.#grant = grant;
			grant.isHeld = true;
			this.#right = new RightWatch({ gate: authenticator.parts.gate, clock, right: grant, onLost });
			return undefined;
		}
		const error = new PenstockError("RTSP_TIMEOUT", "the connection ended before the session began.");
		session.close(error);
		return refusal(error);
	}

	#closeSession(error: PenstockError | undefined): void {
		this.#right?.end();
		this.#session?.close(error);
		if (this.#session?.role === "play" && this.#grant?.isHeld === true) this.#grants.release(this.#grant);
		this.#session = undefined;
	}

	#withSession(request: RtspRequest, reply: Reply): Reply {
		if (request.headers.get("session") === undefined) return reply;
		if (!this.#session?.isNamedBy(request)) return refusal(NO_SESSION);
		return { ...reply, headers: [...reply.headers, this.#session.header] };
	}
}

const NO_SESSION = new PenstockError("RTSP_SESSION", "this connection has no session of that id.");
const HAS_SESSION = new PenstockError("RTSP_METHOD", "this connection has a session already; TEARDOWN ends it.");
const NO_PARAMETERS = new PenstockError("RTSP_METHOD", "there are no parameters to set.");

const isSameStream = (one: RtspTarget, other: RtspTarget): boolean =>
	one.app === other.app && one.stream === other.stream;
