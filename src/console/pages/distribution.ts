/** Distribution of packets by rules: the engine and why it is this one, what goes through it, and every rule. */
import { html, nothing, type TemplateResult } from "lit-html";
import { ApiProblem } from "../api-client.ts";
import type { DistributionAnswer, EngineAnswer, RuleAnswer } from "../distribution-answers.ts";
import { copiesNotSent, dropCounts, dropTable } from "../drop-table.ts";
import { bitrateText, countText, packetRateText, shareText, spanText, UNKNOWN } from "../figure-text.ts";
import { type Columns, History } from "../history.ts";
import { badge, emptyState, fact, type Mood } from "../parts.ts";
import { Rates } from "../rates.ts";
import { ruleList, trafficCounts } from "../rule-list.ts";
import { sparkline } from "../sparkline.ts";
import type { Page, PageContext } from "./page.ts";

const PAGE_ROWS = 50;
/** The engine's figures among the rates; no rule is called so. */
const ENGINE = "engine: all";
const DROPS = "engine: drops";

/** The columns of the history. */
const FIGURES = ["in", "out", "outBits", "cpu", "notSent"] as const;
const column = (figure: (typeof FIGURES)[number]): number => FIGURES.indexOf(figure);

export class Distribution implements Page {
	readonly title = "Distribution";
	readonly #context: PageContext;
	readonly #rates = new Rates();
	#answer: DistributionAnswer | undefined;
	#rules: readonly RuleAnswer[] = [];
	#off = false;
	#first = 0;
	#search = "";

	constructor(context: PageContext) {
		this.#context = context;
	}

	async refresh(signal: AbortSignal): Promise<void> {
		const { api, server, clock } = this.#context.seen;
		this.#off = server?.distribution === false;
		if (this.#off) return;
		try {
			const [answer, { rules }] = await Promise.all([
				api.get<DistributionAnswer>("distribution", signal),
				api.get<{ rules: RuleAnswer[] }>("rules", signal),
			]);
			this.#note(clock.now(), answer, rules);
		} catch (error) {
			if (!(error instanceof ApiProblem && error.status === 404)) throw error;
			this.#off = true;
		}
	}

	view(): TemplateResult {
		const answer = this.#answer;
		if (this.#off || answer === undefined) {
			const text = this.#off
				? "This server distributes no packets: its configuration has no section “distribution”."
				: "Waiting for the API …";
			return html`<h1 tabindex="-1">Distribution</h1>
				${emptyState(text)}`;
		}
		return html`<h1 tabindex="-1">Distribution</h1>
			${engineSection(answer.engine, answer.uptimeMs)} ${this.#tiles(answer)} ${this.#ruleSection()}
			<section aria-labelledby="drops">
				<h2 id="drops">What was not sent, and why</h2>
				${dropTable("Packets and copies that were not sent", answer.drops, this.#rates.of(DROPS))}
			</section>`;
	}

	close(): void {}

	#note(nowMs: number, answer: DistributionAnswer, rules: readonly RuleAnswer[]): void {
		this.#answer = answer;
		this.#rules = rules;
		const engine = [...trafficCounts(answer), answer.cpuMs, copiesNotSent(answer.drops)];
		this.#rates.note(
			nowMs,
			new Map([
				[ENGINE, engine],
				[DROPS, dropCounts(answer.drops)],
				...rules.map((rule) => [rule.name, trafficCounts(rule)] as const),
			]),
		);
		const [inPackets, , outPackets, outBits, cpuMs, notSent] = this.#rates.of(ENGINE) ?? [];
		const cpu = cpuMs === undefined ? undefined : cpuMs / 1000;
		this.#history().add(this.#context.seen.clock.wall(), [inPackets, outPackets, outBits, cpu, notSent]);
	}

	#history(): History {
		return this.#context.seen.histories.open("distribution", () => new History(FIGURES.length));
	}

	#tiles(answer: DistributionAnswer): TemplateResult {
		const [inPackets, inBits, outPackets, outBits, cpuMs, notSent] = this.#rates.of(ENGINE) ?? [];
		const history = this.#history();
		const cpu = cpuMs === undefined ? undefined : cpuMs / 1000;
		const notSentInAll = `${countText(copiesNotSent(answer.drops))} in all`;
		return html`<section aria-labelledby="traffic">
			<h2 id="traffic" class="unseen">Traffic</h2>
			<dl class="tiles">
				${tile("Media in", packetRateText(inPackets), bitrateText(inBits), history, column("in"))}
				${tile("Copies out", packetRateText(outPackets), bitrateText(outBits), history, column("out"))}
				${tile("Copies not sent", packetRateText(notSent), notSentInAll, history, column("notSent"))}
				${tile("CPU", shareText(cpu), "of one core, the engine alone", history, column("cpu"))}
				${tile("Rules", countText(answer.rules), `${countText(answer.receivers)} receivers`)}
				${tile("Left to the kernel", countText(answer.passed), "packets that are no media of a rule's")}
			</dl>
		</section>`;
	}

	#ruleSection(): TemplateResult {
		const found = this.#rules.filter((rule) => fits(rule, this.#search));
		this.#first = Math.min(this.#first, lastPage(found.length));
		const shown = found.slice(this.#first, this.#first + PAGE_ROWS);
		const empty =
			this.#rules.length === 0
				? html`There are no rules yet; <code>penstock rules add</code> makes one.`
				: "No rule fits this search.";
		return html`<section aria-labelledby="rules">
			<h2 id="rules">Rules</h2>
			${this.#rules.length === 0 ? nothing : this.#filter()}
			${shown.length === 0 ? emptyState(empty) : ruleList(shown, this.#rates)}
			${found.length > PAGE_ROWS ? this.#paging(shown.length, found.length) : nothing}
		</section>`;
	}

	#filter(): TemplateResult {
		const find = (event: Event): void => {
			this.#search = (event.target as HTMLInputElement).value.trim().toLowerCase();
			this.#first = 0;
			this.#context.draw();
		};
		return html`<form class="filter" role="search" @submit=${(event: Event) => event.preventDefault()}>
			<label>
				Find
				<input type="search" placeholder="name, address, media" .value=${this.#search} @input=${find} />
			</label>
		</form>`;
	}

	#paging(shown: number, found: number): TemplateResult {
		const turn = (by: number) => (): void => {
			this.#first = Math.max(0, this.#first + by * PAGE_ROWS);
			this.#context.draw();
		};
		return html`<p class="paging">
			<span>${countText(this.#first + 1)} to ${countText(this.#first + shown)} of ${countText(found)}</span>
			<button ?disabled=${this.#first === 0} @click=${turn(-1)}>Previous</button>
			<button ?disabled=${this.#first >= lastPage(found)} @click=${turn(1)}>Next</button>
		</p>`;
	}
}

const lastPage = (total: number): number => Math.max(0, Math.ceil(total / PAGE_ROWS) - 1) * PAGE_ROWS;

/** Whether each word of the search stands in what the table shows of the rule. */
function fits({ name, match, media }: RuleAnswer, search: string): boolean {
	const text = [name, match.address, match.port, match.source?.address, media].join(" ").toLowerCase();
	return search.split(/\s+/).every((word) => text.includes(word));
}

const MOODS: Readonly<Record<EngineAnswer["state"], Mood>> = {
	up: "good",
	starting: "watch",
	ending: "watch",
	down: "bad",
	stopped: "calm",
};

function engineSection(engine: EngineAnswer, uptimeMs: number): TemplateResult {
	const { kind, backend, state, wanted, because, refused, trouble, version, restarts } = engine;
	const name = backend === kind ? kind : `${kind}, ${backend}`;
	// Its sentence has the refusals in it, which are listed below.
	const why = refused.length === 0 ? because : "the best that works here";
	return html`<section aria-labelledby="engine">
		<h2 id="engine" class="unseen">Engine</h2>
		<dl class="facts">
			${fact("Engine", html`${name} ${badge(state, MOODS[state])}`)} ${fact("Configured", wanted)}
			${fact("Why this one", why)} ${fact("Up for", state === "up" ? spanText(uptimeMs) : UNKNOWN)}
			${fact("Restarts", countText(restarts))} ${fact("Version", version)}
		</dl>
		${trouble === undefined ? nothing : html`<p class="error">${trouble}</p>`}
		${
			refused.length === 0
				? nothing
				: html`<ul class="refusals" aria-label="Engines that do not work here">
					${refused.map(({ kind: other, why }) => html`<li><b>${other}</b> does not work here: ${why}.</li>`)}
				</ul>`
		}
	</section>`;
}

/** @param figure of the history; none: without a line */
function tile(name: string, value: string, hint: string, history?: Columns, figure?: number): TemplateResult {
	return html`<div class="tile">
		<dt>${name}</dt>
		<dd>
			<span class="figure">${value}</span>
			<span class="hint">${hint}</span>
			${history === undefined || figure === undefined ? nothing : sparkline(history, figure)}
		</dd>
	</div>`;
}
