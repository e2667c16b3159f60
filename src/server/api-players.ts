/** The API's routes for RTSP's players: `/api/v1/players`. */
import type { FastifyInstance } from "fastify";
import { PenstockError } from "../base/errors.ts";
import { type PlayersModel, playerList, playerSnapshot } from "./api-players-model.ts";
import { readRequest, viewersQuery } from "./api-requests.ts";
import { jsonSchema, ok, parameters, refusal } from "./api-schema.ts";
import type { Log } from "./log.ts";

const tags = ["players"];
const params = parameters("id");
const GONE = refusal("No player has this id.");

/** What the OpenAPI document says of them. */
const documents = {
	list: {
		summary: "Who plays by RTSP, in the order in which they came: all, those of a channel, or a part of these",
		tags,
		querystring: jsonSchema(viewersQuery),
		response: { 200: ok(jsonSchema(playerList)), 400: refusal("The query does not fit.") },
	},
	one: { summary: "One player", tags, params, response: { 200: ok(jsonSchema(playerSnapshot)), 404: GONE } },
	kick: {
		summary: "End a player's session and its connection; nothing keeps the player from coming back",
		...{ tags, params },
		response: { 204: { description: "It has ended.", type: "null" }, 404: GONE },
	},
} as const;

const PATH = "/api/v1/players/:id";

interface WithId {
	readonly Params: { readonly id: string };
}

export interface PlayerRoutes {
	/** Undefined where RTSP is not spoken. */
	readonly players: PlayersModel | undefined;
	readonly log: Log;
}

export function addPlayerRoutes(app: FastifyInstance, { players, log }: PlayerRoutes): void {
	app.get("/api/v1/players", { schema: documents.list }, async ({ query }) => {
		const asked = readRequest(viewersQuery, query, "query");
		return (await players?.list(asked)) ?? { players: [], total: 0 };
	});
	app.get<WithId>(PATH, { schema: documents.one }, async ({ params }) => {
		const one = await players?.one(params.id);
		if (one === undefined) throw gone(params.id);
		return one;
	});
	app.delete<WithId>(PATH, { schema: documents.kick }, ({ params }, reply) => {
		if (players?.kick(params.id) !== true) throw gone(params.id);
		log.info({ player: params.id }, "player ended by the API");
		return reply.status(204).send();
	});
}

const gone = (id: string): PenstockError => {
	const text = `no player ${JSON.stringify(id.slice(0, 100))}; /api/v1/players lists those who are here.`;
	return new PenstockError("PLAYER_NOT_FOUND", text);
};
