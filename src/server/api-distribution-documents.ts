/** What the OpenAPI document says of the routes for the distribution plane. */
import { distributionSnapshot, receiversRequest, ruleDetail, ruleList, ruleRequest } from "./api-distribution-model.ts";
import { jsonSchema, ok, parameters, refusal, response } from "./api-schema.ts";

const tags = ["distribution"];
const DETAIL = jsonSchema(ruleDetail);
const OFF = refusal("This server distributes no packets.");
const GONE = refusal("No rule has this name, or this server distributes no packets.");
const UNFIT = refusal("The body or a header does not fit.");
const NETWORK = refusal("A receiver lies in no allowed network.");
const CONFLICT = refusal("It is a rule of the configuration, or conflicts with another rule, or exceeds a limit.");
const STALE = refusal("The rule is not what If-Match says.");

/** A request may say which generation of the rule it is about. */
const headers = {
	type: "object",
	properties: { "If-Match": { type: "string", description: "The ETag of the rule as it was seen." } },
};
const params = parameters("name");
const refusals = { 400: UNFIT, 403: NETWORK, 409: CONFLICT, 412: STALE };

export const ruleDocuments = {
	distribution: {
		summary: "The distribution plane: its engine and why it is that one, counters, limits",
		tags,
		response: { 200: ok(jsonSchema(distributionSnapshot)), 404: OFF },
	},
	rules: { summary: "All rules", tags, response: { 200: ok(jsonSchema(ruleList)), 404: OFF } },
	rule: { summary: "One rule, with its receivers", tags, params, response: { 200: ok(DETAIL), 404: GONE } },
	putRule: {
		summary: "Make a rule, or change the whole of it; the answer comes when the engine has carried it out",
		...{ tags, params, headers },
		body: jsonSchema(ruleRequest),
		response: { 200: response("Changed.", DETAIL), 201: response("Made.", DETAIL), ...refusals, 404: OFF },
	},
	patchRule: {
		summary: "Add receivers to a rule, and remove some; a removed one gets no packet after the answer",
		...{ tags, params, headers },
		body: jsonSchema(receiversRequest),
		response: { 200: ok(DETAIL), ...refusals, 404: GONE },
	},
	deleteRule: {
		summary: "Delete a rule",
		...{ tags, params, headers },
		response: {
			...{ 204: { description: "It is gone.", type: "null" }, 400: UNFIT },
			...{ 404: GONE, 409: refusal("It is a rule of the configuration."), 412: STALE },
		},
	},
} as const;
