/** Small parts of pages. */
import { html, nothing, type TemplateResult } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import type { ChannelAnswer, ChannelState } from "./api-answers.ts";

type Content = TemplateResult | string | number | typeof nothing;

/** A name and its value, as a row of a `<dl>`. */
export const fact = (name: string, value: Content, hint: Content = nothing): TemplateResult =>
	html`<div class="fact">
		<dt>${name}</dt>
		<dd>${value}${hint === nothing ? nothing : html` <span class="hint">${hint}</span>`}</dd>
	</div>`;

export type Mood = "good" | "watch" | "bad" | "calm";

/** A state in a word; the colour only repeats it. */
export const badge = (text: string, mood: Mood): TemplateResult =>
	html`<span class="badge" data-mood=${mood}>${text}</span>`;

const MOODS: Readonly<Record<ChannelState, Mood>> = {
	running: "good",
	starting: "watch",
	"backing-off": "watch",
	failing: "bad",
	failed: "bad",
	stopped: "calm",
	ended: "calm",
};

export const stateBadge = ({ state, onDemand }: ChannelAnswer): TemplateResult =>
	badge(state === "stopped" && onDemand ? "on demand" : state, MOODS[state]);

const INKS = 6;

/** The custom property with a rendition's colour, by its place from the best. */
export const inkOf = (place: number): string => `--rendition-${Math.max(0, place) % INKS}`;

/** A rendition's name in its colour; a new name comes with a short light. */
export function renditionChip(name: string | undefined, channel: ChannelAnswer | undefined): TemplateResult {
	const place = channel?.renditions.findIndex((rendition) => rendition.name === name) ?? -1;
	const chip = html`<span class="chip" data-place=${place < 0 ? nothing : place % INKS}>${name ?? "–"}</span>`;
	return html`${keyed(name, chip)}`;
}

/** A table that a narrow window scrolls sideways, by keyboard, too. */
export const scrolling = (label: string, table: TemplateResult): TemplateResult =>
	html`<div class="scroll" role="region" tabindex="0" aria-label=${label}>${table}</div>`;

/** Where there is nothing to show, and why. */
export const emptyState = (text: Content): TemplateResult => html`<p class="empty">${text}</p>`;
