/** The model behind the API's routes for the distribution plane, on the real one. */
import { PenstockError } from "../base/errors.ts";
import type { RuleLimits } from "../distribution/rule-limits.ts";
import type { EngineLimits, ReceiverStats, RuleStats } from "../wire/distributor-answer.ts";
import { type Rule, receiverKey } from "../wire/distributor-rule.ts";
import type {
	DistributionModel,
	DistributionSnapshot,
	ReceiverSnapshot,
	RuleChange,
	RuleDetail,
	RuleSummary,
} from "./api-distribution-model.ts";
import type { DistributionHost } from "./distribution-host.ts";

const NO_TRAFFIC = { packets: 0, bytes: 0 };
/** Of rules with a fault, so many are told by name. */
const MOST_FAULTS_TOLD = 5;

export class HostedDistribution implements DistributionModel {
	readonly #host: DistributionHost;

	constructor(host: DistributionHost) {
		this.#host = host;
	}

	async snapshot(): Promise<DistributionSnapshot> {
		const host = this.#host;
		const { choice, description, state, trouble, table } = host;
		const { uptimeMs, cpuMs, received, sent, passed, drops } = await host.stats();
		return {
			engine: {
				wanted: host.config.engine,
				kind: choice.engine.kind,
				backend: description.backend,
				state: state.kind,
				because: choice.because,
				refused: [...choice.refused],
				...(trouble !== undefined && { trouble }),
				version: description.version,
				instance: description.instance,
				restarts: host.restarts,
			},
			...{ uptimeMs, cpuMs, received, sent, passed, drops },
			limits: limitsOf(table.limits, description.limits),
			...table.size,
		};
	}

	async rules(): Promise<readonly RuleSummary[]> {
		const { table } = this.#host;
		const stats = new Map((await this.#host.stats()).rules.map((one) => [one.name, one]));
		return table.list().map((rule) => ({
			...this.#facts(rule, stats.get(rule.name)),
			receivers: rule.receivers.length + table.tapsOf(rule.name).length,
		}));
	}

	async rule(name: string): Promise<RuleDetail> {
		this.#existing(name);
		const [stats] = (await this.#host.stats(name)).rules;
		// It may have gone meanwhile.
		const rule = this.#existing(name);
		const figures = new Map(stats?.receivers?.map((one) => [receiverKey(one), one]));
		const own = rule.receivers.map((receiver) => receiverOf(receiver, figures.get(receiverKey(receiver))));
		const taps = this.#host.table.tapsOf(name).map(({ receiver, owner }) => ({
			...receiverOf(receiver, figures.get(receiverKey(receiver))),
			owner,
		}));
		return { ...this.#facts(rule, stats), receivers: [...own, ...taps] };
	}

	async put(name: string, body: unknown, change: RuleChange) {
		const { table } = this.#host;
		if (!isFields(body)) throw notFields("the rule");
		if ("name" in body) throw unfit("name stands in the path, and not in the body");
		if ("generation" in body) throw unfit("generation is the server's; send If-Match to change what you have seen");
		const made = table.get(name) === undefined;
		table.put({ ...body, name }, change);
		await this.#host.settled();
		return { rule: await this.rule(name), made };
	}

	async patch(name: string, body: unknown, change: RuleChange): Promise<RuleDetail> {
		if (!isFields(body)) throw notFields("the change");
		const { add, remove, ...others } = body;
		const [other] = Object.keys(others);
		if (other !== undefined) throw unfit(`${other.slice(0, 100)} is an unknown key; known are add, remove`);
		if (add === undefined && remove === undefined) throw unfit("add or remove must be there");
		this.#host.table.changeReceivers(name, { add, remove }, change);
		await this.#host.settled();
		return await this.rule(name);
	}

	async delete(name: string, change: RuleChange): Promise<void> {
		this.#host.table.delete(name, change);
		await this.#host.settled();
	}

	get down(): string | undefined {
		const { down } = this.#host;
		return down === undefined ? undefined : `packets are not distributed: ${down}`;
	}

	get troubles(): readonly string[] {
		const { choice, config, trouble } = this.#host;
		const named = "device" in config.distributor && config.distributor.device !== undefined;
		const refused = choice.refused.filter(({ kind }) => kind === "dpdk" && named);
		const faults = this.#host.faults();
		const more = faults.length - MOST_FAULTS_TOLD;
		return [
			...(trouble === undefined ? [] : [`distribution: ${trouble}`]),
			...refused.map(
				({ why }) => `distribution: engine dpdk does not work here (${why}); ${choice.kind} does its work`,
			),
			...faults.slice(0, MOST_FAULTS_TOLD).map(({ rule, text }) => `rule ${rule} is not carried out: ${text}`),
			...(more > 0 ? [`and ${more} more rules are not carried out`] : []),
		];
	}

	#existing(name: string): Rule {
		const rule = this.#host.table.get(name);
		if (rule !== undefined) return rule;
		const asked = JSON.stringify(name.slice(0, 100));
		throw new PenstockError("RULE_NOT_FOUND", `there is no rule ${asked}; /api/v1/rules lists those that there are.`);
	}

	#facts(rule: Rule, stats: RuleStats | undefined): Omit<RuleSummary, "receivers"> {
		const { name, generation, match, media, permanent } = rule;
		const fault = this.#host.faultOf(name);
		return {
			...{ name, generation, origin: this.#host.table.originOf(name)!, match, media, permanent },
			...(fault !== undefined && { fault }),
			received: stats?.received ?? NO_TRAFFIC,
			sent: stats?.sent ?? NO_TRAFFIC,
			drops: stats?.drops ?? {},
		};
	}
}

const receiverOf = (receiver: Rule["receivers"][number], stats: ReceiverStats | undefined): ReceiverSnapshot => ({
	...receiver,
	packets: stats?.packets ?? 0,
	bytes: stats?.bytes ?? 0,
	drops: stats?.drops ?? {},
	state: stats?.state ?? "unresolved",
});

function limitsOf({ allowedNetworks, ...table }: RuleLimits, engine: EngineLimits): DistributionSnapshot["limits"] {
	return {
		...table,
		rules: Math.min(table.rules, engine.rules),
		receiversPerRule: Math.min(table.receiversPerRule, engine.receiversPerRule),
		receivers: Math.min(table.receivers, engine.receivers),
		allowedNetworks: allowedNetworks.map(({ text }) => text),
	};
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
	typeof value === "object" && value !== null && !Array.isArray(value);

const unfit = (why: string): PenstockError => new PenstockError("RULE_INVALID", `${why}.`);
const notFields = (what: string): PenstockError => unfit(`${what} must be a map of keys and values, in JSON`);
