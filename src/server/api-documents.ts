/** What the OpenAPI document says of each route; the schemas are those of `api-model.ts`. */
import {
	channelList,
	channelSnapshot,
	decisionList,
	health,
	serverSnapshot,
	viewerList,
	viewerSnapshot,
} from "./api-model.ts";
import { renditionWish, viewerFigures, viewerLimit, viewersQuery } from "./api-requests.ts";
import { jsonSchema, ok, parameters, refusal, response, TEXT } from "./api-schema.ts";

export const OPENAPI = { openapi: "3.1.0" } as const;

const CHANNEL = jsonSchema(channelSnapshot);
const VIEWER = jsonSchema(viewerSnapshot);
const HEALTH = jsonSchema(health);
const VIEWER_GONE = refusal("No viewer has this id.");
const UNFIT = refusal("The body does not fit.");

export const documents = {
	channels: { summary: "All channels", tags: ["channels"], response: { 200: ok(jsonSchema(channelList)) } },
	channel: {
		summary: "One channel",
		tags: ["channels"],
		params: parameters("app", "stream"),
		response: { 200: ok(CHANNEL), 404: refusal("No channel has this name.") },
	},
	viewers: {
		summary: "Viewers, in the order in which they came: all, those of a channel, or a part of these",
		tags: ["viewers"],
		querystring: jsonSchema(viewersQuery),
		response: { 200: ok(jsonSchema(viewerList)), 400: refusal("The query does not fit.") },
	},
	viewer: {
		summary: "One viewer",
		tags: ["viewers"],
		params: parameters("id"),
		response: { 200: ok(VIEWER), 404: VIEWER_GONE },
	},
	decisions: {
		summary: "What was decided for a viewer lately, why, and from which figures",
		tags: ["viewers"],
		params: parameters("id"),
		response: { 200: ok(jsonSchema(decisionList)), 404: VIEWER_GONE },
	},
	putRendition: {
		summary: "Have a viewer sent one rendition from its next unit on, or leave it to the policy again",
		tags: ["viewers"],
		params: parameters("id"),
		body: jsonSchema(renditionWish),
		response: { 200: ok(VIEWER), 400: UNFIT, 404: refusal("No such viewer, or no such rendition.") },
	},
	putFigures: {
		summary: "Report the bandwidth and the system resources of a viewer",
		tags: ["viewers"],
		params: parameters("id"),
		body: jsonSchema(viewerFigures),
		response: { 200: ok(VIEWER), 400: UNFIT, 404: refusal("No such viewer, or no such rendition.") },
	},
	putLimit: {
		summary: "Let no more than so much through to a viewer, as a slow network would; or everything again",
		tags: ["viewers"],
		params: parameters("id"),
		body: jsonSchema(viewerLimit),
		response: { 200: ok(VIEWER), 400: UNFIT, 404: VIEWER_GONE },
	},
	deleteViewer: {
		summary: "End a viewer's response",
		tags: ["viewers"],
		params: parameters("id"),
		response: { 204: { description: "It has ended.", type: "null" }, 404: VIEWER_GONE },
	},
	server: {
		summary: "The server itself: what it is, what it does, what it has done since its start",
		tags: ["server"],
		response: { 200: ok(jsonSchema(serverSnapshot)) },
	},
	metrics: {
		summary: "Metrics in Prometheus' text format",
		tags: ["server"],
		produces: ["text/plain"],
		response: { 200: ok(TEXT) },
	},
	health: {
		summary: "Whether every channel that should have a picture has one",
		tags: ["server"],
		response: { 200: response("All is well.", HEALTH), 503: response("Something is down.", HEALTH) },
	},
	openapi: { summary: "This document", tags: ["server"], response: { 200: ok({ type: "object" }) } },
} as const;
