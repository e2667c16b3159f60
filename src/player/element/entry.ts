/** What `penstock/player/element` exports. Loading it defines `<penstock-player>`. */
import { PenstockPlayerElement } from "./player-element.ts";

export type { PlayerElementEvents } from "./player-element.ts";
export { PenstockPlayerElement };

const NAME = "penstock-player";

declare global {
	interface HTMLElementTagNameMap {
		[NAME]: PenstockPlayerElement;
	}
}

// Two copies of this module in a page are one too many, but no reason to fail; outside of a browser there is none.
if (globalThis.customElements?.get(NAME) === undefined) globalThis.customElements?.define(NAME, PenstockPlayerElement);
