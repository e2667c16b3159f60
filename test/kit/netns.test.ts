import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { createNetworkPair } from "./netns.ts";

/** Listens, and says how many milliseconds passed from the first byte to the last of each connection. */
const RECEIVER = `
require("net").createServer((socket) => {
	let bytes = 0, first;
	socket.on("data", (data) => { first ??= performance.now(); bytes += data.length; });
	socket.on("end", () => { console.log("got " + bytes + " in " + (performance.now() - first)); socket.end(); });
}).listen(7000, () => console.log("listening"))`;

/** Sends as many bytes as the first argument says, to the address that the second says. */
const SENDER = `
const [bytes, host] = process.argv.slice(1);
require("net").connect(7000, host, function () { this.end(Buffer.alloc(Number(bytes))); });`;

describe("two network namespaces with a cable between", () => {
	it("carry data, more slowly when shaped, and nothing when the cable is out", async () => {
		const pair = createNetworkPair();
		const { near, far } = pair;
		const receiver = pair.start(far, process.execPath, ["-e", RECEIVER]);
		await receiver.waitForLine(/listening/);
		const send = async (bytes: number): Promise<void> => {
			const sender = pair.start(near, process.execPath, ["-e", SENDER, `${bytes}`, far.address]);
			expect(await sender.exited).toEqual({ code: 0, signal: null });
		};

		await send(100_000);
		const [, unshapedMs] = await receiver.waitForLine(/got 100000 in (.+)/);
		expect(Number(unshapedMs)).toBeLessThan(400);

		pair.shape(near, { rateBps: 2_000_000 });
		await send(200_000);
		const [, shapedMs] = await receiver.waitForLine(/got 200000 in (.+)/);
		expect(Number(shapedMs)).toBeGreaterThan(500);
		expect(Number(shapedMs)).toBeLessThan(2_000);
		pair.unshape(near);

		pair.setLink(far, "down");
		const hung = pair.start(near, process.execPath, ["-e", SENDER, "300000", far.address]);
		await expect(receiver.waitForLine(/got 300000/, 300)).rejects.toThrow(/without a line/);
		pair.setLink(far, "up");
		await receiver.waitForLine(/got 300000/, 10_000);
		await hung.exited;

		await receiver.stop();
		pair.remove();
		expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).not.toContain(near.namespace);
	});

	it("say that they need root", () => {
		expect(() => createNetworkPair(1000)).toThrow(/need root, and this runs as uid 1000/);
	});
});
