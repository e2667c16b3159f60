/** The pages of the contenders, each bundled with its own player and nobody else's. */
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { makeTempDir } from "../../test/kit/temp-dir.ts";
import type { PlayOrder } from "./page-model.ts";

const PLAYERS: readonly PlayOrder["player"][] = ["penstock", "hls", "mpegts"];

const BUILT_PLAYER = fileURLToPath(new URL("../../dist/web/player", import.meta.url));

/**
 * Puts a copy of the built player beside them: a build while the benchmark runs does not reach it.
 * @returns the directory in which they lie: `penstock.html`, `hls.html`, `mpegts.html`, `player/`
 */
export async function buildPages(): Promise<string> {
	const directory = makeTempDir("glass-pages");
	await build({
		entryPoints: PLAYERS.map((player) => fileURLToPath(new URL(`./page-${player}.ts`, import.meta.url))),
		outdir: directory,
		external: ["/player/player.js"],
		...{ bundle: true, format: "esm", minify: true, target: "es2024", logLevel: "warning" },
	});
	cpSync(BUILT_PLAYER, join(directory, "player"), { recursive: true });
	for (const player of PLAYERS) {
		writeFileSync(
			join(directory, `${player}.html`),
			`<!doctype html><meta charset="utf-8"><title>${player}</title><link rel="icon" href="data:,">` +
				`<body><script type="module" src="/page-${player}.js"></script>`,
		);
	}
	return directory;
}
