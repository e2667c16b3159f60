/** Starts the player's worker, wherever the page comes from. */

/** What lies beside this module when it is bundled. */
const WORKER_FILE = "./worker.js";

/**
 * A worker's script must be of the page's own origin; the player may well be another server's. A script of the page's
 * own which imports the other does.
 */
export function startWorker(): Worker {
	const url = new URL(WORKER_FILE, import.meta.url);
	if (url.origin === globalThis.location.origin) return new Worker(url, { type: "module", name: "penstock" });
	const source = URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], { type: "text/javascript" }));
	try {
		return new Worker(source, { type: "module", name: "penstock" });
	} finally {
		URL.revokeObjectURL(source);
	}
}
