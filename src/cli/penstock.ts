#!/usr/bin/env node
/**
 * The command `penstock`. This file is kept so plain that an old Node.js reads it, too, and can be told from; all
 * else is imported after that.
 */
import { engineProblem } from "./engine.ts";

const problem = engineProblem(process.versions.node);
if (problem === undefined) {
	const { main } = await import("./main.ts");
	process.exitCode = await main(process.argv);
} else {
	process.stderr.write(`penstock: ${problem}\n`);
	process.exitCode = 2;
}
