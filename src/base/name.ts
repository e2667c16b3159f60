/**
 * The one type for names of apps, streams and renditions. Whatever a peer sends is checked here once, before any use,
 * so that no name can be a path, an option, a pattern or markup.
 */
import { PenstockError } from "./errors.ts";

declare const checked: unique symbol;
/** `[A-Za-z0-9_-]`, 1 to 128 characters, not starting with `-`. */
export type Name = string & { readonly [checked]: "name" };

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,127}$/;

export const isName = (text: string): text is Name => NAME.test(text);

/** @throws PenstockError NAME_INVALID; `what` says what the name is for. */
export function parseName(text: string, what: string): Name {
	if (isName(text)) return text;
	const shown = JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
	throw new PenstockError(
		"NAME_INVALID",
		`${what} ${shown} must be 1 to 128 of the characters A-Z a-z 0-9 _ - and not start with "-".`,
	);
}
