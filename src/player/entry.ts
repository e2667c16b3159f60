/** What `penstock/player` exports. Loading it defines `<penstock-player>`. */
import { PenstockPlayerElement } from "./element/player-element.ts";

export type { ChannelDescription, DescribedRendition } from "../wire/channel-description.ts";
export type { PlayerElementEvents } from "./element/player-element.ts";
export { Player } from "./player.ts";
export type * from "./player-model.ts";
export { PenstockPlayerElement };

const NAME = "penstock-player";

declare global {
	interface HTMLElementTagNameMap {
		[NAME]: PenstockPlayerElement;
	}
}

// Two copies of this module in a page are one too many, but no reason to fail; outside of a browser there is none.
if (globalThis.customElements?.get(NAME) === undefined) globalThis.customElements?.define(NAME, PenstockPlayerElement);
