/** One rule: what it takes, who gets it and how much, and what an operator may do about that. */
import { html, nothing, type TemplateResult } from "lit-html";
import { destinationKey } from "../../wire/distributor-rule.ts";
import { ApiProblem } from "../api-client.ts";
import type { ReceiverAnswer, WholeRuleAnswer } from "../distribution-answers.ts";
import { dropCounts, dropTable } from "../drop-table.ts";
import { bitrateText, countText, packetRateText } from "../figure-text.ts";
import { badge, emptyState, fact } from "../parts.ts";
import { Rates } from "../rates.ts";
import { receiverCounts, receiverList } from "../receiver-list.ts";
import { RuleCommands } from "../rule-commands.ts";
import { matchText, trafficCounts } from "../rule-list.ts";
import type { Page, PageContext } from "./page.ts";

/** A rule may have thousands of receivers: the first of those that were looked for are shown. */
const MOST_ROWS = 100;
/** The rule's own figures among the rates; no receiver's key looks like it. */
const RULE = "rule";
const DROPS = "drops";

const COMES_FROM: Readonly<Record<WholeRuleAnswer["origin"], string>> = {
	config: "the configuration",
	"run-time": "a command or the API",
	session: "an RTSP session",
};
/** Why it cannot be changed here. */
const FIXED: Readonly<Partial<typeof COMES_FROM>> = {
	config: "This rule is changed in the configuration.",
	session: "This rule is that of an RTSP session, and goes with it.",
};

export class Rule implements Page {
	readonly title: string;
	readonly #context: PageContext;
	readonly #name: string;
	readonly #commands: RuleCommands;
	readonly #rates = new Rates();
	#rule: WholeRuleAnswer | undefined;
	#gone = false;
	#search = "";
	#adding = false;

	constructor(context: PageContext, name: string) {
		this.#context = context;
		this.#name = name;
		this.#commands = new RuleCommands(context.seen.api, context.notices);
		this.title = `Rule ${name}`;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		const { api, clock } = this.#context.seen;
		// Not asked again every second: the list of rules shows when it is back.
		if (this.#gone) return;
		try {
			this.#rule = await api.get<WholeRuleAnswer>(`rules/${encodeURIComponent(this.#name)}`, signal);
		} catch (error) {
			if (!(error instanceof ApiProblem && error.status === 404)) throw error;
			this.#gone = true;
			return;
		}
		this.#rates.note(
			clock.now(),
			new Map([
				[RULE, trafficCounts(this.#rule)],
				[DROPS, dropCounts(this.#rule.drops)],
				...this.#rule.receivers.map((receiver) => [destinationKey(receiver), receiverCounts(receiver)] as const),
			]),
		);
	}

	view(): TemplateResult {
		const rule = this.#rule;
		if (rule === undefined) {
			const text = this.#gone ? "There is no such rule; it may have been deleted." : "Waiting for the API …";
			return html`<h1 tabindex="-1">${this.title}</h1>
				${emptyState(html`${text} <a href="#/distribution">Go to the rules.</a>`)}`;
		}
		return html`<h1 tabindex="-1">${this.title} ${this.#gone ? badge("was deleted", "calm") : nothing}</h1>
			${this.#facts(rule)}
			<section aria-labelledby="receivers">
				<h2 id="receivers">Receivers</h2>
				${this.#receivers(rule)}
			</section>
			<section aria-labelledby="drops">
				<h2 id="drops">What was not sent, and why</h2>
				${dropTable("Packets and copies that were not sent", rule.drops, this.#rates.of(DROPS))}
			</section>`;
	}

	close(): void {}

	#facts(rule: WholeRuleAnswer): TemplateResult {
		const [inPackets, inBits, outPackets, outBits] = this.#rates.of(RULE) ?? [];
		return html`<section aria-labelledby="rule">
			<h2 id="rule" class="unseen">Rule</h2>
			<dl class="facts">
				${fact("Takes", matchText(rule.match))} ${fact("Media", rule.media)}
				${fact("Comes from", COMES_FROM[rule.origin])}
				${fact("Lives", rule.permanent ? "without this server, too" : "with this server")}
				${fact("In", packetRateText(inPackets), bitrateText(inBits))}
				${fact("Out", packetRateText(outPackets), bitrateText(outBits))}
				${fact("Packets in", countText(rule.received.packets))} ${fact("Copies out", countText(rule.sent.packets))}
			</dl>
			${rule.fault === undefined ? nothing : html`<p class="error">The engine does not carry it out: ${rule.fault}</p>`}
		</section>`;
	}

	#receivers(rule: WholeRuleAnswer): TemplateResult {
		const changeable = rule.origin === "run-time" && !this.#gone;
		const found = rule.receivers.filter(({ address, port }) => `${address} ${port}`.includes(this.#search));
		const shown = found.slice(0, MOST_ROWS);
		const remove = (receiver: ReceiverAnswer): void => void this.#remove(receiver);
		const empty = rule.receivers.length === 0 ? "Nobody gets these packets." : "No receiver fits this search.";
		return html`<div class="filter">
				${rule.receivers.length > 1 ? this.#filter() : nothing} ${changeable ? this.#addition() : nothing}
			</div>
			${shown.length === 0 ? emptyState(empty) : receiverList(shown, this.#rates, changeable ? remove : undefined)}
			<p class="hint">
				${found.length > shown.length ? `The first ${countText(shown.length)} of ${countText(found.length)}. ` : nothing}
				${FIXED[rule.origin] ?? nothing}
			</p>`;
	}

	#filter(): TemplateResult {
		const find = (event: Event): void => {
			this.#search = (event.target as HTMLInputElement).value.trim();
			this.#context.draw();
		};
		return html`<form role="search" @submit=${(event: Event) => event.preventDefault()}>
			<label>
				Find
				<input type="search" placeholder="address, port" .value=${this.#search} @input=${find} />
			</label>
		</form>`;
	}

	#addition(): TemplateResult {
		const add = (event: SubmitEvent): void => {
			event.preventDefault();
			const form = event.target as HTMLFormElement;
			const input = form.elements.namedItem("receiver") as HTMLInputElement;
			void this.#add(input);
		};
		return html`<form class="addition" @submit=${add}>
			<label>
				New receiver
				<input type="text" name="receiver" required autocomplete="off" spellcheck="false" placeholder="10.0.0.2:6000" />
			</label>
			<button ?disabled=${this.#adding}>Add</button>
		</form>`;
	}

	async #add(input: HTMLInputElement): Promise<void> {
		this.#adding = true;
		this.#context.draw();
		if (await this.#commands.add(this.#name, input.value.trim())) input.value = "";
		this.#adding = false;
		this.#context.draw();
		this.#context.again();
	}

	async #remove(receiver: ReceiverAnswer): Promise<void> {
		await this.#commands.remove(this.#name, receiver);
		this.#context.again();
	}
}
