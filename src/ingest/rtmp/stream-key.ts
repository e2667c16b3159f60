/**
 * Which stream a publisher means, and by what right: from the forms in which OBS, FFmpeg, GStreamer and others send
 * `rtmp://host/{app}/{stream}?token=…`. The query stands behind the stream's name, behind the app or in `tcUrl`; the app
 * may be empty and the name hold both; slashes may stand where none are needed.
 */
import { PenstockError } from "../../base/errors.ts";
import { type Name, parseName } from "../../base/name.ts";
import type { AccessRequest } from "../../wire/access.ts";

export interface StreamKey {
	readonly app: Name;
	readonly stream: Name;
	readonly credentials: AccessRequest["credentials"];
}

/** Longer ones are nobody's key. */
const LONGEST_KEY = 8192;

/**
 * @param app of the command `connect`
 * @param tcUrl of the same; empty where there is none
 * @param name of the command `publish`
 * @throws PenstockError NAME_INVALID; it quotes names and no query
 */
export function parseStreamKey(app: string, tcUrl: string, name: string): StreamKey {
	if (app.length + tcUrl.length + name.length > LONGEST_KEY) {
		throw new PenstockError("NAME_INVALID", `the stream's key is longer than ${LONGEST_KEY} characters.`);
	}
	const [fromApp, fromName, fromUrl] = [app, name, tcUrl].map(splitQuery) as [Split, Split, Split];
	const parts = `${fromApp.before}/${fromName.before}`.split("/").filter((part) => part !== "");
	if (parts.length !== 2) {
		throw new PenstockError(
			"NAME_INVALID",
			`the stream's path has ${parts.length} parts, not two; publish to rtmp://host/{app}/{stream}.`,
		);
	}
	// What is closest to the stream's name comes first, which is what counts where a parameter comes twice.
	const query = [fromName, fromApp, fromUrl].map(({ query }) => query).filter((text) => text !== "");
	return {
		app: parseName(parts[0]!, "the app"),
		stream: parseName(parts[1]!, "the stream"),
		credentials: {
			...(query.length > 0 && { query: new URLSearchParams(query.join("&")) }),
			...userOf(fromUrl.before),
		},
	};
}

interface Split {
	readonly before: string;
	readonly query: string;
}

function splitQuery(text: string): Split {
	const at = text.indexOf("?");
	return at < 0 ? { before: text, query: "" } : { before: text.slice(0, at), query: text.slice(at + 1) };
}

/** `rtmp://user:password@host/…`, where a client sends it on. */
function userOf(tcUrl: string): { user?: string; password?: string } {
	const match = /^[a-z]+:\/\/([^/@:]*)(?::([^/@]*))?@/i.exec(tcUrl);
	if (match === null) return {};
	const [, user = "", password] = match;
	return { user: unescaped(user), ...(password !== undefined && { password: unescaped(password) }) };
}

function unescaped(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text; // a percent sign that is meant
	}
}
