/** What `penstock/player` exports: the player without an element. `element/entry.ts` is the element. */
export type { ChannelDescription, DescribedRendition } from "../wire/channel-description.ts";
export { Player } from "./player.ts";
export type * from "./player-model.ts";
