/** Temporary directories that vanish at the end of the test file. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";

/**
 * Makes an empty directory.
 * @param label part of its name, so that a forgotten one tells where it comes from
 * @param mode who may use it; a player that runs as another user must be let in
 */
export function makeTempDir(label: string, mode = 0o755): string {
	const path = mkdtempSync(join(tmpdir(), `penstock-${label}-`));
	chmodSync(path, mode);
	onCleanup(() => rmSync(path, { recursive: true, force: true, maxRetries: 3 }));
	return path;
}
