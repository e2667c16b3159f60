/** The choice of a limit for a viewer's connection, as a row of buttons of which one is pressed in. */
import { html, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { LIMITS, limitText } from "./viewer-commands.ts";

export interface ThrottleSettings {
	/** Of no other on the page. */
	readonly name: string;
	readonly legend: string;
	/** Undefined: none of them is pressed in. */
	readonly chosen: number | null | undefined;
	readonly disabled: boolean;
	readonly choose: (maxBps: number | null) => void;
}

export function throttle({ name, legend, chosen, disabled, choose }: ThrottleSettings): TemplateResult {
	return html`<fieldset class="segments" ?disabled=${disabled}>
		<legend>${legend}</legend>
		<div>
			${LIMITS.map(
				(limit) => html`<label>
					<input
						type="radio"
						name=${name}
						value=${String(limit)}
						.checked=${live(limit === chosen)}
						@change=${() => choose(limit)}
					/>
					<span>${limitText(limit)}</span>
				</label>`,
			)}
		</div>
	</fieldset>`;
}
