/**
 * What the listeners for viewers answer, by path: streams, and beside them a channel's description, the watch page and
 * the player, reports, a session's wishes, health.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { PenstockError } from "../base/errors.ts";
import type { Door } from "../delivery/door.ts";
import { answerError, answerThrown, type CorsPolicy, corsHeaders, type FaultLog } from "../delivery/http-answer.ts";
import type { MediaEndpoint } from "../delivery/media-endpoint.ts";
import { parseMediaPath } from "../delivery/media-path.ts";
import { refuseOddRequest, splitTarget } from "../delivery/request-checks.ts";
import type { Packaging } from "../media/packaging.ts";
import { DESCRIPTION_EXTENSION, describeChannel } from "./channel-descriptions.ts";
import type { ChannelSet } from "./channel-set.ts";
import type { HostedChannel } from "./hosted-channel.ts";
import { hostOf, type ListenAddress } from "./listen-address.ts";
import { mediaOrigins } from "./media-origins.ts";
import type { Pages } from "./pages.ts";
import type { PushRoutes } from "./push-routes.ts";
import type { ReportServices } from "./report-services.ts";
import { SESSION_RENDITION_PATH, type SessionWishes } from "./session-wishes.ts";

export interface MediaRoutesParts {
	readonly endpoint: MediaEndpoint;
	readonly reports: ReportServices;
	readonly wishes: SessionWishes;
	readonly pages: Pages;
	/** Undefined where nobody publishes over HTTP. */
	readonly push: PushRoutes | undefined;
	/** Undefined where everybody may watch. */
	readonly door: Door | undefined;
	readonly channels: ChannelSet;
	readonly packagings: readonly Packaging[];
	readonly cors: CorsPolicy;
	readonly log: FaultLog;
	/** All listeners for viewers. */
	readonly listening: () => readonly ListenAddress[];
	readonly draining: () => boolean;
}

/** What is fetched and ends. */
interface Fetched {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer | string | undefined;
}

export class MediaRoutes {
	readonly #parts: MediaRoutesParts;

	constructor(parts: MediaRoutesParts) {
		this.#parts = parts;
	}

	/**
	 * Answers any request; never throws.
	 * @param listener that it came to
	 */
	handle(request: IncomingMessage, response: ServerResponse, listener: ListenAddress): void {
		const { endpoint, reports, wishes, draining, push } = this.#parts;
		// A second request behind an endless response can only be a mistake or an attempt to desynchronize a proxy.
		if (endpoint.isTaken(request.socket)) return void request.socket.destroy();
		const { path } = splitTarget(request.url ?? "/");
		if (reports.handle(path, request, response)) return;
		if (path === SESSION_RENDITION_PATH) return void wishes.handle(request, response);
		if (path === "/healthz") {
			response.writeHead(200, { "Content-Type": "application/json", "Cache-Control": "no-store" });
			response.end('{"status":"ok"}\n');
		} else if (draining()) {
			response.setHeader("Connection", "close");
			answerError(response, new PenstockError("CHANNEL_NOT_READY", "the server is shutting down; try another."));
		} else if (push?.isPush(request) === true) {
			void push.handle(request, response);
		} else if (!this.#answerFetch(path, request, response, listener)) {
			void endpoint.handle(request, response);
		}
	}

	/** Whether a request's body may go on without an end. */
	isEndless(request: IncomingMessage): boolean {
		return this.#parts.push?.isPush(request) === true && !this.#parts.draining();
	}

	/** @returns false where the path is none of these */
	#answerFetch(path: string, request: IncomingMessage, response: ServerResponse, listener: ListenAddress): boolean {
		const { cors } = this.#parts;
		// A preflight is the same for all that is fetched; the endpoint answers it.
		if (request.method === "OPTIONS") return false;
		if (this.#parts.door !== undefined && isDescription(path)) {
			void this.#answerDescription(path, request, response, listener);
			return true;
		}
		try {
			const fetched = this.#page(path, request) ?? this.#description(path, request, listener);
			if (fetched === undefined) return false;
			refuseOddRequest(request, "pages and descriptions");
			answerFetched(request, response, fetched, corsHeaders(request, cors));
		} catch (thrown) {
			answerThrown(request, response, thrown, this.#parts);
		}
		return true;
	}

	/** Who may not watch a channel is not told what it has. */
	async #answerDescription(
		path: string,
		request: IncomingMessage,
		response: ServerResponse,
		listener: ListenAddress,
	): Promise<void> {
		const { door, endpoint, cors } = this.#parts;
		try {
			refuseOddRequest(request, "descriptions");
			const asked = parseMediaPath(path);
			if (asked === undefined) throw endpoint.notFound(path);
			(await door!.enter(request, asked.app, asked.stream)).leave();
			const fetched = this.#description(path, request, listener);
			answerFetched(request, response, fetched!, corsHeaders(request, cors));
		} catch (thrown) {
			answerThrown(request, response, thrown, this.#parts);
		}
	}

	#page(path: string, { headers }: IncomingMessage): Fetched | undefined {
		return this.#parts.pages.forViewers(path, headers, (asked) => this.#channel(asked) !== undefined);
	}

	#description(path: string, request: IncomingMessage, listener: ListenAddress): Fetched | undefined {
		if (!isDescription(path)) return undefined;
		const { endpoint, packagings } = this.#parts;
		const asked = parseMediaPath(path);
		const channel = asked && this.#channel(asked);
		if (channel === undefined) throw endpoint.notFound(path);
		const description = describeChannel(channel, packagings, this.#origins(request, listener));
		return {
			status: 200,
			headers: {
				"Content-Type": "application/json; charset=utf-8",
				"Cache-Control": "no-store",
				"X-Content-Type-Options": "nosniff",
			},
			body: `${JSON.stringify(description)}\n`,
		};
	}

	/** Behind a proxy, which the port tells, nobody here knows by what names our listeners can be reached. */
	#origins({ headers, socket }: IncomingMessage, address: ListenAddress): string[] {
		const asked = hostOf(headers.host);
		if (asked === undefined || (asked.port ?? 80) !== socket.localPort) return [];
		return mediaOrigins(this.#parts.listening(), { name: asked.name, address });
	}

	#channel({ app, stream }: { readonly app: string; readonly stream: string }): HostedChannel | undefined {
		return this.#parts.channels.find(`${app}/${stream}`);
	}
}

const isDescription = (path: string): boolean => path.toLowerCase().endsWith(`.${DESCRIPTION_EXTENSION}`);

function answerFetched(
	{ method }: IncomingMessage,
	response: ServerResponse,
	{ status, headers, body }: Fetched,
	cors: Readonly<Record<string, string>>,
): void {
	const length = body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) };
	response.writeHead(status, { ...cors, ...headers, ...length });
	response.end(method === "HEAD" ? undefined : body);
}
