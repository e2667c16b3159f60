/** What is bundled for browsers, and how: `build-web.ts` writes it, a test weighs it. */
import type { BuildOptions } from "esbuild";

const TARGETS = ["chrome113", "firefox130", "safari17"];
const COMMON = {
	...{ bundle: true, format: "esm", minify: true, sourcemap: "linked", legalComments: "linked" },
	...{ target: TARGETS, charset: "utf8", logLevel: "warning" },
} as const satisfies BuildOptions;

/** Runs beside all else, and can load nothing. */
export const WORKLET_BUNDLE = {
	...COMMON,
	entryPoints: { "audio-worklet": "src/player/audio-worklet.ts" },
	outdir: "dist/web/player",
} as const satisfies BuildOptions;

/** In pieces: a page and its worker load one renderer, and the reader of one packaging. */
export const PLAYER_BUNDLE = {
	...COMMON,
	entryPoints: {
		player: "src/player/entry.ts",
		element: "src/player/element/entry.ts",
		worker: "src/player/worker.ts",
	},
	outdir: "dist/web/player",
	...{ splitting: true, chunkNames: "[name]-[hash]" },
} as const satisfies BuildOptions;

export const CONSOLE_BUNDLE = {
	...COMMON,
	entryPoints: { console: "src/console/console.ts", watch: "src/console/watch.ts" },
	outdir: "dist/web/console",
	// Loaded beside, so that both pages and everybody else share one copy.
	external: ["/player/element.js"],
} as const satisfies BuildOptions;
