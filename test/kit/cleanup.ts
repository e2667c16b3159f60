/**
 * What a test leaves behind is taken away here: processes, temporary directories, network namespaces.
 * Each registers how to undo itself, in one synchronous step. Under vitest all of it is undone when the test file
 * ends; in a bench, or when a worker dies early, when the process exits. Last made, first undone.
 */
const undoings = new Set<() => void>();

/** Registers `undo`; the function returned takes it back (the thing has been removed already). */
export function onCleanup(undo: () => void): () => void {
	undoings.add(undo);
	return () => undoings.delete(undo);
}

/** Undoes all that is registered. One failure does not keep the rest from being undone. */
export function cleanUp(): void {
	for (const undo of [...undoings].reverse()) {
		undoings.delete(undo);
		try {
			undo();
		} catch (error) {
			process.stderr.write(`clean-up: ${error instanceof Error ? error.message : String(error)}\n`);
		}
	}
}

process.on("exit", cleanUp);
if (process.env["VITEST"] !== undefined) {
	const { afterAll } = await import("vitest");
	afterAll(cleanUp);
}
