/** What a page loads to play a stream stays small: the player, one renderer with its worker, the reader of one packaging. */
import { basename } from "node:path";
import { gzipSync } from "node:zlib";
import { type BuildOptions, build, type Metafile } from "esbuild";
import { beforeAll, expect, test } from "vitest";
import { PLAYER_BUNDLE, WORKLET_BUNDLE } from "../../scripts/web-bundles.ts";

const MOST_BYTES = 40_000;
/** Of the element, its controls and menus, on top of that. */
const MOST_ELEMENT_BYTES = 8000;
const RENDERERS = {
	webcodecs: ["src/player/webcodecs/renderer.ts", "src/player/webcodecs/worker-half.ts"],
	mse: ["src/player/mse/renderer.ts", "src/player/mse/worker-side.ts"],
} as const;
const READERS = ["fmp4", "flv", "mpegts", "rtp"] as const;

/** A file of the build: what it loads at once, and how many bytes the server sends for it. */
interface Part {
	readonly bytes: number;
	readonly imports: readonly string[];
	readonly source: string | undefined;
}

const parts = new Map<string, Part>();

/** In memory, as `npm run build` writes it. */
async function bundled(options: BuildOptions): Promise<void> {
	const { outputFiles, metafile } = await build({ ...options, write: false, metafile: true });
	const outputs = new Map<string, Metafile["outputs"][string]>();
	for (const [path, output] of Object.entries(metafile.outputs)) outputs.set(basename(path), output);
	for (const { path, contents } of outputFiles) {
		const name = basename(path);
		if (!name.endsWith(".js")) continue;
		const { imports, entryPoint: source } = outputs.get(name)!;
		const loaded = imports.filter(({ kind }) => kind === "import-statement").map((one) => basename(one.path));
		parts.set(name, { bytes: gzipSync(contents).length, imports: loaded, source });
	}
}

/** All that is loaded for these modules, a file once. */
function bytesOf(sources: readonly string[]): number {
	const files = new Set<string>();
	const add = (name: string): void => {
		if (files.has(name)) return;
		files.add(name);
		for (const one of parts.get(name)!.imports) add(one);
	};
	for (const source of sources) {
		const [name] = [...parts].find(([, part]) => part.source === source) ?? expect.fail(`no part is ${source}`);
		add(name);
	}
	return [...files].reduce((sum, name) => sum + parts.get(name)!.bytes, 0);
}

const playerOf = (renderer: keyof typeof RENDERERS, reader: string): string[] => [
	...["src/player/entry.ts", "src/player/worker.ts", `src/media/${reader}/reader.ts`, ...RENDERERS[renderer]],
	...(renderer === "webcodecs" ? ["src/player/audio-worklet.ts"] : []),
];

beforeAll(async () => {
	await bundled(PLAYER_BUNDLE);
	await bundled(WORKLET_BUNDLE);
});

const CASES = READERS.flatMap((reader) =>
	(["webcodecs", "mse"] as const).map((renderer) => [renderer, reader] as const),
);

test.each(CASES)("the player by %s, with the reader of %s, is 40 kB at most by gzip", (renderer, reader) => {
	const sources = playerOf(renderer, reader);
	const [player, withElement] = [bytesOf(sources), bytesOf([...sources, "src/player/element/entry.ts"])];
	console.info(`${renderer}, ${reader}: ${player} bytes, with the element ${withElement}`);
	expect(player).toBeGreaterThan(10_000);
	expect(player).toBeLessThanOrEqual(MOST_BYTES);
	expect(withElement - player).toBeLessThanOrEqual(MOST_ELEMENT_BYTES);
});
