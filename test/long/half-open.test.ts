/**
 * A viewer that went without a word (its cable pulled, its battery empty): nothing ever says so, and at a low bit rate
 * the kernel's buffer takes the stream for minutes. It must be gone within 20 s all the same. What finds it is
 * TCP_USER_TIMEOUT, which a server without koffi cannot set: that one is watched beside the others.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { ViewerSnapshot } from "../../src/server/api-model.ts";
import { createNetworkPair, type NetworkPair } from "../kit/netns.ts";
import { writeConfig } from "../kit/penstock.ts";
import { childrenOf } from "../kit/process-table.ts";
import type { RunningProcess } from "../kit/processes.ts";

const CLI = fileURLToPath(new URL("../../dist/cli/penstock.js", import.meta.url));
const PORT = 8080;
const API_PORT = 9998;
const LIMIT_MS = 20_000;
/** Well before this the kernel resends nothing that anybody could notice. */
const SOONEST_MS = 5000;

/** 30 kbit/s or so: far more than 20 s of it fit into what the kernel takes unsent. */
const QUIET_CHANNEL = {
	source: { test: { width: 160, height: 90, frameRate: 5 } },
	unitMs: 1000,
	audio: "none",
	renditions: [{ name: "low", width: 160, height: 90, bitrateBps: 10_000, preset: "ultrafast" }],
};

/** Reads on and on, and says so once it has something. */
const VIEWER = `
require("http").get(process.argv[1], (response) => {
	console.log("viewer " + response.headers["penstock-viewer"]);
	let bytes = 0;
	response.on("data", (data) => { if ((bytes += data.length) > 3000 && bytes - data.length <= 3000) console.log("watches"); });
})`;

const ASK = "fetch(process.argv[1]).then((answer) => answer.text()).then((text) => process.stdout.write(text))";

/** An import hook under which the package is not there, as after an installation that left optional packages out. */
const WITHOUT_KOFFI = `data:text/javascript,${encodeURIComponent(
	'import { registerHooks } from "node:module"; registerHooks({ resolve(name, context, next) { if (name === "koffi") throw new Error("left out"); return next(name, context); } });',
)}`;

interface Scene {
	readonly pair: NetworkPair;
	readonly server: RunningProcess;
	readonly id: string;
}

/** A server on one side of a cable, and a viewer who watches on the other. */
async function watchOverCable(nodeArgs: readonly string[] = []): Promise<Scene> {
	const pair = createNetworkPair();
	const file = writeConfig({
		http: { listen: `${pair.near.address}:${PORT}` },
		api: { listen: `127.0.0.1:${API_PORT}` },
		ffmpeg: { hangMs: 60_000 },
		channels: { quiet: QUIET_CHANNEL },
	});
	const server = pair.start(pair.near, process.execPath, [...nodeArgs, CLI, "serve", "-c", file]);
	await server.waitForLine(/"msg":"listening"/, 30_000);
	const url = `http://${pair.near.address}:${PORT}/live/quiet.ts`;
	const viewer = pair.start(pair.far, process.execPath, ["-e", VIEWER, url]);
	const [, id] = await viewer.waitForLine(/^viewer ([0-9a-f]{32})$/, 30_000);
	await viewer.waitForLine(/^watches$/, 30_000);
	expect(await listed({ pair })).toEqual([id]);
	return { pair, server, id: id! };
}

/** Who watches, as the server's API tells it on the server's own machine. */
async function listed({ pair }: Pick<Scene, "pair">): Promise<string[]> {
	const url = `http://127.0.0.1:${API_PORT}/api/v1/viewers`;
	const asked = pair.start(pair.near, process.execPath, ["-e", ASK, url]);
	await asked.exited;
	const { viewers } = JSON.parse(asked.stdout) as { viewers: ViewerSnapshot[] };
	return viewers.map(({ id }) => id);
}

/** Milliseconds until the server lets the viewer go, and why it says it did. */
async function untilLeft({ pair, server, id }: Scene, timeoutMs: number): Promise<{ ms: number; reason: string }> {
	const from = performance.now();
	const [, reason] = await server.waitForLine(
		new RegExp(`"viewer":"${id}","reason":"([a-z]+)".*"msg":"viewer left"`),
		timeoutMs,
	);
	const ms = performance.now() - from;
	expect(await listed({ pair })).toEqual([]);
	return { ms, reason: reason! };
}

/** Every packet to and from the viewer's machine vanishes; its cable stays in. */
function swallowPackets({ pair }: Scene): void {
	const rules = `table ip hole { chain in { type filter hook prerouting priority -300; drop; };
		chain out { type filter hook postrouting priority 300; drop; }; }`;
	execFileSync("ip", ["netns", "exec", pair.far.namespace, "nft", "-f", "-"], { input: rules });
}

const pullCable = ({ pair }: Scene): void => pair.setLink(pair.far, "down");

describe("a viewer that went without a word", () => {
	it.concurrent.each([
		["the cable pulled", pullCable],
		["every packet lost", swallowPackets],
	])(`is gone within ${LIMIT_MS / 1000} s: %s`, async (how, cut) => {
		const scene = await watchOverCable();
		cut(scene);
		const { ms, reason } = await untilLeft(scene, 2 * LIMIT_MS);
		console.log(`${how}: gone after ${(ms / 1000).toFixed(1)} s, ${reason}`);
		expect(reason).toBe("stalled");
		expect(ms).toBeGreaterThan(SOONEST_MS);
		expect(ms).toBeLessThan(LIMIT_MS);
	});

	it.concurrent("is gone as soon when the programme stands still and nothing is sent to it", async () => {
		const scene = await watchOverCable();
		const encoders = childrenOf(scene.server.pid).filter(({ command }) => command === "ffmpeg");
		for (const { pid } of encoders) process.kill(pid, "SIGSTOP");
		pullCable(scene);
		const { ms, reason } = await untilLeft(scene, 2 * LIMIT_MS);
		// So that it can notice the server's end, too.
		for (const { pid } of encoders) process.kill(pid, "SIGCONT");
		console.log(`nothing sent: gone after ${(ms / 1000).toFixed(1)} s, ${reason}`);
		expect(ms).toBeLessThan(LIMIT_MS);
	});

	it.concurrent("is still taken for a viewer by a server without koffi, which says at its start that it will be", async () => {
		const scene = await watchOverCable(["--import", WITHOUT_KOFFI]);
		expect(scene.server.stdout).toContain("koffi is not installed: half-open viewers are found later");
		pullCable(scene);
		await expect(untilLeft(scene, LIMIT_MS + 5000)).rejects.toThrow(/without a line/);
		expect(await listed(scene)).toEqual([scene.id]);
	});
});
