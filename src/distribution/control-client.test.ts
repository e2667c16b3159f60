import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import type { PenstockError } from "../base/errors.ts";
import type { ChangeRequest } from "../wire/distributor.ts";
import { readRule } from "../wire/distributor-rule.ts";
import { ControlClient } from "./control-client.ts";
import { ControlServer } from "./control-server.ts";
import { NodeEngine } from "./node-engine.ts";

function socketPath(): string {
	const directory = mkdtempSync(join(tmpdir(), "penstock-client-"));
	onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
	return join(directory, "control.sock");
}

const clientParts = (path: string, lost: PenstockError[] = [], clock = new ManualClock()) => ({
	...{ path, clock, controller: "test" },
	onEvent: () => undefined,
	onLost: (error: PenstockError) => void lost.push(error),
});

async function servedEngine(): Promise<{ path: string; engine: NodeEngine; server: ControlServer }> {
	const path = socketPath();
	const engine = new NodeEngine({ clock: new ManualClock(), version: "1.2.3" });
	const server = await ControlServer.open({ engine, path, onQuit: () => undefined, log: () => undefined });
	await engine.start({ state: () => undefined, event: (event) => server.event(event) });
	onTestFinished(async () => {
		await server.close();
		await engine.stop();
	});
	return { path, engine, server };
}

const rule = (name: string, port: number, generation = 1): ChangeRequest => ({
	do: "rule.put",
	rule: readRule({ name, generation, match: { address: "127.0.0.1", port }, media: "rtp", receivers: [] }, []),
});

describe("over a real socket", () => {
	test("it learns what engine there is, changes its table and reads its figures", async () => {
		const { path } = await servedEngine();
		const client = await ControlClient.connect(clientParts(path));
		expect(client.description).toMatchObject({
			engine: "node",
			version: "1.2.3",
			capabilities: { dscp: false, ttl: true },
		});
		const answers = await client.apply([rule("a", 5204), rule("b", 5204), rule("c", 5206)]);
		expect(answers).toMatchObject([{ ok: true, changed: true }, { ok: false, code: "RULE_CONFLICT" }, { ok: true }]);
		expect([...(await client.generations())]).toEqual([
			["a", 1],
			["c", 1],
		]);
		expect((await client.stats({ names: ["a"], receivers: true })).rules).toMatchObject([{ name: "a", receivers: [] }]);
		await expect(client.capture({ name: "a", path: "/x", packets: 1 })).rejects.toThrow(
			/DISTRIBUTOR_REFUSED.*UNSUPPORTED/,
		);
		client.close();
		await expect(client.lease(500)).rejects.toThrow(/DISTRIBUTOR_UNREACHABLE/);
	});

	test("more changes than a batch may have are several batches, in order", async () => {
		const { path, engine } = await servedEngine();
		const client = await ControlClient.connect(clientParts(path));
		const changes = Array.from({ length: 2500 }, (_, index) => rule("a", 5204, index + 1));
		expect((await client.apply(changes)).every((one) => one.ok)).toBe(true);
		expect(engine.list()[0]!.generation).toBe(2500);
		client.close();
	});

	test("the end of the connection is told once, and those who wait are refused", async () => {
		const { path, server } = await servedEngine();
		const lost: PenstockError[] = [];
		await ControlClient.connect(clientParts(path, lost));
		await server.close();
		await expect.poll(() => lost.length).toBe(1);
		expect(lost[0]!.code).toBe("DISTRIBUTOR_UNREACHABLE");
	});
});

describe("a peer that is no distributor", () => {
	async function peer(serve: (socket: Socket) => void): Promise<string> {
		const path = socketPath();
		const server: Server = createServer(serve);
		await new Promise<void>((resolve) => server.listen(path, resolve));
		onTestFinished(() => void server.close());
		return path;
	}

	test.each([
		["not JSON", "hello\n"],
		["an answer that nobody asked for", '{"id":77,"ok":true}\n'],
		["an answer to hello without what it must have", '{"id":0,"ok":true,"protocol":1}\n'],
		["another version", '{"id":0,"ok":false,"error":{"code":"PROTOCOL_UNSUPPORTED","text":"no"}}\n'],
	])("is found out: %s", async (_, line) => {
		const path = await peer((socket) => void socket.write(line));
		await expect(ControlClient.connect(clientParts(path))).rejects.toThrow(/DISTRIBUTOR_(?:PROTOCOL|REFUSED)/);
	});

	test("is not waited for: one that is silent", async () => {
		const clock = new ManualClock();
		let heard = false;
		const path = await peer((socket) => void socket.on("data", () => (heard = true)));
		const connecting = ControlClient.connect(clientParts(path, [], clock));
		const refused = expect(connecting).rejects.toThrow(/no answer to hello came within 5000 ms/);
		await expect.poll(() => heard).toBe(true);
		clock.advance(5000);
		await refused;
	});

	test("is not there at all", async () => {
		await expect(ControlClient.connect(clientParts(socketPath()))).rejects.toThrow(
			/DISTRIBUTOR_UNREACHABLE: the control socket .* cannot be opened/,
		);
	});
});
