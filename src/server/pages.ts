/**
 * The pages for people, on both listeners: the console with the API, the watch page with the streams; and the player,
 * which any page may load. Each listener has its own table of paths.
 */
import type { IncomingHttpHeaders } from "node:http";
import { PenstockError } from "../base/errors.ts";
import { parseWatchPath, watchPath } from "../delivery/media-path.ts";
import type { WebFile, WebFiles } from "./web-files.ts";

/** The part of a request's head that an answer depends on. */
export type PageRequest = Pick<IncomingHttpHeaders, "if-none-match" | "accept-encoding">;

export interface PageAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** Undefined where the client has it already. */
	readonly body: Buffer | undefined;
}

const CONSOLE = "console/console.html";
const WATCH = "console/watch.html";

/** Of a channel, by `app/stream`: in the console, in all packagings side by side; and alone, with the streams. */
export const wallPage = (label: string): string => `/#/wall/${label}`;
export const watchPage = (label: string): string => watchPath(`/${label}`);

/** What nobody types: pages by another path, maps, licences, parts of a script that the build has named. */
const NOT_ASKED_FOR = /\.(html|map|txt)$|-[A-Z0-9]{8}\.js$/;

/** @param frameAncestors whose pages may show this one within them */
const policyOf = (frameAncestors: string): string =>
	[
		"default-src 'self'",
		"style-src 'self'",
		"script-src 'self'",
		"worker-src 'self' blob:",
		"media-src blob: *",
		"connect-src *",
		"img-src 'self' data:",
		"base-uri 'none'",
		"form-action 'self'",
		`frame-ancestors ${frameAncestors}`,
	].join("; ");

export class Pages {
	readonly #files: WebFiles;

	constructor(files: WebFiles) {
		this.#files = files;
	}

	/** What is missing, and what to do, as a sentence; undefined where all is there. */
	get trouble(): string | undefined {
		const missing = [CONSOLE, WATCH, "player/player.js", "player/element.js"].filter((path) => !this.#files.has(path));
		return missing.length === 0 ? undefined : missingText(missing);
	}

	/**
	 * On the listener for viewers.
	 * @param hasChannel whether there is a channel of this name
	 * @returns undefined where the path is none of these
	 * @throws PenstockError NAME_INVALID, PAGES_MISSING, PAGE_NOT_FOUND
	 */
	forViewers(path: string, request: PageRequest, hasChannel: WatchedChannel): PageAnswer | undefined {
		const watched = parseWatchPath(path);
		if (watched !== undefined) {
			const headers = { "Content-Security-Policy": policyOf("*") };
			if (hasChannel(watched)) return answerWith(this.#file(WATCH), request, headers);
			// The page itself says that there is none.
			return { ...answerWith(this.#file(WATCH), { ...request, "if-none-match": undefined }, headers), status: 404 };
		}
		const script = /^\/(player\/[^/]*|console\/watch\.(?!html$)[^/]*)$/.exec(path)?.[1];
		if (script === undefined) return undefined;
		return answerWith(this.#file(script), request, { "Cross-Origin-Resource-Policy": "cross-origin" });
	}

	/** On the listener of the API. @throws PenstockError PAGES_MISSING, PAGE_NOT_FOUND */
	forOperator(path: string, request: PageRequest): PageAnswer {
		const own = { "Cross-Origin-Resource-Policy": "same-origin" };
		if (path !== "/") return answerWith(this.#file(path.slice(1)), request, own);
		const headers = { ...own, "Content-Security-Policy": policyOf("'none'") };
		return answerWith(this.#file(CONSOLE), request, headers);
	}

	#file(name: string): WebFile {
		const file = this.#files.get(name);
		if (file !== undefined) return file;
		if (this.#files.size === 0 || name === WATCH || name === CONSOLE) {
			throw new PenstockError("PAGES_MISSING", missingText([name]));
		}
		const folder = name.slice(0, name.indexOf("/") + 1);
		const there = [...this.#files.keys()].filter((one) => one.startsWith(folder) && !NOT_ASKED_FOR.test(one));
		const text = `nothing at ${JSON.stringify(`/${name.slice(0, 200)}`)}; there is /${there.join(", /")}.`;
		throw new PenstockError("PAGE_NOT_FOUND", text);
	}
}

export type WatchedChannel = (channel: NonNullable<ReturnType<typeof parseWatchPath>>) => boolean;

const missingText = (names: readonly string[]): string =>
	`${names.map((name) => `dist/web/${name}`).join(", ")} missing; run "npm run build" and restart the server.`;

function answerWith(file: WebFile, request: PageRequest, more: Readonly<Record<string, string>>): PageAnswer {
	const headers = {
		ETag: file.etag,
		// Kept, and asked for each time: a new version is seen at once.
		"Cache-Control": "no-cache",
		Vary: "Accept-Encoding",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer",
		...more,
	};
	if (matches(request["if-none-match"], file.etag)) return { status: 304, headers, body: undefined };
	const typed = { ...headers, "Content-Type": file.contentType };
	if (!takesGzip(request["accept-encoding"])) return { status: 200, headers: typed, body: file.body };
	return { status: 200, headers: { ...typed, "Content-Encoding": "gzip" }, body: file.gzipped };
}

/** RFC 9110, clause 12.5.3; who names no coding, or none that is here, gets the file as it is. */
const takesGzip = (acceptEncoding = ""): boolean =>
	acceptEncoding.split(",").some((one) => /^\s*(gzip|\*)\s*(;\s*q=(1|0\.\d*[1-9]).*)?$/i.test(one));

/** RFC 9110, clause 13.1.2: compared weakly. */
const matches = (ifNoneMatch = "", etag: string): boolean =>
	ifNoneMatch.split(",").some((one) => one.trim() === "*" || opaque(one) === opaque(etag));

const opaque = (etag: string): string => etag.trim().replace(/^W\//, "");
