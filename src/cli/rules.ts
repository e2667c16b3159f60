/** `penstock rules`: looks at the rules of a running server, and changes them. */
import { readFileSync } from "node:fs";
import { type Command, InvalidArgumentError } from "commander";
import { messageOf } from "../base/errors.ts";
import type { RuleDetail, RuleSummary } from "../server/api-distribution-model.ts";
import { RULE_MEDIA } from "../server/distribution-terms.ts";
import { nodeClock } from "../server/node-time.ts";
import { ApiCaller } from "./api-caller.ts";
import { type Endpoint, endpointIn, httpUrl, nameValue } from "./argument-values.ts";
import { ruleLines, rulesTable } from "./rule-tables.ts";
import { type RuleAddition, withReceivers } from "./rules-add.ts";
import { watchRules } from "./rules-watch.ts";
import { watchSignals } from "./signals.ts";

interface WithApi {
	readonly api: URL;
	/** What is in it. */
	readonly tokenFile?: string | undefined;
	readonly json?: boolean;
}

const LOCAL_API = "http://127.0.0.1:9998";

export function addRules(program: Command, done: (code: number) => void): void {
	const rules = program.command("rules").description("look at the rules of a running server, and change them");
	const command = (text: string, description: string): Command =>
		rules
			.command(text)
			.description(description)
			.option("--api <url>", "of the server", httpUrl(LOCAL_API), new URL(LOCAL_API))
			.option("--token-file <file>", "with the API's token, where it asks for one", tokenIn)
			.option("--json", "as JSON");
	command("ls", "list the rules").action(async ({ json, ...server }: WithApi) => {
		const answer = await callerOf(server).call<{ readonly rules: readonly RuleSummary[] }>({ path: "/api/v1/rules" });
		print(json === true ? JSON.stringify(answer) : rulesTable(answer.rules));
		done(0);
	});
	command("show", "show one rule, with its receivers")
		.argument("<name>", "of the rule", nameValue)
		.action(async (name: string, { json, ...server }: WithApi) => {
			done(tell(await callerOf(server).call<RuleDetail>({ path: pathOf(name) }), json));
		});
	addAdd(command, done);
	command("rm", "delete a rule, or take receivers out of it")
		.argument("<name>", "of the rule", nameValue)
		.option("--to <endpoint...>", "receivers to take out, such as 10.0.0.2:6000", endpoints, [])
		.action(async (name: string, { json, to, ...server }: WithApi & { readonly to: readonly Endpoint[] }) => {
			const caller = callerOf(server);
			if (to.length === 0) {
				await caller.call({ method: "DELETE", path: pathOf(name) });
				done(0);
			} else {
				const call = { method: "PATCH", path: pathOf(name), body: { remove: to } } as const;
				done(tell(await caller.call<RuleDetail>(call), json));
			}
		});
	command("watch", "tell once a second what each rule gets and sends, until Ctrl-C; with --json a line a second")
		.option("--for <seconds>", "end after so long", seconds)
		.action(async ({ json, for: forS, ...server }: WithApi & { readonly for?: number }) => {
			const clock = nodeClock();
			const signals = watchSignals();
			const { promise: ended, resolve: end } = Promise.withResolvers<void>();
			void signals.first.then(() => end());
			const timer = forS === undefined ? undefined : clock.after(forS * 1000, end);
			try {
				await watchRules(callerOf(server), { asJson: json === true, clock, ended });
			} finally {
				timer?.cancel();
				signals.forget();
			}
			done(0);
		});
}

type AddArguments = WithApi & Omit<RuleAddition, "name">;

function addAdd(command: (text: string, description: string) => Command, done: (code: number) => void): void {
	command("add", "make a rule, or add receivers to one that is there")
		.argument("<name>", "of the rule", nameValue)
		.option("--match <endpoint>", "the packets' destination, such as 10.0.0.1:5004", endpoint)
		.option("--media <kind>", `what they are: ${RULE_MEDIA.join(", ")}`, media)
		.option("--vlan <id>", "the packets' VLAN", numberFrom(1, 4094))
		.option("--from <address>", "take them from this publisher alone; with its port: 10.0.0.9:5004", source)
		.option("--permanent", "keep it in a distributor that outlives this server")
		.option("--to <endpoint...>", "receivers, such as 10.0.0.2:6000 or [fd00::2]:6000", endpoints, [])
		.option("--ttl <hops>", "of what is sent", numberFrom(1, 255))
		.option("--dscp <class>", "of what is sent", numberFrom(0, 63))
		.option("--to-vlan <id>", "of what is sent", numberFrom(1, 4094))
		.option("--source-port <port>", "of what is sent; else that of --match", numberFrom(1, 65_535))
		.option("--max-packets <number>", "a second, to each receiver", numberFrom(1, 1e9))
		.option("--max-bits <number>", "a second, to each receiver", numberFrom(1000, 1e12))
		.action(async (name: string, { api, tokenFile, json, ...rest }: AddArguments) => {
			done(tell(await withReceivers(callerOf({ api, tokenFile }), { ...rest, name }), json));
		});
}

/** @returns the exit code: 1 where the engine does not carry the rule out */
function tell(rule: RuleDetail, asJson = false): number {
	print(asJson ? JSON.stringify(rule) : ruleLines(rule));
	return rule.fault === undefined ? 0 : 1;
}

const callerOf = ({ api, tokenFile }: WithApi): ApiCaller => new ApiCaller(api, tokenFile);

const print = (text: string): void => void process.stdout.write(`${text}\n`);

const pathOf = (name: string): string => `/api/v1/rules/${name}`;

/** @returns what is in the file */
function tokenIn(file: string): string {
	try {
		return readFileSync(file, "utf8").trim();
	} catch (thrown) {
		throw new InvalidArgumentError(messageOf(thrown));
	}
}

function endpoint(text: string): Endpoint {
	const read = endpointIn(text);
	if (read !== undefined) return read;
	throw new InvalidArgumentError("it is an address and a port, such as 10.0.0.2:6000 or [fd00::2]:6000");
}

const endpoints = (text: string, before: readonly Endpoint[]): Endpoint[] => [...before, endpoint(text)];

function source(text: string): Partial<Endpoint> & Pick<Endpoint, "address"> {
	if (/^[0-9.]+$|^[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text)) return { address: text };
	const read = endpointIn(text);
	if (read !== undefined) return read;
	throw new InvalidArgumentError("it is an address, such as 10.0.0.9, perhaps with a port");
}

function media(text: string): string {
	if (RULE_MEDIA.some((one) => one === text)) return text;
	throw new InvalidArgumentError(`it is one of ${RULE_MEDIA.join(", ")}`);
}

const numberFrom =
	(min: number, max: number) =>
	(text: string): number => {
		const value = /^\d{1,13}$/.test(text) ? Number(text) : Number.NaN;
		if (value >= min && value <= max) return value;
		throw new InvalidArgumentError(`it is a whole number from ${min} to ${max}`);
	};

function seconds(text: string): number {
	const value = /^\d{1,9}(?:\.\d+)?$/.test(text) ? Number(text) : 0;
	if (value > 0) return value;
	throw new InvalidArgumentError("it is a number of seconds above 0");
}
