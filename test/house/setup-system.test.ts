/** The set-up script says what is missing and how to get it, and never ends well with something missing. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./rooms.ts";
import { Scratch } from "./scratch.ts";

const NOBODY = 65534;

/** A PATH with the shell's own tools and nothing else; `tool` adds a program that prints `text`. */
class BarePath extends Scratch {
	constructor() {
		super();
		mkdirSync(join(this.path, "bin"));
		chmodSync(this.path, 0o755);
		for (const tool of ["sh", "sort", "tr", "id", "uname"]) {
			const real = ["/usr/bin", "/bin"].map((folder) => join(folder, tool)).find(existsSync) ?? tool;
			symlinkSync(real, join(this.path, "bin", tool));
		}
	}

	tool(name: string, text: string): void {
		this.write(`bin/${name}`, `#!/bin/sh\necho ${text}\n`);
		chmodSync(join(this.path, "bin", name), 0o755);
	}

	/** Never as root, so that nothing is installed whatever the script does. */
	setUp(...options: string[]): { status: number | null; message: string } {
		const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
		const { status, stderr } = spawnSync("/bin/sh", ["-s", "--", ...options], {
			input: readFileSync(`${ROOT}scripts/setup-system`),
			encoding: "utf8",
			cwd: this.path,
			env: { PATH: join(this.path, "bin") },
			...asNobody,
		});
		return { status, message: stderr };
	}
}

test("a missing program is named with its package and the line that installs it", () => {
	const { status, message } = new BarePath().setUp("--check", "demo");
	expect(status).toBe(1);
	expect(message).toContain("missing: ffmpeg ffprobe\n");
	expect(message).toMatch(/apt-get install --no-install-recommends ffmpeg$/m);
});

test("somebody who may not install is told why, and what to run instead", () => {
	const { status, message } = new BarePath().setUp("test");
	expect(status).toBe(1);
	expect(message).toMatch(/Only root may install|has no apt-get/);
	expect(message).toMatch(/apt-get install .*ffmpeg .*gstreamer1\.0-libav .*vlc/);
});

test("what is there is not asked for", () => {
	const path = new BarePath();
	path.tool("ffmpeg", "ffmpeg");
	path.tool("ffprobe", "ffprobe");
	expect(path.setUp("demo")).toEqual({ status: 0, message: "" });
});

test("a Node that is too old is named with its version and the least one", () => {
	const path = new BarePath();
	path.tool("npm", "9.2.0");
	path.tool("node", "18.20.4");
	const { status, message } = path.setUp("node");
	expect(status).toBe(1);
	expect(message).toMatch(/node in PATH is 18\.20\.4, but 2[04] or newer is needed/);
});

test("a machine without npm is told so", () => {
	const path = new BarePath();
	path.tool("node", "24.21.0");
	expect(path.setUp("node")).toMatchObject({
		status: 1,
		message: expect.stringContaining("node or npm was not found"),
	});
});
