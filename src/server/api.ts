/**
 * The API, the metrics and the console: `/api/v1/…`, `/metrics`, `/healthz`, `/`, on a listener of their own. JSON in and
 * out; errors
 * are `{"error": {"code", "message"}}` with the codes of `docs/errors.md`. The OpenAPI document is made of the same
 * schemas that the bodies are judged by.
 */
import swagger from "@fastify/swagger";
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { type ErrorCode, messageOf, PenstockError } from "../base/errors.ts";
import { statusOf } from "../delivery/http-answer.ts";
import { addDistributionRoutes } from "./api-distribution.ts";
import { documents, OPENAPI } from "./api-documents.ts";
import { guardRequest } from "./api-guard.ts";
import type { ApiLogin } from "./api-login.ts";
import type { ApiModel } from "./api-model.ts";
import { addPlayerRoutes } from "./api-players.ts";
import { addPublishingRoutes } from "./api-publishing.ts";
import { readRequest, renditionWish, viewerFigures, viewerLimit, viewersQuery } from "./api-requests.ts";
import type { ApiConfig } from "./config.ts";
import { hostOf } from "./listen-address.ts";
import type { Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import type { Pages } from "./pages.ts";

export interface ApiOptions {
	readonly config: ApiConfig;
	readonly model: ApiModel;
	readonly pages: Pages;
	/** Undefined: whoever reaches the listener may ask. */
	readonly login: ApiLogin | undefined;
	readonly log: Log;
	/** Of Penstock, for the OpenAPI document. */
	readonly version: string;
}

const MAX_BODY_BYTES = 16 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const TOO_LARGE = 413;

/** Makes the application without listening. Closing it releases what it holds. */
export async function createApi({ config, model, pages, login, log, version }: ApiOptions): Promise<FastifyInstance> {
	const app = fastify({
		bodyLimit: MAX_BODY_BYTES,
		requestTimeout: REQUEST_TIMEOUT_MS,
		// Names have up to 128 characters.
		routerOptions: { maxParamLength: 256 },
		forceCloseConnections: true,
		frameworkErrors: (thrown, _request, reply) => answer(reply, describe(thrown)),
	});
	// Bodies are judged by our own schemas, in our own words; responses are typed.
	app.setValidatorCompiler(() => () => true);
	app.setSerializerCompiler(() => (data) => JSON.stringify(data));
	app.removeContentTypeParser("text/plain");
	const routes = recordRoutes(app);
	answerErrors(app, routes, log);
	app.addHook("onRequest", async ({ method, headers, ip }, reply) => {
		reply.headers({ "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff" });
		guardRequest(
			{ method, host: headers.host, origin: headers.origin },
			{ listenHost: config.listen.host, allowedHosts: config.allowedHosts },
		);
		login?.check(headers.authorization, ip);
	});
	app.addHook("onSend", async (_request, reply) => {
		// Closed while a body is still coming, a connection is reset, and the answer lost with it: Node reads the rest and
		// throws it away, for as long as a request may take.
		if (reply.statusCode === TOO_LARGE) reply.removeHeader("Connection");
	});
	await app.register(swagger, { openapi: { ...OPENAPI, info: { title: "Penstock", version } } });
	addChannelRoutes(app, model);
	addViewerRoutes(app, model, log);
	addDistributionRoutes(app, { distribution: model.distribution, log });
	addPublishingRoutes(app, { publishing: model.publishing, log });
	addPlayerRoutes(app, { players: model.players, log });
	addServerRoutes(app, model);
	addPages(app, pages);
	await app.ready();
	return app;
}

function addChannelRoutes(app: FastifyInstance, model: ApiModel): void {
	app.get("/api/v1/channels", { schema: documents.channels }, () => ({ channels: model.channels() }));
	app.get<{ Params: { app: string; stream: string } }>(
		"/api/v1/channels/:app/:stream",
		{ schema: documents.channel },
		({ params }) => {
			const channels = model.channels();
			const channel = channels.find(({ app, stream }) => app === params.app && stream === params.stream);
			if (channel !== undefined) return channel;
			const asked = JSON.stringify(`${params.app}/${params.stream}`.slice(0, 100));
			const known = channels.map(({ app, stream }) => `${app}/${stream}`).join(", ");
			throw new PenstockError("CHANNEL_NOT_FOUND", `no channel ${asked}; there is ${known || "none"}.`);
		},
	);
}

interface WithId {
	readonly Params: { readonly id: string };
}

function addViewerRoutes(app: FastifyInstance, model: ApiModel, log: Log): void {
	const viewerOf = (id: string) => {
		const viewer = model.viewer(id);
		if (viewer !== undefined) return viewer;
		const asked = JSON.stringify(id.slice(0, 100));
		throw new PenstockError("VIEWER_NOT_FOUND", `no viewer ${asked}; /api/v1/viewers lists those who are here.`);
	};
	app.get("/api/v1/viewers", { schema: documents.viewers }, ({ query }) =>
		model.viewers(readRequest(viewersQuery, query, "query")),
	);
	app.get<WithId>("/api/v1/viewers/:id", { schema: documents.viewer }, ({ params }) => viewerOf(params.id));
	app.get<WithId>("/api/v1/viewers/:id/decisions", { schema: documents.decisions }, ({ params }) => {
		viewerOf(params.id);
		return { decisions: model.decisions(params.id) ?? [] };
	});
	app.put<WithId>("/api/v1/viewers/:id/rendition", { schema: documents.putRendition }, ({ params, body }) => {
		const { rendition } = readRequest(renditionWish, body, "body");
		viewerOf(params.id);
		model.setWish(params.id, rendition);
		log.info({ viewer: params.id, rendition }, "rendition set by the API");
		return viewerOf(params.id);
	});
	app.put<WithId>("/api/v1/viewers/:id/figures", { schema: documents.putFigures }, ({ params, body }) => {
		const figures = readRequest(viewerFigures, body, "body");
		viewerOf(params.id);
		model.setFigures(params.id, figures);
		log.debug({ viewer: params.id, ...figures }, "figures set by the API");
		return viewerOf(params.id);
	});
	app.put<WithId>("/api/v1/viewers/:id/limit", { schema: documents.putLimit }, ({ params, body }) => {
		const { maxBps } = readRequest(viewerLimit, body, "body");
		viewerOf(params.id);
		model.setLimit(params.id, maxBps);
		log.info({ viewer: params.id, maxBps }, "limit set by the API");
		return viewerOf(params.id);
	});
	app.delete<WithId>("/api/v1/viewers/:id", { schema: documents.deleteViewer }, ({ params }, reply) => {
		viewerOf(params.id);
		model.kick(params.id);
		log.info({ viewer: params.id }, "viewer ended by the API");
		return reply.status(204).send();
	});
}

function addServerRoutes(app: FastifyInstance, model: ApiModel): void {
	const metrics = new Metrics(model);
	app.addHook("onClose", () => metrics.close());
	app.get("/api/v1/server", { schema: documents.server }, ({ headers }) =>
		model.server(hostOf(headers.host)?.name ?? ""),
	);
	app.get("/metrics", { schema: documents.metrics }, async (_, reply) =>
		reply.type(metrics.contentType).send(await metrics.text()),
	);
	app.get("/healthz", { schema: documents.health }, (_, reply) => {
		const down = whatIsDown(model);
		const troubles = model.troubles.length > 0 ? { troubles: model.troubles } : {};
		if (down.length === 0) return reply.send({ status: "ok", ...troubles });
		return reply
			.status(503)
			.header("Retry-After", "5")
			.send({ status: "down", down, ...troubles });
	});
	app.get("/api/v1/openapi.json", { schema: documents.openapi }, () => app.swagger());
}

function addPages(app: FastifyInstance, pages: Pages): void {
	for (const path of ["/", "/console/:file", "/player/:file"]) {
		app.get(path, { schema: { hide: true } }, ({ url, headers }, reply) => {
			const asked = url.split("?", 1)[0]!;
			const { status, headers: own, body } = pages.forOperator(asked, headers);
			return reply.status(status).headers(own).send(body);
		});
	}
}

function whatIsDown(model: ApiModel): string[] {
	const publishedNow = new Set(model.publishing?.publishers().map(({ channel }) => channel));
	const down = model.channels().flatMap(({ app, stream, onDemand, state, live, ladder, published }) => {
		if (onDemand || (live && state === "running")) return [];
		// That nobody publishes is no fault of this server's, and nothing that a restart would mend.
		if (published && !publishedNow.has(`${app}/${stream}`)) return [];
		const why = ladder.lastError === undefined ? "" : `: ${ladder.lastError}`;
		return [`channel ${app}/${stream} is ${state}${why}`];
	});
	const distribution = model.distribution?.down;
	if (distribution !== undefined) down.push(distribution);
	return model.draining ? ["the server is draining", ...down] : down;
}

interface KnownRoute {
	readonly method: string;
	readonly url: string;
	readonly pattern: RegExp;
}

function recordRoutes(app: FastifyInstance): readonly KnownRoute[] {
	const routes: KnownRoute[] = [];
	app.addHook("onRoute", ({ method, url }) => {
		const pattern = new RegExp(`^${url.replace(/[.]/g, "\\$&").replace(/:[a-z]+/g, "[^/]+")}/?$`);
		for (const one of [method].flat()) routes.push({ method: one, url, pattern });
	});
	return routes;
}

function answerErrors(app: FastifyInstance, routes: readonly KnownRoute[], log: Log): void {
	app.setErrorHandler((thrown: FastifyError | PenstockError, _request, reply) => {
		const refusal = describe(thrown);
		if (refusal.code === "INTERNAL") log.error({ err: thrown }, "the API failed");
		answer(reply, refusal);
	});
	app.setNotFoundHandler((request, reply) => answerUnknown(request, reply, routes));
}

function answerUnknown(request: FastifyRequest, reply: FastifyReply, routes: readonly KnownRoute[]): void {
	const path = request.url.split("?", 1)[0]!;
	const methods = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
	if (methods.length > 0) reply.header("Allow", methods.join(", "));
	answer(reply, describe(methods.length > 0 ? wrongMethod(request.method, path, methods) : noRoute(path, routes)));
}

function wrongMethod(method: string, path: string, methods: readonly string[]): PenstockError {
	return new PenstockError("HTTP_METHOD", `${method} is not for ${path}; it knows ${methods.join(", ")}.`);
}

function noRoute(path: string, routes: readonly KnownRoute[]): PenstockError {
	const known = routes.filter(({ method }) => method !== "HEAD").map(({ method, url }) => `${method} ${url}`);
	return new PenstockError(
		"API_ROUTE",
		`no route ${JSON.stringify(path.slice(0, 200))}; there is ${known.join(", ")}.`,
	);
}

interface Refusal {
	readonly status: number;
	readonly code: ErrorCode;
	readonly message: string;
}

/** The same body as from the listener for viewers. */
const answer = (reply: FastifyReply, { status, code, message }: Refusal): void => {
	// RFC 9110, clause 11.6.1: a browser asks for user and password then.
	if (status === 401) reply.header("WWW-Authenticate", 'Basic realm="penstock", charset="UTF-8"');
	reply.status(status).type("application/json; charset=utf-8").send({ error: { code, message } });
};

const STATUS: Partial<Record<ErrorCode, number>> = {
	API_CREDENTIALS: 401,
	API_HOST: 403,
	API_ORIGIN: 403,
	API_RATE: 429,
	API_REQUEST: 400,
	API_ROUTE: 404,
	DISTRIBUTION_OFF: 404,
	PLAYER_NOT_FOUND: 404,
	PUBLISHER_NOT_FOUND: 404,
	RULE_CONFLICT: 409,
	RULE_FIXED: 409,
	RULE_INVALID: 400,
	RULE_LIMIT: 409,
	RULE_LOOP: 409,
	RULE_NETWORK: 403,
	RULE_NOT_FOUND: 404,
	RULE_STALE: 412,
	VIEWER_NOT_FOUND: 404,
};

function describe(thrown: FastifyError | PenstockError): Refusal {
	if (thrown instanceof PenstockError) {
		const { code } = thrown;
		return { status: STATUS[code] ?? statusOf(code), code, message: thrown.message };
	}
	const status = thrown.statusCode ?? 500;
	// The framework's own refusals of a request: a body that is too large, no JSON, of another type.
	if (status < 500) return { status, code: "API_REQUEST", message: `API_REQUEST: ${messageOf(thrown)}.` };
	return { status: 500, code: "INTERNAL", message: "INTERNAL: the server failed; its log has the cause." };
}
