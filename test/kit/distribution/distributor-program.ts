/** The native distributor of this tree, and Node's in its shape, as programs that run in a namespace. */
import { accessSync, chmodSync, constants, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LanSide } from "./lan.ts";

const BUILT = fileURLToPath(new URL("../../../native/distributor/build/penstock-distributor", import.meta.url));
const IN_NODE = fileURLToPath(new URL("../node-distributor.ts", import.meta.url));

/** @throws Error where it has not been built: a test must not do without */
function nativeDistributor(): string {
	const path = process.env["PENSTOCK_DISTRIBUTOR_PATH"] ?? BUILT;
	try {
		accessSync(path, constants.X_OK);
	} catch {
		throw new Error(`there is no distributor at ${path}; build it with "make distributor".`);
	}
	return path;
}

export interface ProgramPlace {
	readonly directory: string;
	/** Whose network it has; this process's where it is left out. */
	readonly side?: LanSide;
	readonly inNode?: boolean;
	/** Words in front of its command line, such as those of setpriv. */
	readonly through?: readonly string[];
}

/** A program that is the distributor (by exec, so that its process is the distributor's). @returns its path */
export function distributorIn({ directory, side, inNode = false, through = [] }: ProgramPlace): string {
	const path = join(directory, "distributor");
	const distributor = inNode ? [process.execPath, IN_NODE] : [nativeDistributor()];
	const inNetwork = side === undefined ? [] : ["ip", "netns", "exec", side.namespace];
	const words = [...inNetwork, ...through, ...distributor].map((word) => `'${word}'`);
	writeFileSync(path, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`);
	chmodSync(path, 0o755);
	return path;
}
