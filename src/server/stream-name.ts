/** A stream's two parts, and how they are written together. */
import type { Name } from "../base/name.ts";

export interface StreamName {
	readonly app: Name;
	readonly stream: Name;
}

/** @returns `app/stream`: the key of maps, and the channel's name in messages */
export const labelOf = ({ app, stream }: { readonly app: string; readonly stream: string }): string =>
	`${app}/${stream}`;
