/** Starts the player's worker, wherever the page comes from, and keeps one ready: its code takes longer than the media. */
import type { RendererKind } from "./player-model.ts";
import type { PrepareMessage } from "./worker-side.ts";

/** What lies beside this module when it is bundled. */
const WORKER_FILE = "./worker.js";

/** One for all players of a page. */
let spare: { readonly renderer: RendererKind; readonly worker: Worker } | undefined;

/** Has the code for this kind, and for a stream of this address, ready for the player that starts next. */
export function prepareWorker(renderer: RendererKind, src: string): void {
	if (spare?.renderer === renderer) return;
	spare?.worker.terminate();
	const worker = createWorker();
	spare = { renderer, worker };
	worker.onerror = () => {
		worker.terminate();
		if (spare?.worker === worker) spare = undefined;
	};
	worker.postMessage({ kind: "prepare", renderer, src } satisfies PrepareMessage);
}

export function startWorker(renderer: RendererKind): Worker {
	if (spare?.renderer !== renderer) return createWorker();
	const { worker } = spare;
	worker.onerror = null;
	spare = undefined;
	return worker;
}

/**
 * A worker's script must be of the page's own origin; the player may well be another server's. A script of the page's
 * own which imports the other does.
 */
function createWorker(): Worker {
	const url = new URL(WORKER_FILE, import.meta.url);
	if (url.origin === globalThis.location.origin) return new Worker(url, { type: "module", name: "penstock" });
	const source = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
	try {
		return new Worker(source, { type: "module", name: "penstock" });
	} finally {
		URL.revokeObjectURL(source);
	}
}
