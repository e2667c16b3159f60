/**
 * `PUT` and `POST /{app}/{stream}` on the listeners for viewers: who may publishes there, for as long as the request's
 * body goes on. The answer comes at its end, or as soon as it is not wanted.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../base/clock.ts";
import { PenstockError } from "../base/errors.ts";
import { type Name, parseName } from "../base/name.ts";
import type { Milliseconds } from "../base/units.ts";
import { answerError, answerThrown, type CorsPolicy, type FaultLog } from "../delivery/http-answer.ts";
import { splitTarget } from "../delivery/request-checks.ts";
import { pushFormOf, receivePush } from "../ingest/http-push.ts";
import type { Publications } from "../ingest/publications.ts";
import { accessRequestOf } from "./http-credentials.ts";

export interface PushRoutesOptions {
	readonly publications: Publications;
	readonly clock: Clock;
	readonly idleTimeout: Milliseconds;
	readonly cors: CorsPolicy;
	readonly log: FaultLog;
}

const SHAPE = /^\/([^/]+)\/([^/.]+)(?:\.([A-Za-z0-9]{1,8}))?$/;
/** First parts of paths that are not of streams. */
const RESERVED: readonly string[] = ["play", "report", "session"];
/** What a client is given to read why its stream is not wanted, while it goes on sending. */
const LINGER_MS = 1000;

export class PushRoutes {
	readonly #options: PushRoutesOptions;

	constructor(options: PushRoutesOptions) {
		this.#options = options;
	}

	/** Whether the request is of a publisher: its body may have no end. */
	isPush({ method, url }: IncomingMessage): boolean {
		if (method !== "PUT" && method !== "POST") return false;
		const [, app] = SHAPE.exec(splitTarget(url ?? "/").path) ?? [];
		return app !== undefined && !RESERVED.includes(app);
	}

	/** Never throws. Nothing behind the body is answered: what two parsers may read in two ways has no second reading. */
	async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const { log, cors } = this.#options;
		response.setHeader("Connection", "close");
		try {
			const why = await this.#receive(request);
			if (request.socket.destroyed) return;
			if (why === undefined) response.writeHead(204, { "Cache-Control": "no-store" }).end();
			else answerError(response, why);
		} catch (thrown) {
			answerThrown(request, response, thrown, { cors, log });
		}
		if (request.complete) return;
		request.resume();
		const timer = this.#options.clock.after(LINGER_MS, () => request.socket.destroy());
		// Its end as well as the connection's: behind a whole body another request may follow.
		request.once("close", () => timer.cancel());
	}

	async #receive(request: IncomingMessage): Promise<PenstockError | undefined> {
		const [, first = "", second = "", extension] = SHAPE.exec(splitTarget(request.url ?? "/").path) ?? [];
		const app: Name = parseName(first, "the app");
		const stream: Name = parseName(second, "the stream");
		if (request.headersDistinct["host"]?.length !== 1) {
			throw new PenstockError("HTTP_MALFORMED", "a request of HTTP/1.1 has one Host field (RFC 9112, clause 3.2).");
		}
		const form = pushFormOf(request, extension?.toLowerCase());
		return await receivePush(request, accessRequestOf(request, "publish", app, stream), form, this.#options);
	}
}
