/**
 * Bundles what browsers load into dist/web/: the player (a module for pages, its worker, its audio worklet), the
 * console and the watch page. Types and the Node side are the compiler's (`tsc -b`).
 */
import { cpSync, rmSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";

const TARGETS = ["chrome113", "firefox130", "safari17"];
const COMMON = {
	...{ bundle: true, format: "esm", minify: true, sourcemap: "linked", legalComments: "linked" },
	...{ target: TARGETS, charset: "utf8", logLevel: "warning" },
} as const satisfies BuildOptions;

rmSync("dist/web", { recursive: true, force: true });
await build({
	...COMMON,
	entryPoints: { "audio-worklet": "src/player/audio-worklet.ts" },
	outdir: "dist/web/player",
});
// In pieces: a page and its worker load one renderer, and the reader of one packaging.
await build({
	...COMMON,
	entryPoints: { player: "src/player/entry.ts", worker: "src/player/worker.ts" },
	outdir: "dist/web/player",
	...{ splitting: true, chunkNames: "[name]-[hash]" },
});
await build({
	...COMMON,
	entryPoints: { console: "src/console/console.ts", watch: "src/console/watch.ts" },
	outdir: "dist/web/console",
	// Loaded beside, so that both pages and everybody else share one copy.
	external: ["/player/player.js"],
});
for (const page of ["console.html", "watch.html"]) cpSync(`src/console/${page}`, `dist/web/console/${page}`);
