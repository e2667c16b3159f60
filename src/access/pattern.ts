/**
 * Which streams a right is for: `live/cam-1`, or `*` for either part or both. Names are never joined to anything here;
 * each part is compared by itself, and `*` is the only character that is no name.
 */
import { isName, type Name } from "../base/name.ts";

export interface StreamPattern {
	/** Undefined: any. */
	readonly app: Name | undefined;
	readonly stream: Name | undefined;
}

/** Undefined where the text is none. */
export function parsePattern(text: string): StreamPattern | undefined {
	const [app, stream, ...more] = text.split("/", 3);
	if (app === undefined || stream === undefined || more.length > 0) return undefined;
	if ((app !== "*" && !isName(app)) || (stream !== "*" && !isName(stream))) return undefined;
	return { app: app === "*" ? undefined : app, stream: stream === "*" ? undefined : stream };
}

export const patternHas = (pattern: StreamPattern, app: Name, stream: Name): boolean =>
	(pattern.app ?? app) === app && (pattern.stream ?? stream) === stream;
