/**
 * Bundles what browsers load into dist/web/: the player (a module for pages, its element, its worker, its audio worklet),
 * the console and the watch page. Types and the Node side are the compiler's (`tsc -b`).
 */
import { cpSync, rmSync } from "node:fs";
import { build } from "esbuild";
import { CONSOLE_BUNDLE, PLAYER_BUNDLE, WORKLET_BUNDLE } from "./web-bundles.ts";

rmSync("dist/web", { recursive: true, force: true });
for (const bundle of [WORKLET_BUNDLE, PLAYER_BUNDLE, CONSOLE_BUNDLE]) await build(bundle);
for (const page of ["console.html", "watch.html"]) cpSync(`src/console/${page}`, `dist/web/console/${page}`);
