/** The worker's entry: loads the half of a renderer that the page asks for, and starts it. */
import { preloadReader } from "../playback/stream-format.ts";
import type { RendererKind } from "./player-model.ts";
import type { PrepareMessage, StartMessage, StartWorkerSide, WorkerPort } from "./worker-side.ts";

const SIDES: Readonly<Record<RendererKind, () => Promise<StartWorkerSide>>> = {
	webcodecs: async () => (await import("./webcodecs/worker-half.ts")).startWebCodecsSide,
	mse: async () => (await import("./mse/worker-side.ts")).startMseSide,
};

const port = globalThis as unknown as WorkerPort;
/** What the page says while the code comes. */
const early: MessageEvent[] = [];

async function begin({ data }: MessageEvent<PrepareMessage | StartMessage>): Promise<void> {
	// Both at once; whether this is the reader that is needed is seen when the response is there.
	void preloadReader(new URL(data.src).pathname);
	const side = SIDES[data.renderer]();
	if (data.kind === "prepare") return void (await side);
	port.onmessage = (event) => early.push(event);
	const start = await side;
	start(port, data);
	for (const event of early) port.onmessage?.(event);
}

// The page is told of it as of any error in here.
port.onmessage = (event) => void begin(event).catch(reportError);
