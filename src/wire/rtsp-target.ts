/**
 * The URL of a request: `rtsp://host/{app}/{stream}`, a track's with its control behind. Where a URL has a query
 * (`?token=…`), clients put a track's control behind either of the two: `/live/cam/trackID=0?token=x` and
 * `/live/cam?token=x/trackID=0` are the same.
 */
import { isName, type Name } from "../base/name.ts";
import { fault, type Read, read } from "./rtsp-fields.ts";
import { shownValue } from "./viewer-report.ts";

export interface RtspTarget {
	readonly app: Name;
	readonly stream: Name;
	/** What stands behind the stream's name, without a slash at either end; "" for the stream itself. */
	readonly control: string;
	/** Without the question mark. May have a track's control at its end: see `controlsOf`. */
	readonly query: string;
	/** The URL of the stream itself, without query: `rtsp://host:8554/live/cam`. */
	readonly base: string;
}

/** Names are not decoded: a valid one needs no escape. User and password are no part of what is asked for. */
const SHAPE =
	/^(rtsps?):\/\/(?:[^/?#@]*@)?([A-Za-z0-9.:_[\]-]{1,260})\/([^/?#]*)\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i;

export function readTarget(text: string): Read<RtspTarget> {
	const match = SHAPE.exec(text);
	if (match === null) {
		return fault(
			"RTSP_MALFORMED",
			`${shownValue(withoutQuery(text))} is no URL of the form rtsp://host/{app}/{stream}.`,
		);
	}
	const [, scheme = "", host = "", app = "", stream = "", control = "", query = ""] = match;
	if (!isName(app) || !isName(stream)) {
		const wrong = isName(app) ? `the stream ${shownValue(stream)}` : `the app ${shownValue(app)}`;
		return fault("NAME_INVALID", `${wrong} must be 1 to 128 of the characters A-Z a-z 0-9 _ - and not start with "-".`);
	}
	const base = `${scheme.toLowerCase()}://${host}/${app}/${stream}`;
	return read({ app, stream, control: control.replace(/\/$/, ""), query, base });
}

/** What the target may name as its track: the most likely first. "" is the stream itself. */
export function controlsOf({ control, query }: RtspTarget): readonly string[] {
	const slash = query.lastIndexOf("/");
	const behindQuery = slash < 0 ? [] : [query.slice(slash + 1)];
	return control === "" ? [...behindQuery, ""] : [control];
}

/** The query as it was asked for, without a track's control behind it. */
export const queryWithout = ({ query }: RtspTarget, control: string): string =>
	control !== "" && query.endsWith(`/${control}`) ? query.slice(0, -control.length - 1) : query;

/** A query may hold a token: it goes into no message. */
const withoutQuery = (text: string): string => text.replace(/\?.*$/s, "?…").replace(/\/\/[^/@]*@/, "//…@");
