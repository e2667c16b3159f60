import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadConfig } from "../../src/server/config.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const folder = makeTempDir("config");

const write = (name: string, text: string | Uint8Array): string => {
	const path = join(folder, name);
	writeFileSync(path, text);
	return path;
};

it("a configuration file is read, and paths in it begin at its folder", async () => {
	const file = write("good.yaml", "channels: { film: { source: films/a.mp4 } }\n");
	const { channels } = await loadConfig(file, {});
	expect(channels[0]!.ladder.source).toEqual({ kind: "file", path: join(folder, "films/a.mp4"), loop: true });
});

it("a configuration file that cannot be read is refused with the reason", async () => {
	mkdirSync(join(folder, "folder"));
	const cases: readonly [string, RegExp][] = [
		[join(folder, "none.yaml"), /none\.yaml does not exist; name the configuration with -c/],
		[join(folder, "folder"), /folder is a folder; name a file in it\.$/],
		[write("large.yaml", "#".repeat(1024 * 1024 + 1)), /large\.yaml has 1048577 bytes, 1048576 are the most/],
		[write("latin1.yaml", Uint8Array.of(0x23, 0xe4, 0x0a)), /latin1\.yaml is not UTF-8 text\.$/],
	];
	for (const [file, reason] of cases) {
		await expect(loadConfig(file, {})).rejects.toMatchObject({
			code: "CONFIG_FILE",
			message: expect.stringMatching(reason),
		});
	}
});

it("a file with an error is named in it, with line and column", async () => {
	const file = write("wrong.yaml", "channels:\n  a:\n    source: test\n    unitms: 1\n");
	await expect(loadConfig(file, {})).rejects.toMatchObject({
		code: "CONFIG_KEY",
		message: expect.stringContaining("wrong.yaml:4:5: "),
	});
});
