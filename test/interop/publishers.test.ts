/** What docs/interop.md says of publishers and players of other makes; `test/long/publishers.test.ts` runs them. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { runToEnd } from "../kit/processes.ts";
import { PUBLISHERS } from "../kit/publishers-matrix.ts";
import { makeTempDir } from "../kit/temp-dir.ts";
import { unprivileged, VLC_ARGUMENTS } from "../kit/witnesses.ts";

test("VLC has nothing for RTSP, and says so", async () => {
	const args = [...VLC_ARGUMENTS, "--play-and-exit", "rtsp://127.0.0.1:1/live/cam", "vlc://quit"];
	const home = { HOME: makeTempDir("vlc", 0o777), XDG_RUNTIME_DIR: undefined };
	const { stderr } = await runToEnd("vlc", args, { env: home, keepBytes: 2 ** 22, ...unprivileged() });
	expect(stderr).toContain("--disable-live555");
	expect(stderr).toContain("no access_demux modules matched");
});

test("docs/interop.md prints the table", () => {
	const page = readFileSync(new URL("../../docs/interop.md", import.meta.url), "utf8");
	const section = page.split("\n## ").find((text) => text.startsWith("Publishers\n"))!;
	const rows = section.split("\n").filter((line) => line.startsWith("| "));
	const makes = rows[0]!
		.split("|")
		.slice(2, -1)
		.map((cell) => cell.trim());
	const printed = rows.slice(2).flatMap((row) => {
		const [by, ...cells] = row
			.split("|")
			.slice(1, -1)
			.map((cell) => cell.trim());
		return makes.filter((_, at) => cells[at]!.split(" ")[0] === "yes").map((make) => `${make} by ${by}`);
	});
	expect(printed.sort()).toEqual(PUBLISHERS.map(({ make, by }) => `${make} by ${by}`).sort());
});
