/** The API's routes for the distribution plane: `/api/v1/distribution` and `/api/v1/rules`. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { PenstockError } from "../base/errors.ts";
import { ruleDocuments as documents } from "./api-distribution-documents.ts";
import type { DistributionModel, RuleChange, RuleDetail } from "./api-distribution-model.ts";
import type { Log } from "./log.ts";

/** Room for a rule with all the receivers that it may have. */
const MAX_RULE_BYTES = 4 * 1024 * 1024;
const PATH = "/api/v1/rules/:name";

interface WithName {
	readonly Params: { readonly name: string };
}

export interface DistributionRoutes {
	/** Undefined where nothing is distributed. */
	readonly distribution: DistributionModel | undefined;
	readonly log: Log;
}

export function addDistributionRoutes(app: FastifyInstance, { distribution, log }: DistributionRoutes): void {
	const model = (): DistributionModel => {
		if (distribution !== undefined) return distribution;
		const text = 'this server distributes no packets; add the section "distribution" to its configuration.';
		throw new PenstockError("DISTRIBUTION_OFF", text);
	};
	app.get("/api/v1/distribution", { schema: documents.distribution }, async () => await model().snapshot());
	app.get("/api/v1/rules", { schema: documents.rules }, async () => ({ rules: await model().rules() }));
	app.get<WithName>(PATH, { schema: documents.rule }, async ({ params }, reply) =>
		send(reply, await model().rule(params.name)),
	);
	const large = { bodyLimit: MAX_RULE_BYTES };
	app.put<WithName>(PATH, { schema: documents.putRule, ...large }, async (request, reply) => {
		const { name } = request.params;
		const { rule, made } = await model().put(name, request.body, seenBy(request));
		log.info({ rule: name, receivers: rule.receivers.length }, `rule ${made ? "made" : "changed"} by the API`);
		return send(reply.status(made ? 201 : 200), rule);
	});
	app.patch<WithName>(PATH, { schema: documents.patchRule, ...large }, async (request, reply) => {
		const { name } = request.params;
		const rule = await model().patch(name, request.body, seenBy(request));
		log.debug({ rule: name, receivers: rule.receivers.length }, "receivers changed by the API");
		return send(reply, rule);
	});
	app.delete<WithName>(PATH, { schema: documents.deleteRule }, async (request, reply) => {
		const { name } = request.params;
		await model().delete(name, seenBy(request));
		log.info({ rule: name }, "rule deleted by the API");
		return reply.status(204).send();
	});
}

const send = (reply: FastifyReply, rule: RuleDetail): FastifyReply =>
	reply.header("ETag", `"${rule.generation}"`).send(rule);

/**
 * What the caller has seen, by RFC 9110, clause 13.1: If-Match has the ETag of an answer, `If-None-Match: *` wants that
 * there is none.
 * @throws PenstockError API_REQUEST
 */
function seenBy({ headers }: FastifyRequest): RuleChange {
	const { "if-match": match, "if-none-match": none } = headers;
	if (none !== undefined) {
		if (none !== "*" || match !== undefined) throw unfitHeader("If-None-Match is * or left out, and alone");
		return { ifGeneration: 0 };
	}
	if (match === undefined) return {};
	const [, generation] = /^"(\d{1,16})"$/.exec(match) ?? [];
	if (generation === undefined) throw unfitHeader('If-Match has the ETag of the rule, such as "17"');
	return { ifGeneration: Number(generation) };
}

const unfitHeader = (text: string): PenstockError =>
	new PenstockError("API_REQUEST", `the header does not fit: ${text}.`);
