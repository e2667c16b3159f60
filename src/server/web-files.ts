/**
 * What the build has made for browsers: the pages, their scripts and the player, read once and kept. There are a few, all
 * known by name; nothing is read from the disk for a request, and each is compressed once, for the first who takes it so.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { gzipSync } from "node:zlib";

export interface WebFile {
	readonly contentType: string;
	/** Weak, for both forms, and quoted, as it stands in a header. */
	readonly etag: string;
	readonly body: Buffer;
	/** The same by gzip, for who takes it. */
	readonly gzipped: Buffer;
}

/** By path below the folder, for example `player/player.js`. */
export type WebFiles = ReadonlyMap<string, WebFile>;

/** Beside `src`, and beside the modules that are made of it. */
const FOLDER = new URL("../../dist/web/", import.meta.url);
const FOLDERS = ["console", "player"];
const CONTENT_TYPES: Readonly<Record<string, string>> = {
	".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".map": "application/json; charset=utf-8",
	".svg": "image/svg+xml",
	".txt": "text/plain; charset=utf-8",
};

/** @returns none where nothing has been built */
export function loadWebFiles(folder = FOLDER): WebFiles {
	const files = new Map<string, WebFile>();
	for (const name of FOLDERS) {
		for (const file of namesIn(new URL(`${name}/`, folder))) {
			const contentType = CONTENT_TYPES[extname(file)];
			if (contentType === undefined) continue;
			const body = readFileSync(new URL(`${name}/${file}`, folder));
			files.set(`${name}/${file}`, new ReadFile(contentType, body));
		}
	}
	return files;
}

class ReadFile implements WebFile {
	readonly contentType: string;
	readonly etag: string;
	readonly body: Buffer;
	#gzipped: Buffer | undefined;

	constructor(contentType: string, body: Buffer) {
		this.contentType = contentType;
		this.etag = etagOf(body);
		this.body = body;
	}

	get gzipped(): Buffer {
		this.#gzipped ??= gzipSync(this.body);
		return this.#gzipped;
	}
}

function namesIn(folder: URL): string[] {
	try {
		return readdirSync(folder);
	} catch (thrown) {
		if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw thrown;
	}
}

const etagOf = (body: Buffer): string => `W/"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
