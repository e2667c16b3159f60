/** What docs/access.md shows for other programs makes URLs that the gate takes. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openAccess } from "../../src/access/access-control.ts";
import { nodeClock } from "../../src/server/node-time.ts";
import { asked, said } from "../kit/access-rig.ts";
import { makeTempDir } from "../kit/temp-dir.ts";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/access.md", import.meta.url)), "utf8");

test("SEC4: a URL signed by the shell, with the key that was made at the first start, is good for its stream alone", async () => {
	const script = /^```sh\n(expires=[^`]+)```$/m.exec(PAGE)?.[1];
	const folder = makeTempDir("access-shell");
	const settings = {
		rights: [{ match: "live/*", verbs: ["play"], by: [{ signed: "web" }] }],
		urlKeys: { web: {} },
	} as const;
	const { gate } = await openAccess({
		settings,
		clock: nodeClock(),
		folder,
		environment: {},
		onTrouble: () => undefined,
	});
	const { stdout, stderr } = spawnSync("sh", ["-eu"], { input: script, cwd: folder, encoding: "utf8" });
	expect(stderr).toBe("");
	const url = new URL(stdout.trim());
	expect(url.pathname).toBe("/live/cam.flv");
	expect(said(await gate.ask(asked({ query: url.search.slice(1) })))).toBe("granted");
	expect(said(await gate.ask(asked({ query: url.search.slice(1), path: "live/other" })))).toBe("ACCESS_REFUSED");
});
