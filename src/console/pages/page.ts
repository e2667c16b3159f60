/** What the frame knows of a page, and a page of the frame. */
import type { TemplateResult } from "lit-html";
import type { Notices } from "../notices.ts";
import type { Observations } from "../observations.ts";

export interface Page {
	/** For the window and its first heading; may become known only with the first answer. */
	readonly title: string;
	/**
	 * Asks for what this page needs besides what all need; once a second.
	 * @throws ApiProblem when there is no answer
	 */
	refresh(signal: AbortSignal): Promise<void>;
	/** What there is to see now. */
	view(): TemplateResult;
	/** The page is left: pictures and charts end. */
	close(): void;
}

export interface PageContext {
	readonly seen: Observations;
	readonly notices: Notices;
	/** Something has changed that is to be seen. */
	readonly draw: () => void;
	/** Something has changed at the server: asks it at once. */
	readonly again: () => void;
}
