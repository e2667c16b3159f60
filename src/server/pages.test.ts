import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import { Pages } from "./pages.ts";
import { loadWebFiles } from "./web-files.ts";

/** A build with these files. */
function built(files: Readonly<Record<string, string>>): Pages {
	const folder = makeTempDir("web");
	for (const name of ["console", "player"]) mkdirSync(join(folder, name));
	for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
	return new Pages(loadWebFiles(pathToFileURL(`${folder}/`)));
}

const COMPLETE = {
	"console/console.html": "<p>console",
	"console/watch.html": "<p>watch",
	"console/watch.css": "p {}",
	"console/console.js.LEGAL.txt": "licences",
	"player/player.js": "export {};",
	"player/element.js": "export {};",
	"player/player.js.map": "{}",
	"player/.tsbuildinfo": "no business of browsers",
};

describe("the pages of a build", () => {
	const pages = built(COMPLETE);

	test.each([
		["/", 200, "text/html; charset=utf-8"],
		["/console/watch.css", 200, "text/css; charset=utf-8"],
		["/console/console.js.LEGAL.txt", 200, "text/plain; charset=utf-8"],
		["/player/player.js", 200, "text/javascript; charset=utf-8"],
		["/player/player.js.map", 200, "application/json; charset=utf-8"],
	])("have %s with its type", (path, status, type) => {
		const answer = pages.forOperator(path, {});
		expect([answer.status, answer.headers["Content-Type"]]).toEqual([status, type]);
	});

	test("are complete, and hold nothing else", () => {
		expect(pages.trouble).toBe(undefined);
		for (const path of ["/player/.tsbuildinfo", "/player/", "/player/toString", "/console/../player/player.js"]) {
			expect(() => pages.forOperator(path, {})).toThrow(/^PAGE_NOT_FOUND: nothing at .*; there is \/\w/);
		}
	});

	test("have another mark when they have changed, and are sent again", () => {
		const { headers } = pages.forOperator("/", {});
		expect(pages.forOperator("/", { "if-none-match": headers["ETag"] }).status).toBe(304);
		const changed = built({ ...COMPLETE, "console/console.html": "<p>new" });
		expect(changed.forOperator("/", { "if-none-match": headers["ETag"] })).toMatchObject({
			status: 200,
			body: Buffer.from("<p>new"),
		});
	});

	test.each([
		["gzip, deflate, br", "gzip"],
		["br;q=1, gzip;q=0.5", "gzip"],
		["*", "gzip"],
		["gzip;q=0, *;q=0.0", undefined],
		["br, identity", undefined],
		["x-gzip", undefined],
		[undefined, undefined],
	])("go to who accepts %s by coding %s, under the same mark", (accepted, coding) => {
		const plain = pages.forOperator("/", {});
		const answer = pages.forOperator("/", { "accept-encoding": accepted });
		expect(answer.headers["Content-Encoding"]).toBe(coding);
		expect(answer.headers).toMatchObject({ Vary: "Accept-Encoding", ETag: plain.headers["ETag"] });
		expect(coding === undefined ? answer.body : gunzipSync(answer.body!)).toEqual(plain.body);
	});

	test("leave all other paths to the streams", () => {
		for (const path of ["/", "/live/demo.ts", "/play/demo", "/play/live/demo/x", "/console/console.js", "/players/x"])
			expect([path, pages.forViewers(path, {}, () => true)]).toEqual([path, undefined]);
	});
});

test("a build that is not there is told with what to do, by page and in all", () => {
	const folder = pathToFileURL(`${makeTempDir("none")}/`);
	const none = new Pages(loadWebFiles(folder));
	expect(none.trouble).toBe(
		'dist/web/console/console.html, dist/web/console/watch.html, dist/web/player/player.js, dist/web/player/element.js missing; run "npm run build" and restart the server.',
	);
	for (const path of ["/", "/player/player.js"])
		expect(() => none.forOperator(path, {})).toThrow(/^PAGES_MISSING: .*npm run build/);
	expect(() => none.forViewers("/play/live/demo", {}, () => true)).toThrow(/^PAGES_MISSING: /);
	const { "console/watch.html": _, ...rest } = COMPLETE;
	expect(built(rest).trouble).toMatch(/^dist\/web\/console\/watch\.html missing; run/);
});
