/**
 * The path of a media request: `/{app}/{stream}.{extension}`, with `.live.{extension}` as an alias that users of other
 * servers know.
 */
import { type Name, parseName } from "../base/name.ts";

export interface MediaPath {
	readonly app: Name;
	readonly stream: Name;
	/** Lower case, without the dot. */
	readonly extension: string;
}

const SHAPE = /^\/([^/]+)\/([^/]+?)(?:\.live)?\.([A-Za-z0-9]{1,8})$/;

/**
 * @param pathname as it came, not decoded: a valid name needs no escape, so `%2e` and its kin are no names
 * @returns undefined where the path is not of this shape
 * @throws PenstockError NAME_INVALID
 */
export function parseMediaPath(pathname: string): MediaPath | undefined {
	const match = SHAPE.exec(pathname);
	if (match === null) return undefined;
	return {
		app: parseName(match[1]!, "the app"),
		stream: parseName(match[2]!, "the stream"),
		extension: match[3]!.toLowerCase(),
	};
}

/** The page on which a browser shows a channel. @param channel its path, `/{app}/{stream}` */
export const watchPath = (channel: string): string => `/play${channel}`;

const WATCH_SHAPE = /^\/play\/([^/]+)\/([^/]+)$/;

/**
 * @param pathname as it came, not decoded
 * @returns undefined where the path is of no watch page
 * @throws PenstockError NAME_INVALID
 */
export function parseWatchPath(pathname: string): Omit<MediaPath, "extension"> | undefined {
	const match = WATCH_SHAPE.exec(pathname);
	if (match === null) return undefined;
	return { app: parseName(match[1]!, "the app"), stream: parseName(match[2]!, "the stream") };
}
