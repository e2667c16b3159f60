/** What an operator does to a rule's receivers; what came of it is told. */
import { endpointText, type ReceiverKey } from "../wire/distributor-rule.ts";
import type { ApiClient } from "./api-client.ts";
import { confirm } from "./confirmation.ts";
import type { WholeRuleAnswer } from "./distribution-answers.ts";
import type { Notices } from "./notices.ts";

export class RuleCommands {
	readonly #api: ApiClient;
	readonly #notices: Notices;

	constructor(api: ApiClient, notices: Notices) {
		this.#api = api;
		this.#notices = notices;
	}

	/** Resolves with whether it was done. @param where `10.0.0.2:6000`, `[fd00::2]:6000`; the server judges it */
	async add(rule: string, where: string): Promise<boolean> {
		const asked = this.#api.patch<WholeRuleAnswer>(pathOf(rule), { add: [endpointOf(where)] });
		return (await this.#notices.tell(asked, `${where} gets the packets of ${rule}.`)) !== undefined;
	}

	/** Asks first. */
	async remove(rule: string, receiver: ReceiverKey): Promise<void> {
		const where = endpointText(receiver);
		const yes = await confirm({
			title: "Remove this receiver?",
			text: `${where} gets no packet of ${rule} any more.`,
			action: "Remove the receiver",
		});
		if (!yes) return;
		const { address, port, vlan } = receiver;
		const key = { address, port, ...(vlan !== undefined && { vlan }) };
		await this.#notices.tell(
			this.#api.patch<WholeRuleAnswer>(pathOf(rule), { remove: [key] }),
			`${where} was removed from ${rule}.`,
		);
	}
}

const pathOf = (rule: string): string => `rules/${encodeURIComponent(rule)}`;

/** What is no endpoint goes as it is: the server says what is wrong with it. */
function endpointOf(text: string): unknown {
	const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:[\]]+)):(\d+)$/.exec(text.trim()) ?? [];
	return port === undefined ? text : { address: bracketed ?? plain, port: Number(port) };
}
