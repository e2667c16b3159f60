/** The golden conversations of test/vectors/distributor, with the engine of this process behind a real socket. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { ManualClock } from "../../test/kit/manual-clock.ts";
import { ControlServer } from "./control-server.ts";
import { NodeEngine } from "./node-engine.ts";

interface Step {
	readonly send?: object;
	readonly line?: string;
	readonly lineHex?: string;
	readonly answer?: object;
	readonly waitMs?: number;
	readonly event?: object;
}

interface Conversation {
	readonly name: string;
	readonly hello?: boolean;
	readonly steps: readonly Step[];
}

const FILE = new URL("../../test/vectors/distributor/conversations.json", import.meta.url);
const CONVERSATIONS: readonly Conversation[] = JSON.parse(readFileSync(FILE, "utf8"));
const LIMITS = { rules: 4, receiversPerRule: 3, receivers: 6 };

/** A distributor that has just started, and one connection to it. */
class Rig {
	readonly clock = new ManualClock();
	readonly engine = new NodeEngine({ clock: this.clock, version: "0.0.0", limits: LIMITS });
	readonly path: string;
	readonly lines: unknown[] = [];
	readonly events: unknown[] = [];
	quits = 0;
	socket!: Socket;
	#waiting: (() => void) | undefined;

	constructor() {
		const directory = mkdtempSync(join(tmpdir(), "penstock-control-"));
		onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
		this.path = join(directory, "control.sock");
	}

	async open(): Promise<ControlServer> {
		const { engine, path } = this;
		const server = await ControlServer.open({ engine, path, onQuit: () => this.quits++, log: () => undefined });
		await engine.start({ state: () => undefined, event: (event) => server.event(event) });
		this.socket = createConnection(path);
		createInterface({ input: this.socket }).on("line", (line) => {
			const value = JSON.parse(line);
			(("event" in value ? this.events : this.lines) as unknown[]).push(value);
			this.#waiting?.();
		});
		onTestFinished(async () => {
			this.socket.destroy();
			await server.close();
			await engine.stop();
			expect(this.clock.time.pending).toBe(0);
		});
		return server;
	}

	/** The next answer to a line. */
	async ask(line: string | Uint8Array): Promise<unknown> {
		this.socket.write(line);
		this.socket.write("\n");
		return this.#next(this.lines);
	}

	nextEvent(): Promise<unknown> {
		return this.#next(this.events);
	}

	async #next(list: unknown[]): Promise<unknown> {
		while (list.length === 0) await new Promise<void>((resolve) => (this.#waiting = resolve));
		return list.shift();
	}
}

describe("the golden conversation", () => {
	test.each(CONVERSATIONS)("$name", async ({ hello, steps }) => {
		const rig = new Rig();
		await rig.open();
		if (hello !== false) await rig.ask('{"id":0,"do":"hello","protocol":1}');
		for (const { send, line, lineHex, answer, waitMs, event } of steps) {
			if (waitMs !== undefined) rig.clock.advance(waitMs);
			if (event !== undefined) expect(await rig.nextEvent()).toMatchObject(event);
			if (answer === undefined) continue;
			const bytes = lineHex === undefined ? (line ?? JSON.stringify(send)) : Buffer.from(lineHex, "hex");
			expect(await rig.ask(bytes), JSON.stringify(send ?? line)).toMatchObject(answer);
		}
	});
});

test("a line that is too long is told, and ends the connection", async () => {
	const rig = new Rig();
	await rig.open();
	const ended = new Promise((resolve) => rig.socket.once("end", resolve));
	expect(await rig.ask(`{"id":1,"do":"${"x".repeat(1_100_000)}"}`)).toMatchObject({
		id: null,
		error: { code: "LINE_TOO_LONG" },
	});
	await ended;
});

test("every line has one answer, whatever it says", async () => {
	const rig = new Rig();
	await rig.open();
	await rig.ask('{"id":0,"do":"hello","protocol":1}');
	const verbs = [
		"hello",
		"rule.put",
		"rule.delete",
		"rule.list",
		"receivers.add",
		"receivers.remove",
		"batch",
		"lease",
	];
	const key = fc.constantFrom("rule", "name", "generation", "receivers", "requests", "leaseMs", "names", "protocol");
	const value = fc.oneof(fc.jsonValue(), fc.constantFrom("cam-1", 1, 500, [], [{ do: "stats" }], [{ port: 1 }]));
	const request = fc
		.tuple(fc.constantFrom(...verbs, "stats", "capture", "dance"), fc.dictionary(key, value))
		.map(([verb, fields]) => JSON.stringify({ ...fields, id: 7, do: verb }));
	const noLines = fc.oneof(
		fc.json(),
		fc.string().map((text) => text.replaceAll("\n", " ")),
	);
	await fc.assert(
		fc.asyncProperty(fc.oneof(request, noLines), async (line) => {
			const answer = await rig.ask(line);
			expect(answer).toMatchObject({ ok: expect.any(Boolean) });
			expect(rig.lines).toEqual([]);
		}),
		{ numRuns: 300 },
	);
});

test("who asks without reading is answered as far as it reads, and then further", async () => {
	const rig = new Rig();
	await rig.open();
	await rig.ask('{"id":0,"do":"hello","protocol":1}');
	for (let port = 5004; port < 5008; port++) {
		const rule = {
			name: `${"n".repeat(120)}${port}`,
			generation: 1,
			match: { address: "127.0.0.1", port },
			media: "ts",
		};
		await rig.ask(JSON.stringify({ id: 1, do: "rule.put", rule: { ...rule, receivers: [] } }));
	}
	const asks = 2000;
	rig.socket.pause();
	for (let id = 0; id < asks; id++) rig.socket.write(`{"id":${id},"do":"rule.list"}\n`);
	await new Promise((resolve) => setTimeout(resolve, 200));
	rig.socket.resume();
	await expect.poll(() => rig.lines.length, { timeout: 10_000 }).toBe(asks);
	expect(rig.lines.map((line) => (line as { id: number }).id)).toEqual(Array.from({ length: asks }, (_, id) => id));
	rig.lines.length = 0;
});

test("a line in pieces, and several in one piece, are answered in order", async () => {
	const rig = new Rig();
	await rig.open();
	rig.socket.write('{"id":0,"do":"hello","prot');
	rig.socket.write('ocol":1}\n{"id":1,"do":"rule.list"}\n{"id":2,"do":"stats"}\n');
	expect(await rig.ask('{"id":3,"do":"lease","leaseMs":500}')).toMatchObject({ id: 0 });
	for (const id of [1, 2, 3]) {
		await expect.poll(() => rig.lines.length).toBeGreaterThan(0);
		expect(rig.lines.shift()).toMatchObject({ id });
	}
});

test("the socket is its owner's alone, a dead one's place is taken, a living one's is not", async () => {
	const rig = new Rig();
	await rig.open();
	expect(statSync(rig.path).mode & 0o777).toBe(0o600);
	const parts = { engine: rig.engine, path: rig.path, onQuit: () => undefined, log: () => undefined };
	await expect(ControlServer.open(parts)).rejects.toThrow(/DISTRIBUTOR_UNREACHABLE: the control socket/);
	const other = new Rig();
	writeFileSync(other.path, "");
	await other.open();
	expect(await other.ask('{"id":0,"do":"hello","protocol":1}')).toMatchObject({ ok: true });
});
