/** A list a page at a time: which part of it is shown, and buttons to turn to another. */
import { html, type TemplateResult } from "lit-html";
import { countText } from "./figure-text.ts";

export const PAGE_ROWS = 50;

/** The first row of the last page. */
export const lastPage = (total: number): number => Math.max(0, Math.ceil(total / PAGE_ROWS) - 1) * PAGE_ROWS;

/** @param first row that is shown, from 0. @param shown how many are */
export const partText = (first: number, shown: number, total: number): string =>
	`${countText(shown === 0 ? 0 : first + 1)} to ${countText(first + shown)} of ${countText(total)}`;

/** @param turnTo told the first row of the page that is wanted */
export const pageButtons = (first: number, total: number, turnTo: (row: number) => void): TemplateResult =>
	html`<button ?disabled=${first === 0} @click=${() => turnTo(Math.max(0, first - PAGE_ROWS))}>Previous</button>
		<button ?disabled=${first >= lastPage(total)} @click=${() => turnTo(first + PAGE_ROWS)}>Next</button>`;
