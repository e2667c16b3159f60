/** The API's routes for publishers: `/api/v1/publishers`. */
import type { FastifyInstance } from "fastify";
import { PenstockError } from "../base/errors.ts";
import {
	type PublisherSnapshot,
	type PublishingModel,
	publisherList,
	publisherSnapshot,
} from "./api-publishing-model.ts";
import { jsonSchema, ok, parameters, refusal } from "./api-schema.ts";
import type { Log } from "./log.ts";

const tags = ["publishers"];
const params = parameters("id");
const GONE = refusal("No publisher has this id.");

/** What the OpenAPI document says of them. */
const documents = {
	list: {
		summary: "Who publishes, in the order in which they came",
		tags,
		response: { 200: ok(jsonSchema(publisherList)) },
	},
	one: { summary: "One publisher", tags, params, response: { 200: ok(jsonSchema(publisherSnapshot)), 404: GONE } },
	kick: {
		summary: "End a publication; nothing keeps the publisher from coming back",
		...{ tags, params },
		response: { 204: { description: "It has ended.", type: "null" }, 404: GONE },
	},
} as const;

const PATH = "/api/v1/publishers/:id";

interface WithId {
	readonly Params: { readonly id: string };
}

export interface PublishingRoutes {
	/** Undefined where nobody publishes. */
	readonly publishing: PublishingModel | undefined;
	readonly log: Log;
}

export function addPublishingRoutes(app: FastifyInstance, { publishing, log }: PublishingRoutes): void {
	const publishers = (): readonly PublisherSnapshot[] => publishing?.publishers() ?? [];
	app.get("/api/v1/publishers", { schema: documents.list }, () => ({ publishers: publishers() }));
	app.get<WithId>(PATH, { schema: documents.one }, ({ params }) => {
		const one = publishers().find(({ id }) => id === params.id);
		if (one === undefined) throw gone(params.id);
		return one;
	});
	app.delete<WithId>(PATH, { schema: documents.kick }, ({ params }, reply) => {
		if (publishing?.kick(params.id) !== true) throw gone(params.id);
		log.info({ publisher: params.id }, "publisher ended by the API");
		return reply.status(204).send();
	});
}

const gone = (id: string): PenstockError => {
	const text = `no publisher ${JSON.stringify(id.slice(0, 100))}; /api/v1/publishers lists those who are here.`;
	return new PenstockError("PUBLISHER_NOT_FOUND", text);
};
