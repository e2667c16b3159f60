/**
 * The page's half of `player-page.ts`: plays tiles with one kind of renderer, passes on what the renderers tell, and
 * listens to their sound at the output. Bundled for the page by the kit; runs in a browser only.
 */
import type { CreateRenderer, Renderer, RendererEvents } from "../../src/player/renderer.ts";
import type { TileEvent, TileOptions } from "./player-page.ts";

/** What the page offers to the test, and the test to the page. */
interface PageGlobals {
	tiles: Tiles;
	/** Absent where the page is left untouched. */
	readonly tell?: (tile: number, event: TileEvent) => void;
}

/** Collects what reaches it: two channels, interleaved, in blocks of a twentieth of a second or so. */
const RECORDER = `
registerProcessor("recorder", class extends AudioWorkletProcessor {
	block = new Float32Array(4096);
	filled = 0;
	process([[left, right]]) {
		if (!left) return true;
		for (let i = 0; i < left.length; i++) {
			this.block[this.filled++] = left[i];
			this.block[this.filled++] = (right ?? left)[i];
		}
		if (this.filled < this.block.length) return true;
		this.port.postMessage(this.block, [this.block.buffer]);
		this.block = new Float32Array(4096);
		this.filled = 0;
		return true;
	}
});`;

interface Tile {
	readonly renderer: Renderer;
	readonly context: AudioContext | undefined;
	readonly blocks: Float32Array<ArrayBuffer>[];
}

class Tiles {
	readonly #create: CreateRenderer;
	readonly #tell: (tile: number, event: TileEvent) => void;
	readonly #tiles = new Map<number, Tile>();

	constructor(create: CreateRenderer, tell: PageGlobals["tell"]) {
		this.#create = create;
		this.#tell = tell ?? ((tile, event) => console.debug("told", tile, JSON.stringify(event)));
	}

	async play(id: number, options: TileOptions): Promise<void> {
		const blocks: Float32Array<ArrayBuffer>[] = [];
		const output = options.record ? await recorder((block) => blocks.push(block)) : undefined;
		const { src, targetMs, volume = 1, muted = false, readSignal = true } = options;
		const settings = { src, targetMs, volume, muted, readSignal, audioOutput: output };
		const renderer = this.#create(settings, this.#events(id));
		document.body.append(renderer.view);
		if (options.soundOnClick) addEventListener("pointerdown", () => renderer.setSound(volume, false));
		this.#tiles.set(id, { renderer, context: output?.context as AudioContext | undefined, blocks });
	}

	setSound(id: number, volume: number, muted: boolean): void {
		this.#tiles.get(id)!.renderer.setSound(volume, muted);
	}

	setHidden(id: number, hidden: boolean): void {
		this.#tiles.get(id)!.renderer.setHidden(hidden);
	}

	stopRecording(id: number): void {
		const tile = this.#tiles.get(id)!;
		this.#tiles.set(id, { ...tile, blocks: [...tile.blocks] });
	}

	/** What was heard so far, as Base64. */
	async heard(id: number): Promise<string> {
		const url = await new Promise<string>((resolve) => {
			const reader = new FileReader();
			reader.onload = () => resolve(reader.result as string);
			reader.readAsDataURL(new Blob(this.#tiles.get(id)!.blocks));
		});
		return url.slice(url.indexOf(",") + 1);
	}

	async destroy(id: number): Promise<void> {
		const tile = this.#tiles.get(id);
		this.#tiles.delete(id);
		tile?.renderer.view.remove();
		tile?.renderer.destroy();
		await tile?.context?.close();
	}

	#events(id: number): RendererEvents {
		const tell = (event: TileEvent): void => this.#tell(id, event);
		return {
			connection: (message) => tell({ kind: "connection", message }),
			started: () => tell({ kind: "started" }),
			figures: (figures) => tell({ kind: "figures", figures }),
			renditionChange: (change) => tell({ kind: "rendition-change", change }),
			stall: (playing) => tell({ kind: "stall", playing }),
			signal: (readings) => tell({ kind: "signal", readings }),
			problem: (problem) => tell({ kind: "problem", problem }),
			unfit: (problem) => tell({ kind: "unfit", problem }),
		};
	}
}

async function recorder(take: (block: Float32Array<ArrayBuffer>) => void): Promise<AudioNode> {
	const context = new AudioContext({ sampleRate: 48_000 });
	await context.audioWorklet.addModule(URL.createObjectURL(new Blob([RECORDER], { type: "text/javascript" })));
	const node = new AudioWorkletNode(context, "recorder", { channelCount: 2, channelCountMode: "explicit" });
	node.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => take(data);
	node.connect(context.destination);
	return node;
}

export function offerTiles(create: CreateRenderer): void {
	const globals = globalThis as unknown as PageGlobals;
	globals.tiles = new Tiles(create, globals.tell);
	const onLoad = new URLSearchParams(location.search).get("play");
	if (onLoad !== null) void globals.tiles.play(0, JSON.parse(onLoad) as TileOptions);
}
