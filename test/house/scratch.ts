/** A directory that looks like this repository to its tools, for sources that must be refused. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { ROOT } from "./rooms.ts";

export interface Run {
	readonly status: number | null;
	readonly stdout: string;
	/** What the tool wrote, both streams. */
	readonly output: string;
}

export class Scratch {
	readonly path: string;

	/** @param copies files of the repository that the scratch directory starts with */
	constructor(copies: readonly string[] = []) {
		this.path = mkdtempSync(join(tmpdir(), "penstock-house-"));
		onTestFinished(() => rmSync(this.path, { recursive: true, force: true }));
		symlinkSync(join(ROOT, "node_modules"), join(this.path, "node_modules"));
		for (const file of copies) cpSync(join(ROOT, file), join(this.path, file));
	}

	write(file: string, text: string): void {
		mkdirSync(dirname(join(this.path, file)), { recursive: true });
		writeFileSync(join(this.path, file), text);
	}

	/** Runs one of node_modules/.bin here, without the environment that Vitest has set for itself. */
	run(tool: string, ...options: string[]): Run {
		const { PATH = "", HOME = "" } = process.env;
		const { status, stdout, stderr } = spawnSync(join(ROOT, "node_modules/.bin", tool), options, {
			cwd: this.path,
			encoding: "utf8",
			env: { PATH: `${dirname(process.execPath)}:${PATH}`, HOME, NO_COLOR: "1" },
		});
		return { status, stdout, output: stdout + stderr };
	}
}
