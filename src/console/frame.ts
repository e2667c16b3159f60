/** What stands around every page: the name, the ways to the pages, how the server is, what is wrong with it. */
import { html, nothing, type TemplateResult } from "lit-html";
import { countText, UNKNOWN } from "./figure-text.ts";
import type { Observations } from "./observations.ts";
import { hashOf, type Route } from "./route.ts";

const PAGES: readonly { readonly name: string; readonly route: Exclude<Route, { kind: "unknown" }> }[] = [
	{ name: "Overview", route: { kind: "overview" } },
	{ name: "Publishers", route: { kind: "publishers" } },
	{ name: "Viewers", route: { kind: "viewers", channel: undefined } },
	{ name: "Wall", route: { kind: "wall", channel: undefined } },
	{ name: "Distribution", route: { kind: "distribution" } },
	{ name: "Counters", route: { kind: "counters" } },
];

/** Which of the pages in the head stands for this one. */
const OVER: Readonly<Record<string, string>> = { channel: "overview", viewer: "viewers", rule: "distribution" };

export function frame(route: Route, seen: Observations, page: TemplateResult, notice: TemplateResult): TemplateResult {
	const toPage = (event: Event): void => {
		event.preventDefault();
		document.querySelector<HTMLElement>("main h1")?.focus();
	};
	return html`<a class="skip" href="#main" @click=${toPage}>Skip to the page</a>
		<header>
			<a class="brand" href="#/">${mark} Penstock</a>
			<nav aria-label="Pages">
				${PAGES.map(({ name, route: to }) => {
					const current = to.kind === (OVER[route.kind] ?? route.kind);
					return html`<a href=${hashOf(to)} aria-current=${current ? "page" : nothing}>${name}</a>`;
				})}
			</nav>
			${serverState(seen)}
		</header>
		<main id="main" class=${seen.problem === undefined ? "" : "stale"}>${troubles(seen)} ${page}</main>
		${notice}`;
}

function serverState({ server, problem }: Observations): TemplateResult {
	const [mood, text] =
		problem !== undefined
			? ["bad", "no answer"]
			: server === undefined
				? ["calm", "…"]
				: server.draining
					? ["watch", "draining"]
					: ["good", "live"];
	return html`<p class="server">
		<span class="badge" data-mood=${mood}>${text}</span>
		<span><b>${countText(server?.viewers)}</b> ${server?.viewers === 1 ? "viewer" : "viewers"}</span>
		${server?.players ? html`<span class="wide"><b>${countText(server.players)}</b> by RTSP</span>` : nothing}
		<span class="hint wide">${server?.policy ?? UNKNOWN} · ${server?.version ?? UNKNOWN}</span>
	</p>`;
}

function troubles({ server, problem }: Observations): TemplateResult {
	const duress = server?.machine.duress;
	return html`<div class="troubles" role="alert">
		${
			problem === undefined
				? nothing
				: html`<p class="trouble" data-mood="bad"><b>${problem}</b> Trying again. What you see is the last that is known.</p>`
		}
		${
			duress === undefined || problem !== undefined
				? nothing
				: html`<p class="trouble" data-mood="bad">
					<b>Under duress:</b> ${duress.level === "shed" ? "the best rendition is withdrawn" : "nobody goes up"}, for
					${duress.text}.
				</p>`
		}
		${
			problem === undefined
				? (server?.troubles ?? [])
						.filter((trouble) => duress === undefined || !trouble.includes(duress.text))
						.map((trouble) => html`<p class="trouble" data-mood="watch">${trouble}</p>`)
				: nothing
		}
	</div>`;
}

/** A pipe with water in it. */
const mark = html`<svg viewBox="0 0 24 24" aria-hidden="true">
	<path d="M3 5h7l7 10h4" />
	<path d="M3 11h4l6 9h8" />
	<path class="water" d="M3 8h5.500l6.500 9.500h6" />
</svg>`;
